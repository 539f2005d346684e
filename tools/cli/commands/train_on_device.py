"""``trivit train-on-device``."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer


class TrainingBackendName(str, Enum):
    """Who executes the ops of a step."""

    reference = "reference"
    emulator = "emulator"


class RateSchedule(str, Enum):
    """How the learning rate goes on behind its warm-up."""

    cosine = "cosine"
    constant = "constant"
    step = "step"


class Compat(str, Enum):
    """Where the paper and its released code differ."""

    paper = "paper"
    code = "code"


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
    config: Annotated[
        Path | None,
        typer.Option(
            help="An experiment, such as RUN/config.yaml: its keep ratio, warm-up and example "
            "level hold where no option says otherwise."
        ),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Steps in all; an image each. Default: 1000.")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Instead of steps: epochs over the examples in play.")
    ] = None,
    learning_rate: Annotated[float, typer.Option(help="At its highest.")] = 0.005,
    warmup_steps: Annotated[int, typer.Option(min=0, help="Steps in which it rises.")] = 100,
    rate_schedule: Annotated[
        RateSchedule, typer.Option(help="Of the learning rate, behind its warm-up.")
    ] = RateSchedule.cosine,
    final_rate: Annotated[float, typer.Option(help="Where the cosine ends.")] = 0.0,
    rate_drops: Annotated[
        str | None, typer.Option(metavar="STEP,STEP,...", help="Of --rate-schedule step.")
    ] = None,
    rate_factor: Annotated[float, typer.Option(help="Of the rate at each of --rate-drops.")] = 0.1,
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
    fixed_exponents: Annotated[
        bool,
        typer.Option("--fixed-exponents", help="Leave fraction lengths as they are at the start."),
    ] = False,
    keep: Annotated[
        float | None,
        typer.Option(
            help="Token keep ratio of the program to train with, and to end with after a warm-up. "
            "Default: the bundle's first."
        ),
    ] = None,
    keep_warmup: Annotated[
        str | None,
        typer.Option(
            metavar="START,END",
            help="Epochs (fractions too): ratio 1 until START, a cosine to --keep at END, by the "
            "nearest of the bundle's programs.",
        ),
    ] = None,
    example_keep: Annotated[
        float | None, typer.Option(help="Part of the examples in play; 1: all. Default: 1.")
    ] = None,
    example_method: Annotated[
        str | None, typer.Option(help="What chooses them (docs/methods.md). Default: online.")
    ] = None,
    example_update: Annotated[
        float | None,
        typer.Option(help="Part of all examples that an update exchanges. Default: 0.05."),
    ] = None,
    example_period: Annotated[
        int | None, typer.Option(help="Epochs between updates. Default: 30.")
    ] = None,
    example_updates: Annotated[
        int | None, typer.Option(help="Number of updates. Default: enough for the removed part.")
    ] = None,
    compat: Annotated[
        Compat | None, typer.Option(help="Of the example level (docs/methods.md). Default: paper.")
    ] = None,
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
    evaluate_every: Annotated[
        int | None, typer.Option(min=1, help="Steps between evaluations; keeps the best weights.")
    ] = None,
    evaluate_every_epochs: Annotated[
        int | None, typer.Option(min=1, help="The same in epochs.")
    ] = None,
    train_images: Annotated[
        int | None, typer.Option(min=1, help="Train on the first so many (default: all).")
    ] = None,
    test_images: Annotated[int, typer.Option(min=0, help="Test images of an evaluation.")] = 1000,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint.")] = False,
) -> None:
    """Train with batch size 1 in the accelerator's fixed point: forward, backward and update."""
    from trivit.tools.cli.settings import numbers
    from trivit.tools.errors import ToolsError
    from trivit.tools.report.tables import print_figures
    from trivit.tools.training.levels import levels
    from trivit.tools.training.loop import train
    from trivit.tools.training.settings import LoopSettings

    if steps is not None and epochs is not None:
        raise ToolsError("--steps and --epochs: give one of them")
    settings = LoopSettings(
        steps=1000 if steps is None else steps,
        epochs=epochs,
        learning_rate=learning_rate,
        warmup_steps=warmup_steps,
        rate_schedule=rate_schedule.value,
        rate_drops=numbers("--rate-drops", rate_drops, int),
        rate_factor=rate_factor,
        final_rate=final_rate,
        momentum=momentum,
        beta2=beta2,
        epsilon=epsilon,
        weight_decay=weight_decay,
        label_smoothing=label_smoothing,
        clip_norm=clip_norm,
        clip=clip.value,
        accumulate=accumulate,
        stochastic=not nearest,
        fixed_exponents=fixed_exponents,
        seed=seed,
        largest_loss=largest_loss,
        checkpoint_every=checkpoint_every,
        train_images=train_images,
        evaluate_every=evaluate_every,
        evaluate_every_epochs=evaluate_every_epochs,
        test_images=test_images,
        **levels(
            config,
            keep=keep,
            keep_warmup=numbers("--keep-warmup", keep_warmup, float, count=2) or None,
            examples={
                "method": example_method,
                "keep_ratio": example_keep,
                "update_ratio": example_update,
                "period_epochs": example_period,
                "updates": example_updates,
            },
            compat=None if compat is None else compat.value,
        ),
    )
    summary = train(bundle, data, out, settings, backend=backend.value, resume=resume)
    print_figures(f"trained {bundle} on {backend.value}", summary)
