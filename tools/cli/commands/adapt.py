"""``trivit adapt``."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trivit.tools.cli.commands.compile import UpdateName
from trivit.tools.cli.commands.train_on_device import TrainingBackendName
from trivit.tools.cli.interruption import command, when_interrupted

if TYPE_CHECKING:
    from trivit.tools.adaptation.runs import Training


def adapt(
    run: Annotated[Path, typer.Argument(help="Run folder of trivit quantize.")],
    shift: Annotated[
        list[str],
        typer.Option(
            metavar="KIND=AMOUNT",
            help="rotation=DEGREES, noise=DEVIATION (white is 1), blur=PIXELS, or classes=DATA, "
            "another data set or store with a new head; may be repeated.",
        ),
    ],
    update: Annotated[
        list[UpdateName] | None,
        typer.Option(help="Which parameters; may be repeated (default: compare all three)."),
    ] = None,
    images: Annotated[
        int, typer.Option(min=1, help="Labelled images of the shifted domain.")
    ] = 1000,
    epochs: Annotated[int, typer.Option(min=1, help="Times that each is shown.")] = 2,
    seeds: Annotated[int, typer.Option(min=1, help="Trainings of each set of parameters.")] = 1,
    learning_rate: Annotated[
        float | None,
        typer.Option(help="At its highest (default: all 0.0005, last-block 0.002, biases 0.004)."),
    ] = None,
    momentum: Annotated[float, typer.Option(help="Of SGD.")] = 0.9,
    weight_decay: Annotated[float, typer.Option(help="Of matrices.")] = 0.0,
    test_images: Annotated[
        int, typer.Option(min=1, help="Of each test set: the shifted and the original one.")
    ] = 2000,
    keep: Annotated[
        float | None, typer.Option(help="Token keep ratio of the program (default: as trained).")
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(metavar="NAME|STORE", help="The run's images, where they are now."),
    ] = None,
    backend: Annotated[
        TrainingBackendName, typer.Option(help="Who trains and classifies.")
    ] = TrainingBackendName.emulator,
    out: Annotated[
        Path | None, typer.Option(help="Folder (default: RUN/adapted); results come there.")
    ] = None,
) -> None:
    """Adapt a quantized model on the device to shifted images; compare what is updated.

    The same command goes on where an earlier one stopped.
    """
    from trivit.tools.adaptation.adapt import Study
    from trivit.tools.adaptation.report import COLUMNS, FILES, table_rows, write_report
    from trivit.tools.adaptation.settings import AdaptationSettings, chosen_sets, read_shift
    from trivit.tools.report.tables import print_table

    folder = run / "adapted" if out is None else out
    study = Study(
        run,
        [read_shift(text) for text in shift],
        folder,
        AdaptationSettings(
            images=images,
            epochs=epochs,
            learning_rate=learning_rate,
            momentum=momentum,
            weight_decay=weight_decay,
            test_images=test_images,
        ),
        updates=chosen_sets([name.value for name in update or ()]),
        seeds=seeds,
        keep=() if keep is None else (keep,),
        data=data,
        backend=backend.value,
    )
    with when_interrupted(partial(_how_to_go_on, folder, study.trainings)):
        described = study.carry_out(_print_result)
    write_report(folder, described)
    print_table(f"adapted {run}", COLUMNS, table_rows(described))
    print(f"{folder}: {', '.join(FILES)}")


def _print_result(result: dict[str, Any]) -> None:
    before, after = (result[when]["shifted_top1"] for when in ("before", "after"))
    print(
        f"{result['shift']}, {result['update']}, seed {result['seed']}: "
        f"{before:.2f} to {after:.2f} % of the shifted test images",
        flush=True,
    )


def _how_to_go_on(folder: Path, trainings: "Sequence[Training]", words: Sequence[str]) -> str:
    done = sum(training.result is not None for training in trainings)
    return (
        f"{done} of {len(trainings)} trainings are saved in {folder}; go on with: {command(words)}"
    )
