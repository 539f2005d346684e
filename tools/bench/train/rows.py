"""The methods of the table, each as a mix of tensor shapes that are timed one by one.

The settings are those of ``method_rows``. A PSS cycle dwells on a ratio for many steps, so its time
is that of the shapes, weighted by how long the schedule stays at each.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trivit.models.accounting import image_macs
from trivit.models.methods.patches.schedule import parse_schedule, scheduled_keep_ratio
from trivit.models.methods.table import method_rows
from trivit.models.model_config import ModelConfig
from trivit.models.nested_settings import overlay
from trivit.models.topology import DENSE, KeepRatios

TOKEN_RATIOS = (0.9, 0.8, 0.7, 0.5)
PATCH_RATIOS = (1.0, 0.8, 0.6, 0.4, 0.2)

# More than any number of levels, so that each level's share comes out to 0.1 %.
_SCHEDULE_SAMPLES = 9000


@dataclass(frozen=True, kw_only=True)
class Shape:
    """One training step that is timed.

    Attributes:
        name: unique.
        settings: nested settings of an experiment, laid over those of the preset.
        patch: share of the patches.
        maker: whose model: this project's or timm's.
        eager: not compiled even where the preset compiles.
    """

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    patch: float = 1.0
    maker: str = "trivit"
    eager: bool = False


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table.

    Attributes:
        name: unique.
        text: what it is.
        weights: share of the steps by shape.
        examples: share of the training set that an epoch takes.
        dense: a baseline: the fastest of these is what all are compared with.
    """

    name: str
    text: str
    weights: Mapping[str, float]
    examples: float = 1.0
    dense: bool = False


def shapes(*, compiled: bool, with_timm: bool) -> list[Shape]:
    """Return everything that is timed."""
    found = [Shape(name="dense")]
    if compiled:
        found.append(Shape(name="dense_eager", eager=True))
    if with_timm:
        found.append(Shape(name="dense_timm", maker="timm"))
    found += [
        Shape(
            name=f"token_{r:g}",
            settings=overlay(_settings("token_cls"), {"model": {"token_keep_ratio": r}}),
        )
        for r in TOKEN_RATIOS
    ]
    found.append(Shape(name="attention", settings=_settings("attention")))
    found.append(Shape(name="example", settings=_settings("example_online")))
    found += [
        Shape(name=f"pss_{r:g}", settings=_settings("pss_baseline"), patch=r) for r in PATCH_RATIOS
    ]
    return found


def _settings(method: str) -> Mapping[str, Any]:
    return method_rows()[method].settings


def rows(names: list[str]) -> list[Row]:
    """Return the lines of the table that the shapes called ``names`` allow."""
    connections = _settings("attention")["model"]["attention_keep_ratio"]
    examples = _settings("example_online")["sparsity"]["examples"]["keep_ratio"]
    found = [
        Row(name="dense", text="dense", weights={"dense": 1.0}, dense=True),
        Row(
            name="dense_eager", text="dense, not compiled", weights=_all("dense_eager"), dense=True
        ),
        Row(name="dense_timm", text="dense, timm", weights=_all("dense_timm"), dense=True),
        *(
            Row(name=f"token_{r:g}", text=f"token keep {r:g}", weights=_all(f"token_{r:g}"))
            for r in TOKEN_RATIOS
        ),
        Row(
            name="attention",
            text=f"attention keep {connections:g} (mask)",
            weights=_all("attention"),
        ),
        Row(
            name="example",
            text=f"example keep {examples:g}, an epoch",
            weights=_all("example"),
            examples=examples,
        ),
        Row(name="pss_none", text="PSS model, all patches", weights=_all("pss_1")),
        Row(
            name="pss_cyclic_code",
            text="PSS cyclic epoch, levels as in the released code",
            weights=cyclic_weights("code"),
        ),
        Row(
            name="pss_cyclic_paper",
            text="PSS cyclic epoch, levels of equal length",
            weights=cyclic_weights("paper"),
        ),
    ]
    return [row for row in found if set(row.weights) <= set(names)]


def _all(shape: str) -> dict[str, float]:
    return {shape: 1.0}


def cyclic_weights(compat: str) -> dict[str, float]:
    """Return the share of an epoch's steps that the cyclic schedule spends on each shape."""
    settings = _settings("pss_l1_cyclic")["patch_schedule"]
    changes = {"compat": compat, "cooldown_epochs": 0.0}
    schedule = parse_schedule({**settings, **changes}, "patch_schedule")
    counts = Counter(
        scheduled_keep_ratio(schedule, (step + 0.5) / _SCHEDULE_SAMPLES, 1)
        for step in range(_SCHEDULE_SAMPLES)
    )
    return {f"pss_{ratio:g}": n / _SCHEDULE_SAMPLES for ratio, n in sorted(counts.items())}


def mac_limit(row: Row, vits: Mapping[str, ModelConfig], found: Mapping[str, Shape]) -> float:
    """Return the row's multiply-accumulates per epoch as a ratio to dense training.

    Closed connections count as not computed, as if keys were gathered.
    """
    dense = image_macs(vits["dense"].dense(), DENSE).training
    macs = sum(
        weight * _macs(vits[name], found[name].patch) for name, weight in row.weights.items()
    )
    return row.examples * macs / dense


def _macs(vit: ModelConfig, patch: float) -> int:
    ratios = KeepRatios(vit.token_keep_ratio, vit.attention_keep_ratio, patch)
    return image_macs(vit, ratios).training
