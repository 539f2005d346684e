"""Which kernels the search looks at, and why no others.

Fixed by the C++ (its ``static_assert``s say so): 8 tokens and 8 products deep, because a memory
word is 8 elements and V is transposed in square blocks; four parameter ports. The limits of what a
program may hold (tokens, widths, heads) stay those of the description, so every candidate runs
the same models as far as its activation memory reaches.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from trivit.host.tiles import ceil_div
from trivit.tools.errors import ToolsError
from trivit.tools.explore.description_file import with_values
from trivit.tools.kernel.description import KernelDescription

OUTPUTS = (8, 16, 32)
ROUNDING_ROWS = (4, 8)
SOFTMAX_ROWS = (1, 2, 4)
SOFTMAX_BUFFERS = (2, 3)
WEIGHT_DEPTHS = (1024, 2048)
SELECT_LANES = (16, 32)

#: Bank depths are multiples of the deepest shape of an 18-Kbit block that holds an element.
ACTIVATION_STEP = 1024

#: Above it the four parameter ports would ask for more than 75 % of DDR4-2133 (12.8 GB/s).
MAX_CLOCK_MHZ = 200


def candidates(
    base: KernelDescription, activation_words: int, clocks: Sequence[int]
) -> Iterator[tuple[dict[str, int], KernelDescription]]:
    """Yield (changed values, description) of every kernel that the C++ accepts.

    Args:
        base: the description to vary.
        activation_words: bank words that the model's programs need.
        clocks: frequencies in MHz; the latency of DDR is constant in time, so its cycles follow.

    Raises:
        ToolsError: a clock outside 1..200 MHz.
    """
    for clock in clocks:
        if not 1 <= clock <= MAX_CLOCK_MHZ:
            raise ToolsError(
                f"a clock of {clock} MHz is outside 1..{MAX_CLOCK_MHZ}; with more, the parameter "
                "ports would need more than DDR gives"
            )
    least = ceil_div(activation_words, ACTIVATION_STEP) * ACTIVATION_STEP
    depths = sorted({least, base.limits["activation_depth"]} - {0})
    nanoseconds = base.timing["burst_latency"] / base.timing["clock_mhz"]
    axes = (
        OUTPUTS,
        ROUNDING_ROWS,
        SOFTMAX_ROWS,
        SOFTMAX_BUFFERS,
        WEIGHT_DEPTHS,
        SELECT_LANES,
        depths,
        clocks,
    )
    names = (
        "outputs",
        "rounding_rows",
        "softmax_rows",
        "softmax_buffers",
        "weight_depth",
        "select_lanes",
        "activation_depth",
        "clock_mhz",
    )
    for point in product(*axes):
        values = dict(zip(names, point, strict=True))
        values["burst_latency"] = -int(-nanoseconds * values["clock_mhz"] // 1)
        kernel = with_values(base, values)
        if values["activation_depth"] >= activation_words and compiles(kernel):
            yield values, kernel


def compiles(kernel: KernelDescription) -> bool:
    """Whether the sizes satisfy the C++'s assertions about buffers."""
    outputs, lanes = kernel.geometry["outputs"], kernel.geometry["depth"]
    limits = kernel.limits
    tokens, head = limits["max_tokens"], limits["max_head_words"]
    keys = ceil_div(tokens, outputs) * head
    values = ceil_div(head * lanes, outputs) * ceil_div(tokens, lanes)
    return (
        max(2 * (keys + values), 2 * limits["max_depth_words"]) <= limits["weight_depth"]
        and kernel.geometry["tokens"] % kernel.timing["softmax_rows"] == 0
        and kernel.geometry["tokens"] % kernel.timing["rounding_rows"] == 0
        and kernel.timing["select_lanes"] % lanes == 0
    )
