"""Starting a run from the weights of another one (``training.init_from``)."""

from pathlib import Path

from trivit.models.training.run_state import RunState
from trivit.models.training.training_config import TrainingConfig


def load_initial_weights(state: RunState, config: TrainingConfig) -> list[str]:
    """Start ``state`` from the weights that ``config.init_from`` names, if it does.

    Returns what became of each part of them, in lines: a head that starts anew or a table that was
    left out is worth finding in a log.

    Args:
        state: of a run that has made no step.
        config: names the file, and which of its weights.

    Raises:
        ModelsError: the weights are missing or of another model.
    """
    if config.init_from is None:
        return []
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
    return ["training.init_from:", *report.lines()]
