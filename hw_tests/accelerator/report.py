"""Cycles of whole models on the simulated accelerator.

`make simulation-report` writes docs/benchmarks/accelerator.json and the page beside it. A case
that the file holds for the same simulator is not run again, so an interrupted report goes on.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from simulator import ROOT

from trivit.host.measure import paper
from trivit.models.files import atomic_write
from trivit.tools.estimate.kinds import tensor_kind
from trivit.tools.profile import Profile
from trivit.tools.profile.simulate import simulate
from trivit.tools.programs import program_of
from trivit.tools.simulation.simulator_build import build_simulator
from trivit.tools.simulation.simulator_run import SimulationSettings

REPORT = ROOT / "docs" / "benchmarks" / "accelerator.json"
#: The board of the Tri-Level paper, ms, by model and token keep ratio.
PAPER = {(row.model, row.keep): row.latency_ms for row in paper.ROWS}


@dataclass(frozen=True, kw_only=True)
class Case:
    """One image of a model under the assumptions of ``settings`` (SimulationSettings)."""

    model: str
    keep: float = 1.0
    attention_keep: float = 1.0
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The key in the report."""
        assumed = [f"{name} {value:g}" for name, value in self.settings.items()]
        return ", ".join([_described(self.model, self.keep, self.attention_keep), *assumed])


def _described(model: str, keep: float, attention_keep: float) -> str:
    connections = f", attention keep {attention_keep:g}" if attention_keep < 1 else ""
    return f"{model}, token keep {keep:g}{connections}"


#: What is assumed instead of the usual: one thing at a time, then the faster clocks.
VARIANTS: tuple[dict[str, float], ...] = (
    {"depth_factor": 2, "stream_latency": 4},
    {"bandwidth": 11.0},
    {"latency": 120},
    {"clock": 200.0},
    {"clock": 250.0},
)
_KEEPS = {1.0: 1.0, 0.9: 0.2, 0.8: 0.2, 0.7: 0.2}  # of tokens, of their connections
CASES = (
    *(
        Case(model=model, keep=keep, attention_keep=connections)
        for model in ("deit_tiny", "deit_small")
        for keep, connections in _KEEPS.items()
    ),
    Case(model="deit_tiny", keep=0.7),
    *(
        Case(model="deit_tiny", keep=keep, attention_keep=_KEEPS[keep], settings=settings)
        for settings in VARIANTS
        for keep in (1.0, 0.7)
    ),
)

PAGE = """\
# Cycles of the accelerator

Written by `make simulation-report` ({date}), with [accelerator.json](accelerator.json). One
image, weights from DDR included. **Simulated**: the RTL in Verilator, the HLS blocks as the clocked
processes of [hls/simulation](../../hls/simulation/README.md), a DDR memory that is assumed: 12.8
GB/s for all ports and directions, latency 60 cycles, 20 cycles when a port turns, a refresh of 53
cycles every 1,170. The cycles are the accelerator's own count. **Not known**: the clock (no
vendor tool has seen the RTL), the depths of the HLS pipelines, a board's memory. Milliseconds are
at 150 MHz where nothing else stands.

{latency}

*limit*: the array alone, `ceil(M/8)·ceil(N/32)·ceil(K/8)` of all products. *saved / MACs saved*:
share of the dense model's cycles that is saved, over the share of its multiply-accumulates.
The paper's board: Tri-Level, Table for the ZCU102.

## Where the cycles go

Cycles in which the array worked, and those in which it waited, by what it waited for.

{waits}

## Under other assumptions

{variants}

At 200 and 250 MHz the memory brings fewer bytes a cycle; whether the RTL reaches such clocks is not
known.
"""


def measure(case: Case) -> dict[str, Any]:
    """Simulate a case and return its figures."""
    bundle = program_of(case.model, case.keep, case.attention_keep)
    settings = SimulationSettings(**case.settings)
    measured, _ = simulate(bundle, settings)
    return {
        **asdict(case),
        "clock_mhz": settings.clock,
        "cycles": measured.cycles,
        "latency_ms": measured.cycles / settings.clock / 1e3,
        "limit_cycles": measured.work,
        "macs": bundle.first.info["macs"],
        "waits": measured.waits,
        "ops": _ops(measured),
    }


def _ops(measured: Profile) -> dict[str, dict[str, int]]:
    ops: dict[str, Counter[str]] = {}
    for op in measured.instructions:
        if op.cycles:
            name = f"{op.opcode} {tensor_kind(op.tensor)}".strip()
            counts = ops.setdefault(name, Counter())
            counts.update({"work": op.work, **op.waits})
    return {name: dict(counts) for name, counts in ops.items()}


def write_report(path: Path, cases: Sequence[Case]) -> None:
    """Run the cases that the report does not hold yet, and write it after each."""
    simulator = build_simulator().name
    done = _held(path, simulator)
    for number, case in enumerate(cases, 1):
        if case.name in done:
            continue
        print(f"{number} of {len(cases)}: {case.name}", file=sys.stderr)
        done[case.name] = measure(case)
        report = {
            "date": datetime.now(timezone.utc).date().isoformat(),
            "evidence": "simulated",
            "simulator": simulator,
            "cases": {case.name: done[case.name] for case in cases if case.name in done},
        }
        with atomic_write(path) as temporary:
            temporary.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        with atomic_write(path.with_suffix(".md")) as temporary:
            temporary.write_text(page(report), encoding="utf-8")


def _held(path: Path, simulator: str) -> dict[str, dict[str, Any]]:
    if not path.is_file():
        return {}
    report = json.loads(path.read_text(encoding="utf-8"))
    return dict(report["cases"]) if report["simulator"] == simulator else {}


def page(report: dict[str, Any]) -> str:
    """Return the page of a report."""
    cases = list(report["cases"].values())
    usual = [case for case in cases if not case["settings"]]
    return PAGE.format(
        date=report["date"],
        latency=_latencies(usual),
        waits=_waits(usual),
        variants=_variants(cases, usual),
    )


def _title(case: dict[str, Any]) -> str:
    return _described(case["model"], case["keep"], case["attention_keep"])


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _latencies(usual: Sequence[dict[str, Any]]) -> str:
    dense = {case["model"]: case for case in usual if case["keep"] == 1.0}
    rows = []
    for case in usual:
        base = dense.get(case["model"])
        saved = "-"
        if base is not None and case is not base:
            cycles = 1 - case["cycles"] / base["cycles"]
            saved = f"{cycles / (1 - case['macs'] / base['macs']):.4f}"
        board = PAPER.get((case["model"], case["keep"]))
        rows.append(
            (
                _title(case),
                f"{case['cycles']:,}",
                f"{case['latency_ms']:.3f} ms",
                f"{case['limit_cycles']:,}",
                f"{100 * case['limit_cycles'] / case['cycles']:.1f} %",
                saved,
                "-" if board is None else f"{board:.2f} ms",
            )
        )
    columns = ("model", "cycles", "at 150 MHz", "limit", "of it reached")
    return _table((*columns, "saved / MACs saved", "paper's board"), rows)


def _waits(usual: Sequence[dict[str, Any]]) -> str:
    parts = []
    for case in usual:
        if (case["keep"], case["attention_keep"]) not in ((1.0, 1.0), (0.7, 0.2)):
            continue
        causes = [cause for cause, cycles in case["waits"].items() if cycles]
        rows = [
            (
                name,
                f"{counts.get('work', 0):,}",
                *(f"{counts.get(cause, 0):,}" for cause in causes if cause != "end"),
            )
            for name, counts in case["ops"].items()
        ]
        total = [f"{case['waits'][cause]:,}" for cause in causes if cause != "end"]
        rows.append(("all", f"{case['limit_cycles']:,}", *total))
        title = (
            f"{_title(case)}: {case['waits'].get('end', 0):,} more behind the array's last product"
        )
        columns = ("op", "works", *(cause for cause in causes if cause != "end"))
        parts.append(f"{title}\n\n{_table(columns, rows)}")
    return "\n\n".join(parts)


def _variants(cases: Sequence[dict[str, Any]], usual: Sequence[dict[str, Any]]) -> str:
    base = {_title(case): case for case in usual}
    rows = []
    for case in cases:
        same = base.get(_title(case))
        if not case["settings"] or same is None:
            continue
        rows.append(
            (
                _title(case),
                ", ".join(f"{name} {value:g}" for name, value in case["settings"].items()),
                f"{case['cycles']:,}",
                f"{100 * (case['cycles'] / same['cycles'] - 1):+.2f} %",
                f"{case['latency_ms']:.3f} ms at {case['clock_mhz']:g} MHz",
            )
        )
    return _table(("model", "assumed", "cycles", "more cycles", "latency"), rows)


if __name__ == "__main__":
    write_report(REPORT, CASES)
