"""What is timed: a small model for a CPU, and the papers' models for an H100 or H200."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from trivit.models.nested_settings import overlay
from trivit.tools.errors import ToolsError

# Tri-Level as configs/base/tri_level.yaml trains it, with tokens 0.7 and attention 0.2; the
# descent of the ratios in five stages instead of ten (MACs differ by 0.0003), so that six shapes
# are compiled and not eleven. The variance comes from the block before the first selector.
_TRI_LEVEL: Mapping[str, Any] = {
    "model": {"token_keep_ratio": 0.7, "attention_keep_ratio": 0.2},
    "sparsity": {
        "variance_block": 2,
        "examples": {
            "method": "online",
            "keep_ratio": 0.8,
            "update_ratio": 0.05,
            "period_epochs": 30,
        },
        "warmup": {"start_epoch": 10, "end_epoch": 300, "steps": 5},
    },
}

# The most important rows first: where time is short, the last ones are left out.
_PSS_ROWS = ("pss_none", "pss_cyclic_code")
_VARIANTS = ("dense_before", "token_0.7_before", "pss_none_before", "dense_triton")
_DENSE_VARIANTS = ("dense_launched", "dense_cast", "dense_eager", "dense_timm_eager")
_ALL_ROWS = (
    *("dense", "dense_timm", "token_0.7", *_PSS_ROWS, "tri_level", "attention", "example"),
    *_VARIANTS,
    *("token_0.9", "token_0.8", "token_0.5", "pss_cyclic_paper"),
    *_DENSE_VARIANTS,
)


@dataclass(frozen=True)
class Target:
    """What a row is to reach.

    Attributes:
        at_most: the highest value that reaches it.
        of: what is compared: the time as a ratio to the fastest ``dense`` step or to the row's
            ``own`` reference, or the share of the ``bookkeeping``.
    """

    at_most: float
    of: Literal["dense", "own", "bookkeeping"]


@dataclass(frozen=True, kw_only=True)
class Preset:
    """Model, batch and how often it is timed.

    Attributes:
        name: as on the command line.
        text: what it stands for.
        settings: nested settings of an experiment.
        train_images: size of the training set whose examples are counted.
        compile: compile the forward and backward pass; steps with some settings undone
            (``shapes.variants``) are timed as well.
        threads: of PyTorch on a CPU (``None``: as many as PyTorch takes).
        steps: steps between two readings of the clock.
        rounds: turns that all shapes take; medians are reported.
        clock: ``wall``, or ``processor``: the time that the process ran, which other work on the
            machine changes less; for one thread on an idle machine they are the same.
        warmup: steps of each shape before the first round.
        rows: of the table, in order of importance.
        tri_level: nested settings of the row ``tri_level``, laid over ``settings``.
        targets: of rows, by name.
    """

    name: str
    text: str
    settings: Mapping[str, Any]
    train_images: int
    compile: bool
    threads: int | None
    steps: int
    rounds: int
    clock: Literal["wall", "processor"] = "wall"
    warmup: int = 3
    rows: tuple[str, ...] = _ALL_ROWS
    tri_level: Mapping[str, Any] = field(default_factory=lambda: _TRI_LEVEL)
    targets: Mapping[str, Target] = field(default_factory=dict)


def _on_gpu(
    name: str,
    text: str,
    model: str,
    batch_size: int,
    rows: tuple[str, ...] = _ALL_ROWS,
    targets: Mapping[str, Target] | None = None,
) -> Preset:
    """Return a preset for one H100 or H200: 224 x 224, bfloat16, compiled, ImageNet's size."""
    return Preset(
        name=name,
        text=f"{text}, 224 x 224, batch {batch_size}, bfloat16, compiled, images on the device",
        settings={
            "model": {"name": model},
            "training": {"batch_size": batch_size, "device": "cuda", "precision": "bfloat16"},
        },
        train_images=1_281_167,
        compile=True,
        threads=None,
        steps=10,
        rounds=15,
        rows=rows,
        targets=targets or {},
    )


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            name="cpu",
            text="micro_28 (width 64, depth 6, 50 tokens), batch 64, float32, not compiled",
            settings={
                "model": {"name": "micro_28"},
                "training": {"batch_size": 64, "device": "cpu", "precision": "float32"},
            },
            train_images=60_000,
            compile=False,
            threads=1,
            steps=1,
            rounds=31,
            clock="processor",
            tri_level=overlay(_TRI_LEVEL, {"sparsity": {"variance_block": 0}}),
        ),
        _on_gpu(
            "deit_small",
            "DeiT-S",
            "deit_small",
            256,
            targets={
                "dense": Target(0.80, "own"),
                "token_0.7": Target(0.70, "dense"),
                "tri_level": Target(0.68, "dense"),
                "pss_cyclic_code": Target(0.67, "own"),
                "pss_none": Target(1.05, "dense"),
                "attention": Target(1.03, "dense"),
                "example": Target(0.005, "bookkeeping"),
            },
        ),
        _on_gpu(
            "deit_tiny",
            "DeiT-T",
            "deit_tiny",
            256,
            targets={
                "token_0.7": Target(0.75, "dense"),
                "pss_cyclic_code": Target(0.72, "own"),
            },
        ),
        _on_gpu("deit_base", "DeiT-B", "deit_base", 256),
        # The size of a GPU's part of the batch in PSS's Table 1: 4 x 128.
        _on_gpu(
            "vit_base_pss",
            "ViT-B with mean pooling and relative position bias, as PSS fine-tunes it",
            "deit_base",
            128,
            (
                *("dense", "dense_timm", *_PSS_ROWS, "pss_cyclic_paper"),
                *("dense_before", "pss_none_before", "dense_triton"),
                *_DENSE_VARIANTS,
            ),
        ),
    )
}


def chosen_preset(name: str) -> Preset:
    """Return the preset called ``name``.

    Raises:
        ToolsError: unknown name.
    """
    if name not in PRESETS:
        raise ToolsError(f"unknown preset '{name}': choose from {', '.join(PRESETS)}")
    return PRESETS[name]
