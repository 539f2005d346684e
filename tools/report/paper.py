"""Latencies that the Tri-Level paper measured on a ZCU102 (Table 3), beside ours, modelled."""

from dataclasses import dataclass

from trivit.tools.compiler.named import named_program
from trivit.tools.estimate.estimate import estimate_bundle

# Keep ratio of the row to inference milliseconds. The training columns are not comparable.
_TABLE_3 = {
    "deit_tiny": {1.0: 10.91, 0.9: 9.68, 0.8: 8.50, 0.7: 7.36},
    "deit_small": {1.0: 25.68, 0.9: 22.92, 0.8: 20.25, 0.7: 17.61},
}

CAVEATS = (
    "paper: measured on a ZCU102 at 150 MHz, 16 bit (Tri-Level, Table 3, inference column); ours: "
    "modelled cycles at 150 MHz, nothing synthesised or measured.",
    "Tri-Level/0.7 is the paper's name for a row, whose levels it does not list; ours keeps that "
    "share of the tokens at each of three selectors, and the stated share of the connections.",
)


@dataclass(frozen=True)
class PaperRow:
    """A row of Table 3 and the modelled latency of the same model at that token keep ratio."""

    keep: float
    paper_ms: float
    modelled_ms: float

    @property
    def ratio(self) -> float:
        """How many times the paper's latency is ours."""
        return self.paper_ms / self.modelled_ms


def beside_paper(model: str, attention_keep: float) -> list[PaperRow]:
    """Return the rows of Table 3 for ``model``; none for a model that the paper does not list.

    The dense row keeps all connections, the others ``attention_keep`` of them.
    """
    rows = []
    for keep, paper_ms in _TABLE_3.get(model, {}).items():
        connections = attention_keep if keep < 1 else 1.0
        program = named_program(model, token_keep=keep, attention_keep=connections)
        rows.append(PaperRow(keep, paper_ms, estimate_bundle(program).latency_ms))
    return rows
