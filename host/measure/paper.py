"""Times that the Tri-Level paper states (Table 3): inference, and training on the device."""

from dataclasses import dataclass

#: Where the numbers stand, and what they are.
TABLE = "Tri-Level paper, Table 3"
KIND = "the paper's ZCU102 at 150 MHz"
CLOCK_MHZ = 150.0
CAVEAT = (
    "Tri-Level/0.7 is the paper's name for a row, whose levels it does not list; ours keeps that "
    "share of the tokens at each of three selectors."
)


@dataclass(frozen=True)
class PaperRow:
    """A row of Table 3: ``keep`` as its name has it (dense: 1), inference latency in ms.

    ``epoch_hours``: an epoch of ImageNet on the board, the average over a training; examples that
    were left out took part of it away. None: not known here.
    """

    model: str
    method: str
    keep: float
    latency_ms: float
    epoch_hours: float | None = None


ROWS = (
    PaperRow("deit_tiny", "Dense", 1.0, 10.91, 13.79),
    PaperRow("deit_tiny", "Tri-Level/0.9", 0.9, 9.68),
    PaperRow("deit_tiny", "Tri-Level/0.8", 0.8, 8.50),
    PaperRow("deit_tiny", "Tri-Level/0.7", 0.7, 7.36, 8.91),
    PaperRow("deit_small", "Dense", 1.0, 25.68, 32.44),
    PaperRow("deit_small", "Tri-Level/0.9", 0.9, 22.92),
    PaperRow("deit_small", "Tri-Level/0.8", 0.8, 20.25),
    PaperRow("deit_small", "Tri-Level/0.7", 0.7, 17.61, 21.15),
)


def rows_of(model: str) -> tuple[PaperRow, ...]:
    """Return the rows of ``model``; none for a model that the table does not list."""
    return tuple(row for row in ROWS if row.model == model)
