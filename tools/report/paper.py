"""Latencies that the Tri-Level paper measured on a ZCU102 (Table 3), beside ours, modelled."""

from dataclasses import dataclass

from trivit.host.measure.paper import CAVEAT, rows_of
from trivit.tools.compiler.named import named_program
from trivit.tools.estimate.estimate import estimate_bundle

CAVEATS = (
    "paper: measured on a ZCU102 at 150 MHz, 16 bit (Tri-Level, Table 3, inference column); ours: "
    "modelled cycles at 150 MHz, nothing synthesised or measured.",
    f"{CAVEAT} Ours also keeps the stated share of the connections.",
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
    for row in rows_of(model):
        connections = attention_keep if row.keep < 1 else 1.0
        program = named_program(model, token_keep=row.keep, attention_keep=connections)
        modelled_ms = estimate_bundle(program).latency_ms
        rows.append(PaperRow(row.keep, row.latency_ms, modelled_ms))
    return rows
