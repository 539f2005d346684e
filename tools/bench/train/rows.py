"""The methods of the table, each as a mix of tensor shapes that are timed one by one.

The settings are those of ``method_rows``. A schedule dwells on its ratios for many steps, so its
time is that of the shapes, weighted by how long it stays at each.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from trivit.models.accounting import image_macs
from trivit.models.experiment.config import ExperimentConfig
from trivit.models.experiment.config_files import parse_config
from trivit.models.experiment.schedules import run_ratios
from trivit.models.methods.patches.schedule import parse_schedule, scheduled_keep_ratio
from trivit.models.methods.table import method_rows
from trivit.models.model_config import ModelConfig
from trivit.models.nested_settings import overlay
from trivit.models.topology import DENSE, KeepRatios
from trivit.tools.bench.train.presets import Preset
from trivit.tools.errors import ToolsError

TOKEN_RATIOS = (0.9, 0.8, 0.7, 0.5)
PATCH_RATIOS = (1.0, 0.8, 0.6, 0.4, 0.2)

# More than any number of levels, so that each level's share comes out to 0.1 %.
_SCHEDULE_SAMPLES = 9000

# Steps that stand for an epoch where only their ratios count.
_STEPS_PER_EPOCH = 20


@dataclass(frozen=True, kw_only=True)
class Shape:
    """One training step that is timed.

    Attributes:
        name: unique.
        settings: nested settings of an experiment, laid over those of the preset.
        ratios: that the step runs with (``None``: the settings' final ones, all patches).
        maker: whose model: this project's or timm's.
        eager: not compiled even where the preset compiles.
        copies: where the step is in bfloat16, it may run on copies of the weights.
    """

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    ratios: KeepRatios | None = None
    maker: str = "trivit"
    eager: bool = False
    copies: bool = True


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


def experiment(preset: Preset, shape: Shape) -> ExperimentConfig:
    """Return the experiment of a shape."""
    return parse_config(overlay(preset.settings, shape.settings))


def shapes(preset: Preset, *, with_timm: bool) -> dict[str, Shape]:
    """Return everything that the preset can time, by name."""
    found = [Shape(name="dense")]
    if preset.compile:
        found.append(Shape(name="dense_eager", eager=True))
    if with_timm:
        found.append(Shape(name="dense_timm", maker="timm"))
        if preset.compile:
            found.append(Shape(name="dense_timm_eager", maker="timm", eager=True))
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
        Shape(name=name, settings=preset.tri_level, ratios=ratios)
        for name, ratios in _tri_level_ratios(preset).items()
    ]
    found += [
        Shape(
            name=f"pss_{r:g}",
            settings=_settings("pss_baseline"),
            ratios=DENSE._replace(patch=r),
        )
        for r in PATCH_RATIOS
    ]
    return {shape.name: shape for shape in found}


def _settings(method: str) -> Mapping[str, Any]:
    return method_rows()[method].settings


def rows(preset: Preset, found: Mapping[str, Shape]) -> list[Row]:
    """Return the preset's lines that the shapes ``found`` allow, in order of importance."""
    connections = _settings("attention")["model"]["attention_keep_ratio"]
    examples = _settings("example_online")["sparsity"]["examples"]["keep_ratio"]
    table = [
        Row(name="dense", text="dense", weights=_all("dense"), dense=True, own="dense_timm"),
        Row(
            name="dense_eager", text="dense, not compiled", weights=_all("dense_eager"), dense=True
        ),
        Row(name="dense_timm", text="dense, timm", weights=_all("dense_timm"), dense=True),
        Row(
            name="dense_timm_eager",
            text="dense, timm, not compiled",
            weights=_all("dense_timm_eager"),
            dense=True,
        ),
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
    possible = {row.name: row for row in table if set(row.weights) <= set(found)}
    return [possible[name] for name in preset.rows if name in possible]


def _all(shape: str) -> dict[str, float]:
    return {shape: 1.0}


def _tri_level(preset: Preset) -> Row:
    """Return the mean step of a whole training with all three levels and their warm-up."""
    config = parse_config(overlay(preset.settings, preset.tri_level))
    steps = run_ratios(config, _few_images(config))
    total = sum(steps.values())
    model, examples = config.model, config.sparsity.examples
    return Row(
        name="tri_level",
        text=f"Tri-Level: example {examples.keep_ratio:g}, token {model.token_keep_ratio:g}, "
        f"attention {model.attention_keep_ratio:g}, mean of {config.training.epochs} epochs",
        weights={name: steps[ratios] / total for name, ratios in _tri_level_ratios(preset).items()},
        examples=total / (config.training.epochs * _STEPS_PER_EPOCH),
    )


def _tri_level_ratios(preset: Preset) -> dict[str, KeepRatios]:
    config = parse_config(overlay(preset.settings, preset.tri_level))
    visited = sorted(run_ratios(config, _few_images(config)), reverse=True)
    return {f"tri_{ratios.token:.3g}": ratios for ratios in visited}


def _few_images(config: ExperimentConfig) -> int:
    return _STEPS_PER_EPOCH * config.training.batch_size


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


def chosen_rows(table: Sequence[Row], only: Sequence[str]) -> list[Row]:
    """Return the rows called ``only`` and the dense ones; all if nothing is asked for.

    Raises:
        ToolsError: an unknown row.
    """
    names = [row.name for row in table]
    for name in only:
        if name not in names:
            raise ToolsError(f"unknown row '{name}': choose from {', '.join(names)}")
    wanted = [name for row in table if row.name in only for name in (row.name, row.own)]
    return [row for row in table if row.dense or not only or row.name in wanted]


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
