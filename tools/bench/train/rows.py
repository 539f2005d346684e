"""The methods of the table, each as a mix of tensor shapes that are timed one by one.

A schedule dwells on its ratios for many steps, so its
time is that of the shapes, weighted by how long it stays at each.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trivit.models.accounting import image_macs
from trivit.models.methods.patches.schedule import parse_schedule, scheduled_keep_ratio
from trivit.models.model_config import ModelConfig
from trivit.models.topology import DENSE, KeepRatios
from trivit.tools.bench.train.presets import Preset
from trivit.tools.bench.train.shapes import (
    STEPS_PER_EPOCH,
    TOKEN_RATIOS,
    Shape,
    method_settings,
    tri_level_config,
    tri_level_name,
    tri_level_steps,
    variants,
)
from trivit.tools.errors import ToolsError

# More than any number of levels, so that each level's share comes out to 0.1 %.
_SCHEDULE_SAMPLES = 9000


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table.

    Attributes:
        name: unique.
        text: what it is.
        weights: share of the steps by shape.
        examples: share of the training set that an epoch takes.
        dense: a baseline: the fastest of these is what all are compared with.
        own: the row that it is also compared with, by name.
    """

    name: str
    text: str
    weights: Mapping[str, float]
    examples: float = 1.0
    dense: bool = False
    own: str | None = None


def rows(preset: Preset, found: Mapping[str, Shape]) -> list[Row]:
    """Return the preset's lines that the shapes ``found`` allow, in order of importance."""
    connections = method_settings("attention")["model"]["attention_keep_ratio"]
    examples = method_settings("example_online")["sparsity"]["examples"]["keep_ratio"]
    table = [
        Row(name="dense", text="dense", weights=_all("dense"), dense=True, own="dense_timm"),
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
        _tri_level(preset),
        Row(name="pss_none", text="PSS model, all patches", weights=_all("pss_1")),
        Row(
            name="pss_cyclic_code",
            text="PSS cyclic epoch, levels as in the released code",
            weights=cyclic_weights("code"),
            own="pss_none",
        ),
        Row(
            name="pss_cyclic_paper",
            text="PSS cyclic epoch, levels of equal length",
            weights=cyclic_weights("paper"),
            own="pss_none",
        ),
    ]
    table += [
        Row(
            name=shape.name,
            text=text,
            weights=_all(shape.name),
            dense=shape.name.startswith("dense"),
        )
        for shape, text in variants(with_timm=True)
    ]
    possible = {row.name: row for row in table if set(row.weights) <= set(found)}
    return [possible[name] for name in preset.rows if name in possible]


def _all(shape: str) -> dict[str, float]:
    return {shape: 1.0}


def _tri_level(preset: Preset) -> Row:
    """Return the mean step of a whole training with all three levels and their warm-up."""
    config, steps = tri_level_config(preset), tri_level_steps(preset)
    total, epochs = sum(steps.values()), config.training.epochs
    model, examples = config.model, config.sparsity.examples
    return Row(
        name="tri_level",
        text=f"Tri-Level: example {examples.keep_ratio:g}, token {model.token_keep_ratio:g}, "
        f"attention {model.attention_keep_ratio:g}, mean of {epochs} epochs",
        weights={
            tri_level_name(ratios): count / total
            for ratios, count in sorted(steps.items(), reverse=True)
        },
        examples=total / (epochs * STEPS_PER_EPOCH),
    )


def cyclic_weights(compat: str) -> dict[str, float]:
    """Return the share of an epoch's steps that the cyclic schedule spends on each shape."""
    settings = method_settings("pss_l1_cyclic")["patch_schedule"]
    changes = {"compat": compat, "cooldown_epochs": 0.0}
    schedule = parse_schedule({**settings, **changes}, "patch_schedule")
    counts = Counter(
        scheduled_keep_ratio(schedule, (step + 0.5) / _SCHEDULE_SAMPLES, 1)
        for step in range(_SCHEDULE_SAMPLES)
    )
    return {f"pss_{ratio:g}": n / _SCHEDULE_SAMPLES for ratio, n in sorted(counts.items())}


def chosen_rows(table: Sequence[Row], only: Sequence[str]) -> list[Row]:
    """Return the rows called ``only`` and what they are compared with; all if none is called.

    Raises:
        ToolsError: an unknown row.
    """
    names = [row.name for row in table]
    for name in only:
        if name not in names:
            raise ToolsError(f"unknown row '{name}': choose from {', '.join(names)}")
    wanted = {name for row in table if row.name in only for name in (row.name, row.own)}
    wanted |= {"dense", "dense_timm"}
    return [row for row in table if not only or row.name in wanted]


def waves(table: Sequence[Row], size: int) -> list[list[str]]:
    """Return the names of all shapes in groups of at least ``size``, but for the last one.

    The rows of ``table`` get theirs in order; one that finds its shapes complete needs no more.
    The first group holds the shapes of the first dense row.
    """
    groups: list[list[str]] = [[]]
    seen: set[str] = set()
    for row in table:
        if len(groups[-1]) >= size:
            groups.append([])
        groups[-1] += [name for name in row.weights if name not in seen]
        seen |= set(row.weights)
    return [group for group in groups if group]


def mac_limit(row: Row, vits: Mapping[str, ModelConfig], found: Mapping[str, Shape]) -> float:
    """Return the row's multiply-accumulates per epoch as a ratio to dense training.

    Closed connections count as not computed, as if keys were gathered.
    """
    dense = image_macs(vits["dense"].dense(), DENSE).training
    macs = sum(
        weight * _macs(vits[name], found[name].ratios) for name, weight in row.weights.items()
    )
    return row.examples * macs / dense


def _macs(vit: ModelConfig, ratios: KeepRatios | None) -> int:
    final = KeepRatios(vit.token_keep_ratio, vit.attention_keep_ratio, 1.0)
    return image_macs(vit, ratios or final).training
