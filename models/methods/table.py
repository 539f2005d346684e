"""The methods that are compared with each other, each as its settings.

Every method brings its own rows; here are the dense experiment and what combines several methods.
"""

from typing import Any

from trivit.models.methods.comparison import MethodRow
from trivit.models.methods.connections.patterns import CONNECTION_PATTERNS
from trivit.models.methods.examples.method import EXAMPLE_METHODS
from trivit.models.methods.patches.orders import PATCH_ORDERS
from trivit.models.methods.patches.schedule import PATCH_SCHEDULES
from trivit.models.methods.tokens.selection import TOKEN_SCORES
from trivit.models.registry import Registry

REGISTRIES: tuple[Registry[Any], ...] = (
    TOKEN_SCORES,
    CONNECTION_PATTERNS,
    EXAMPLE_METHODS,
    PATCH_SCHEDULES,
    PATCH_ORDERS,
)

DENSE = MethodRow(name="dense", level="dense", text="dense", priority=0)


def _three_levels(ratio: float) -> MethodRow:
    return MethodRow(
        name=f"tri_level_{ratio:g}",
        level="all",
        text=f"all three: example {ratio:g}, token {ratio:g}, attention 0.2",
        settings={
            "model": {"token_keep_ratio": ratio, "attention_keep_ratio": 0.2},
            "sparsity": {
                # The block before the first selector, as in Tri-Level.
                "variance_block": 0,
                "examples": {"method": "online", "keep_ratio": ratio},
            },
        },
        priority=52,
    )


COMBINED = tuple(_three_levels(ratio) for ratio in (0.9, 0.8, 0.7))


def method_rows() -> dict[str, MethodRow]:
    """Return all rows by name, in the order in which they are to be trained."""
    rows = [DENSE, *COMBINED]
    for registry in REGISTRIES:
        for method in registry:
            rows += method.rows
    return {row.name: row for row in sorted(rows, key=lambda row: row.priority)}
