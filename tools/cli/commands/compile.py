"""``trivit compile``."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer


class OptimizerName(str, Enum):
    """Whose updates a training program has."""

    sgd = "sgd"
    adamw = "adamw"


class UpdateName(str, Enum):
    """Which parameters a training step updates."""

    all = "all"
    last_block = "last-block"
    biases = "biases"


def compile_run(
    run: Annotated[
        Path,
        typer.Argument(help="Run folder of trivit quantize; with --untrained an experiment."),
    ],
    keep: Annotated[
        str | None,
        typer.Option(
            metavar="R,R,...",
            help="Programs for these token keep ratios, the first one is the default; "
            "otherwise for all that were exported.",
        ),
    ] = None,
    kept_tokens: Annotated[
        bool,
        typer.Option(
            "--kept-tokens",
            help="Programs also bring back which tokens each selector keeps: `trivit board demo` "
            "draws them.",
        ),
    ] = False,
    training: Annotated[
        bool,
        typer.Option(
            "--training",
            help="Write the programs of training steps instead, training.trivit: one for each of "
            "the ratios, by default one as trained.",
        ),
    ] = False,
    masters: Annotated[
        int, typer.Option(help="With --training: bits of a parameter's master, 32 or 16.")
    ] = 32,
    optimizer: Annotated[
        OptimizerName, typer.Option(help="With --training: whose updates.")
    ] = OptimizerName.sgd,
    variance_block: Annotated[
        int,
        typer.Option(
            help="With --training: block whose [CLS] attention steps tell of, which orders "
            "examples (-1: the last; the paper takes the one before the first selector)."
        ),
    ] = -1,
    update: Annotated[
        UpdateName,
        typer.Option(
            help="With --training: which parameters a step updates; the last block or all biases "
            "with the classifier, and no more of backward than they need."
        ),
    ] = UpdateName.all,
    untrained: Annotated[
        bool,
        typer.Option(
            "--untrained",
            help="With --training: start from the experiment's model with random weights.",
        ),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="With --untrained: run folder to make (default: runs/ and its name)."),
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="With --untrained: change a setting."),
    ] = None,
) -> None:
    """Compile a quantized run into one program bundle, a program for each keep ratio."""
    from trivit.tools.errors import ToolsError

    if training and kept_tokens:
        raise ToolsError("--kept-tokens is of programs that infer: leave it out with --training")
    if untrained and not training:
        raise ToolsError("--untrained is of programs that train: add --training")
    if (out or overrides) and not untrained:
        raise ToolsError("--out and --set are of untrained models: add --untrained")
    if untrained:
        run = _untrained(run, keep, out, list(overrides or []))
    if training:
        _compile_training(run, keep, masters, optimizer, variance_block, update)
        return
    from trivit.host.bundle import Bundle
    from trivit.tools.cli.settings import keep_ratios
    from trivit.tools.compiler import compile_run as compile_quantized_run
    from trivit.tools.estimate.image_cycles import model_cycles
    from trivit.tools.report.tables import print_figures

    summary = compile_quantized_run(run, keep_ratios(keep), kept_tokens=kept_tokens)
    bundle = Bundle.load(summary["path"])
    for name, figures in summary["programs"].items():
        figures |= model_cycles(bundle.choose(name)).figures()
    print_figures(f"compiled {run}", summary)


def _untrained(config: Path, keep: str | None, out: Path | None, overrides: list[str]) -> Path:
    """Make the run folder of an untrained model and return it."""
    from trivit.models.training import load_config
    from trivit.tools.cli.interruption import started_again, when_interrupted
    from trivit.tools.cli.settings import keep_ratios
    from trivit.tools.training.untrained import untrained_start

    folder = out or Path("runs") / config.stem
    with when_interrupted(started_again(f"{folder} is not quantized yet")):
        untrained_start(load_config(config, overrides), folder, keep_ratios(keep))
    return folder


def _compile_training(
    run: Path,
    keep: str | None,
    masters: int,
    optimizer: OptimizerName,
    variance_block: int,
    update: UpdateName,
) -> None:
    from trivit.tools.cli.settings import keep_ratios
    from trivit.tools.errors import ToolsError
    from trivit.tools.report.tables import print_figures
    from trivit.tools.training.compile import compile_training

    if masters not in (16, 32):
        raise ToolsError(f"--masters {masters}: use 32 or 16")
    summary = compile_training(
        run,
        keep_ratios(keep),
        32 if masters == 32 else 16,
        optimizer.value,
        variance_block,
        update.value,
    )
    print_figures(f"compiled {run} for training", summary)
