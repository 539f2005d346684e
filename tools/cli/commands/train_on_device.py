"""``trivit train-on-device``."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer


class TrainingBackendName(str, Enum):
    """Who executes the ops of a step."""

    reference = "reference"
    emulator = "emulator"


class ClipName(str, Enum):
    """Whose norm gradients are scaled by."""

    fused = "fused"
    unfused = "unfused"


def train_on_device(
    bundle: Annotated[Path, typer.Argument(help="File of trivit compile --training.")],
    data: Annotated[
        str, typer.Option(metavar="NAME|STORE", help="A data set, or a store of trivit data.")
    ] = "fashion_mnist",
    backend: Annotated[
        TrainingBackendName, typer.Option(help="numpy oracle, or the same integers in C++.")
    ] = TrainingBackendName.emulator,
    out: Annotated[Path, typer.Option(help="Folder for checkpoint, weights and metrics.")] = Path(
        "runs/on_device"
    ),
    steps: Annotated[int, typer.Option(min=1, help="Steps in all; an image each.")] = 1000,
    learning_rate: Annotated[float, typer.Option(help="At its highest.")] = 0.005,
    warmup_steps: Annotated[int, typer.Option(min=0, help="Steps in which it rises.")] = 100,
    momentum: Annotated[float, typer.Option(help="Of SGD; beta1 of AdamW.")] = 0.9,
    beta2: Annotated[float, typer.Option(help="Of AdamW.")] = 0.999,
    epsilon: Annotated[float, typer.Option(help="Of AdamW.")] = 1e-8,
    weight_decay: Annotated[float, typer.Option(help="Of matrices.")] = 0.0,
    label_smoothing: Annotated[float, typer.Option(min=0.0, max=1.0)] = 0.0,
    clip_norm: Annotated[
        float | None, typer.Option(help="Largest global norm of gradients.")
    ] = None,
    clip: Annotated[
        ClipName,
        typer.Option(
            help="Scale by the norm of the update before, or of this one: then gradients of "
            "weights are stored."
        ),
    ] = ClipName.fused,
    accumulate: Annotated[
        int, typer.Option(min=1, help="Images whose mean gradient is an update.")
    ] = 1,
    nearest: Annotated[
        bool, typer.Option("--nearest", help="Round updates to the nearest, not stochastically.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of the order and of rounding.")] = 0,
    largest_loss: Annotated[
        float | None,
        typer.Option(
            help="Stop when the mean loss of a hundred steps is above (default: 3 times that of "
            "guessing)."
        ),
    ] = None,
    checkpoint_every: Annotated[
        int, typer.Option(min=1, help="Steps, a multiple of 100: then weights are written too.")
    ] = 1000,
    test_images: Annotated[int, typer.Option(min=0, help="Test images at the end.")] = 1000,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint.")] = False,
) -> None:
    """Train with batch size 1 in the accelerator's fixed point: forward, backward and update."""
    from trivit.tools.report.tables import print_figures
    from trivit.tools.training.loop import LoopSettings, train

    settings = LoopSettings(
        steps=steps,
        learning_rate=learning_rate,
        warmup_steps=warmup_steps,
        momentum=momentum,
        beta2=beta2,
        epsilon=epsilon,
        weight_decay=weight_decay,
        label_smoothing=label_smoothing,
        clip_norm=clip_norm,
        clip=clip.value,
        accumulate=accumulate,
        stochastic=not nearest,
        seed=seed,
        largest_loss=largest_loss,
        checkpoint_every=checkpoint_every,
        test_images=test_images,
    )
    summary = train(bundle, data, out, settings, backend=backend.value, resume=resume)
    print_figures(f"trained {bundle} on {backend.value}", summary)
