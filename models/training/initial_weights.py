"""Starting a run from the weights of another one (``training.init_from``)."""

from pathlib import Path

from rich.console import Console

from trivit.models.training.run_state import RunState
from trivit.models.training.training_config import TrainingConfig


def load_initial_weights(
    state: RunState, config: TrainingConfig, *, first: bool, console: Console | None = None
) -> None:
    """Start ``state`` from the weights that ``config.init_from`` names, if it does.

    What became of each part of them is printed, on terminals or not: a head that starts anew
    or a table that was left out is worth finding in a log.

    Args:
        state: of a run that has made no step.
        config: names the file, and which of its weights.
        first: this is the process that speaks for all.
        console: where (default: standard error).

    Raises:
        ModelsError: the weights are missing or of another model.
    """
    if config.init_from is None:
        return
    from trivit.models.pretrained import load_pretrained

    grid = config.init_grid
    report = load_pretrained(
        state.model,
        Path(config.init_from),
        weights=config.init_weights,
        grid=None if grid is None else (grid[0], grid[1]),
    )
    if state.average is not None:
        state.average.restart()
    state.initial_weights = {"path": config.init_from, "taken": report.source}
    if not first:
        return
    console = console or Console(stderr=True)
    for line in ["training.init_from:", *report.lines()]:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
