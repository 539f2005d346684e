"""Figures of other kinds that stand beside a measurement: the paper's and simulated ones."""

from dataclasses import dataclass

from trivit.host.bundle import Bundle
from trivit.host.measure import paper, simulated


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A latency of one program, of another kind than the report's own.

    ``kind`` says which at every place where it is shown, ``origin`` where it was found; ``cycles``
    is None where only a time is known.
    """

    program: str
    kind: str
    origin: str
    clock_mhz: float
    latency_ms: float
    cycles: int | None = None


#: The kind of this project's simulated cycles.
SIMULATED = f"simulated on {simulated.DATE} at {simulated.CLOCK_MHZ:g} MHz"


def beside(bundle: Bundle) -> tuple[Figure, ...]:
    """Return what is known of each program of ``bundle`` elsewhere; nothing of other models."""
    model = str(bundle.info.get("details", {}).get("model", bundle.info.get("model", "")))
    figures = []
    for program in bundle.programs:
        for row in paper.rows_of(model):
            if row.keep == program.token_keep_ratio:
                figures.append(
                    Figure(
                        program=program.name,
                        kind=paper.KIND,
                        origin=f"{paper.TABLE}, {row.method}",
                        clock_mhz=paper.CLOCK_MHZ,
                        latency_ms=row.latency_ms,
                    )
                )
        key = (model, program.token_keep_ratio, program.attention_keep_ratio)
        if key in simulated.CYCLES:
            cycles = simulated.CYCLES[key]
            figures.append(
                Figure(
                    program=program.name,
                    kind=SIMULATED,
                    origin="docs/benchmarks/accelerator.md of this project",
                    clock_mhz=simulated.CLOCK_MHZ,
                    latency_ms=cycles / (1000 * simulated.CLOCK_MHZ),
                    cycles=cycles,
                )
            )
    return tuple(figures)
