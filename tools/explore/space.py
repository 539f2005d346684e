"""Which accelerators the search looks at, and why no others.

What RTL and scheduler take at other sizes: the depth of the activation banks, which a model's
tensors need or not; the rows that wait behind the engine; the products that wait before it; the
clock. Each size is one at which Yosys has counted the units that it changes.

Everything else is refused. The array (8 x 32 x 8), the limits of an op and the fields of commands
are those of the HLS blocks; schedules are made for the ring of hls/kernel.yaml, so nothing predicts
cycles for another; DDR's bandwidth is no size of the accelerator, and the timeline assumes one that
feeds four ports.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from trivit.tools.errors import ToolsError
from trivit.tools.estimate.resources import counted_sizes
from trivit.tools.explore.description_file import with_values
from trivit.tools.kernel.description import KernelDescription

#: Above it the four ports would ask for more than 75 % of DDR4-2133 (12.8 GB/s).
MAX_CLOCK_MHZ = 200


def chosen_sizes(
    base: KernelDescription, settings: Sequence[str], activation_words: int
) -> dict[str, tuple[int, ...]]:
    """Return the values to try of each size.

    Bank depths are all that are counted, deep enough, and no deeper than in ``base``; other sizes
    are those of ``base``, or what ``settings`` names as ``NAME=VALUE``, also several times.

    Raises:
        ToolsError: a setting that is no such text, a size that cannot be varied, or a value at
            which nothing was counted.
    """
    counted = counted_sizes()
    sizes: dict[str, tuple[int, ...]] = dict.fromkeys(counted, ())
    for setting in settings:
        name, _, value = setting.partition("=")
        if name not in counted:
            raise ToolsError(
                f"'{setting}' cannot be tried: array, ring and limits are those of the HLS blocks "
                f"and the scheduler; use {', '.join(f'{size}=VALUE' for size in counted)}"
            )
        if value not in map(str, counted[name]):
            raise ToolsError(
                f"'{setting}' was not counted by Yosys: use one of "
                f"{', '.join(map(str, counted[name]))}"
            )
        sizes[name] += (int(value),)
    for name, numbers in ((n, {**base.limits, **base.engine}) for n in counted):
        sizes[name] = sizes[name] or (numbers[name],)
    if not any(setting.startswith("activation_depth=") for setting in settings):
        most = base.limits["activation_depth"]
        sizes["activation_depth"] = tuple(d for d in counted["activation_depth"] if d <= most)
    deep_enough = tuple(d for d in sizes["activation_depth"] if d >= activation_words)
    return {**sizes, "activation_depth": deep_enough}


def candidates(
    base: KernelDescription, sizes: Mapping[str, Sequence[int]], clocks: Sequence[int]
) -> Iterator[tuple[dict[str, int], KernelDescription]]:
    """Yield (changed values, description) of every accelerator.

    Args:
        base: the description to vary.
        sizes: values of each size.
        clocks: frequencies in MHz.

    Raises:
        ToolsError: a clock outside 1..200 MHz.
    """
    for clock in clocks:
        if not 1 <= clock <= MAX_CLOCK_MHZ:
            raise ToolsError(
                f"a clock of {clock} MHz is outside 1..{MAX_CLOCK_MHZ}; with more, the four "
                "ports would need more than DDR gives"
            )
    for *chosen, clock in product(*sizes.values(), clocks):
        values = {**dict(zip(sizes, chosen, strict=True)), "clock_mhz": clock}
        yield values, with_values(base, values)
