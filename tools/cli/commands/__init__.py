"""The subcommands; modules here import only what the command line's syntax needs."""

import typer

from trivit.tools.cli.commands import (
    adapt,
    bench,
    board,
    data,
    demo,
    estimate,
    evaluate,
    explore,
    import_,
    kernel,
    macs,
    profile,
    quantize,
    run,
    show,
    study,
    train,
    train_on_device,
    version,
)
from trivit.tools.cli.commands import compile as compile_command


def register(app: typer.Typer) -> None:
    """Add every subcommand to ``app``, in the order of the flow."""
    app.add_typer(data.app, name="data")
    app.command("train")(train.train)
    app.command("import")(import_.import_weights)
    app.command("evaluate")(evaluate.evaluate)
    app.command("quantize")(quantize.quantize)
    app.command("compile")(compile_command.compile_run)
    app.command("run")(run.run)
    app.command("train-on-device")(train_on_device.train_on_device)
    app.command("adapt")(adapt.adapt)
    app.command("estimate")(estimate.estimate)
    app.command("profile")(profile.profile)
    app.command("explore")(explore.explore)
    app.command("macs")(macs.macs)
    app.command("board", context_settings=board.SETTINGS)(board.board)
    app.command("demo")(demo.demo)
    app.add_typer(bench.app, name="bench")
    app.add_typer(show.app, name="show")
    app.add_typer(study.app, name="study")
    app.add_typer(kernel.app, name="kernel")
    app.command("version")(version.version)
