"""What is timed: a small model for a CPU, and the papers' DeiT-S for an H200."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from trivit.tools.errors import ToolsError


@dataclass(frozen=True, kw_only=True)
class Preset:
    """Model, batch and how often it is timed.

    Attributes:
        name: as on the command line.
        text: what it stands for.
        settings: nested settings of an experiment.
        train_images: size of the training set whose examples are counted.
        compile: compile the forward and backward pass; the uncompiled dense step is timed as well.
        threads: of PyTorch on a CPU (``None``: as many as PyTorch takes).
        steps: steps between two readings of the clock.
        rounds: turns that all shapes take; medians are reported.
        clock: ``wall``, or ``processor``: the time that the process ran, which other work on the
            machine changes less; for one thread on an idle machine they are the same.
        warmup: steps of each shape before the first round.
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
        ),
        Preset(
            name="h200",
            text="DeiT-S, 224 x 224, batch 256, bfloat16, compiled, images on the device",
            settings={
                "model": {"name": "deit_small"},
                "training": {"batch_size": 256, "device": "cuda", "precision": "bfloat16"},
            },
            train_images=1_281_167,
            compile=True,
            threads=None,
            steps=10,
            rounds=15,
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
