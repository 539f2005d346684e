"""The tensor shapes of a step that are timed, each with the settings it runs with.

The settings are those of ``method_rows``.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from trivit.models.experiment.config import ExperimentConfig
from trivit.models.experiment.config_files import parse_config
from trivit.models.experiment.schedules import run_ratios
from trivit.models.methods.table import method_rows
from trivit.models.nested_settings import overlay
from trivit.models.topology import DENSE, KeepRatios
from trivit.tools.bench.train.presets import Preset

TOKEN_RATIOS = (0.9, 0.8, 0.7, 0.5)
PATCH_RATIOS = (1.0, 0.8, 0.6, 0.4, 0.2)

# Steps that stand for an epoch where only their ratios count.
STEPS_PER_EPOCH = 20


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


def experiment(preset: Preset, shape: Shape) -> ExperimentConfig:
    """Return the experiment of a shape."""
    return parse_config(overlay(preset.settings, shape.settings))


def shapes(preset: Preset, *, with_timm: bool) -> dict[str, Shape]:
    """Return everything that the preset can time, by name."""
    found = [Shape(name="dense")]
    if with_timm:
        found.append(Shape(name="dense_timm", maker="timm"))
    found += [
        Shape(
            name=f"token_{r:g}",
            settings=overlay(method_settings("token_cls"), {"model": {"token_keep_ratio": r}}),
        )
        for r in TOKEN_RATIOS
    ]
    found.append(Shape(name="attention", settings=method_settings("attention")))
    found.append(Shape(name="example", settings=method_settings("example_online")))
    found += [
        Shape(name=tri_level_name(ratios), settings=preset.tri_level, ratios=ratios)
        for ratios in sorted(tri_level_steps(preset), reverse=True)
    ]
    found += [
        Shape(
            name=f"pss_{r:g}",
            settings=method_settings("pss_baseline"),
            ratios=DENSE._replace(patch=r),
        )
        for r in PATCH_RATIOS
    ]
    if preset.compile:
        found += [variant.shape for variant in variants(with_timm=with_timm)]
    return {shape.name: shape for shape in found}


class Variant(NamedTuple):
    """A shape with some setting undone, as the row of its name."""

    shape: Shape
    text: str


def variants(*, with_timm: bool) -> list[Variant]:
    """Return shapes as they were before a change, and others that only a comparison needs."""
    launched = {"training": {"cuda_graphs": False}}
    before = overlay(launched, {"training": {"attention": "torch"}})
    as_before = "as before: kernels launched, weights cast in each step, PyTorch's attention"
    token, pss = method_settings("token_cls"), method_settings("pss_baseline")
    found = [
        Variant(
            Shape(name=f"{name}_before", settings=overlay(settings, before), copies=False),
            f"{text}, {as_before}",
        )
        for name, text, settings in (
            ("dense", "dense", {}),
            ("token_0.7", "token keep 0.7", token),
            ("pss_none", "PSS model, all patches", pss),
        )
    ]
    found += [
        Variant(
            Shape(name="dense_triton", settings={"training": {"attention": "triton"}}),
            "dense, attention by Triton",
        ),
        Variant(Shape(name="dense_launched", settings=launched), "dense, kernels launched"),
        Variant(Shape(name="dense_cast", copies=False), "dense, weights cast in each step"),
        Variant(Shape(name="dense_eager", eager=True), "dense, not compiled"),
    ]
    if with_timm:
        shape = Shape(name="dense_timm_eager", maker="timm", eager=True)
        found.append(Variant(shape, "dense, timm, not compiled"))
    return found


def method_settings(method: str) -> Mapping[str, Any]:
    """Return the settings of a row of ``method_rows``."""
    return method_rows()[method].settings


def tri_level_config(preset: Preset) -> ExperimentConfig:
    """Return the training with all three levels."""
    return parse_config(overlay(preset.settings, preset.tri_level))


def tri_level_steps(preset: Preset) -> Counter[KeepRatios]:
    """Return how many steps it makes with which ratios, at ``STEPS_PER_EPOCH`` at most."""
    config = tri_level_config(preset)
    return run_ratios(config, STEPS_PER_EPOCH * config.training.batch_size)


def tri_level_name(ratios: KeepRatios) -> str:
    """Return the name of the shape that runs with ``ratios``."""
    return f"tri_{ratios.token:.3g}"
