"""Which accelerators the search looks at, and why no others.

The array (8 x 32 x 8) and the ring are fixed: the scheduler, the HLS blocks and the counted engine
have these sizes, and nothing predicts cycles of a schedule that cannot be made. What remains is the
depth of the activation banks, which a model's tensors need or not, and the clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from trivit.host.tiles import ceil_div
from trivit.tools.errors import ToolsError
from trivit.tools.explore.description_file import with_values
from trivit.tools.kernel.description import KernelDescription

#: Bank depths are multiples of the deepest shape of a block that holds words of both ports.
ACTIVATION_STEP = 1024

#: Above it the four ports would ask for more than 75 % of DDR4-2133 (12.8 GB/s).
MAX_CLOCK_MHZ = 200


def candidates(
    base: KernelDescription, activation_words: int, clocks: Sequence[int]
) -> Iterator[tuple[dict[str, int], KernelDescription]]:
    """Yield (changed values, description) of every accelerator.

    Args:
        base: the description to vary.
        activation_words: bank words that the model's programs need.
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
    least = ceil_div(activation_words, ACTIVATION_STEP) * ACTIVATION_STEP
    most = base.limits["activation_depth"]
    for depth, clock in product(range(least, most + 1, ACTIVATION_STEP), clocks):
        values = {"activation_depth": depth, "clock_mhz": clock}
        yield values, with_values(base, values)
