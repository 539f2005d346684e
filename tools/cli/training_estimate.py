"""``trivit estimate --training``: bounds of a step, modelled cycles, an epoch, the paper."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from trivit.host.generated.spec import TIMING
from trivit.host.training.program import TrainingProgram
from trivit.tools.errors import ToolsError
from trivit.tools.estimate.estimate import milliseconds
from trivit.tools.estimate.training import (
    BANDWIDTHS,
    IMAGENET_IMAGES,
    EpochRow,
    ModelledStep,
    StepBounds,
    beside_paper,
    epoch_hours,
    least_bounds,
    modelled_step,
)
from trivit.tools.estimate.training.bounds import UpdateForm
from trivit.tools.programs import names_model
from trivit.tools.report.tables import print_table
from trivit.tools.training.builder import Optimizer
from trivit.tools.training.named import training_program_of

FORMS: tuple[UpdateForm, ...] = ("fused", "unfused")
_EXPLAINED = (
    "bounds: array = ceil(M/8)·ceil(N/32)·ceil(K/8) over all products; DDR = parameters, planes, "
    "activations beyond the banks. Forward is bounded alone, backward with its updates. fused: "
    "gradients of matrices go straight to the update; unfused, as schedules are made today: "
    "through DDR."
)
_PAPER = (
    "paper: measured on a ZCU102 at 150 MHz (Tri-Level, Table 3), its epochs by all images of the "
    "set; ours: bounds of steps of one image, which no accelerator has run."
)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the command line asks for; None where nothing was said."""

    target: str
    keep: float | None
    attention_keep: float | None
    optimizer: Optimizer | None
    masters: int | None
    example_keep: float
    bandwidth: float | None

    @property
    def bandwidths(self) -> tuple[float, ...]:
        """GB/s to state figures at.

        Raises:
            ToolsError: no bandwidth.
        """
        if self.bandwidth is None:
            return BANDWIDTHS
        if not 0 < self.bandwidth < float("inf"):
            raise ToolsError(f"--bandwidth {self.bandwidth:g}: give GB/s above 0, such as 12.8")
        return (self.bandwidth,)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """All figures of one program."""

    asked: Asked
    program: TrainingProgram
    bounds: dict[tuple[UpdateForm, float], StepBounds]
    modelled: ModelledStep | None
    not_modelled: str
    paper: list[EpochRow]


def answer(asked: Asked) -> Answer:
    """Return the figures.

    Raises:
        HostError: a bundle that is none, or has no such program.
        ModelsError: an unknown model, or a keep ratio outside (0, 1].
        ToolsError: an option out of its range or that does not go with a bundle.
    """
    bandwidths = asked.bandwidths
    epoch_hours(0.0, asked.example_keep)

    @cache
    def program_at(keep: float | None) -> TrainingProgram:
        return training_program_of(
            asked.target, keep, asked.attention_keep, asked.optimizer, asked.masters
        )

    program = program_at(asked.keep)
    modelled, reason = None, ""
    try:
        modelled = modelled_step(program)
    except ToolsError as error:
        reason = str(error)
    paper = []
    if names_model(asked.target):
        paper = beside_paper(asked.target, program_at, "fused", bandwidths[0], asked.example_keep)
    return Answer(
        asked=asked,
        program=program,
        bounds={
            (form, bandwidth): least_bounds(program, form, bandwidth)
            for form in FORMS
            for bandwidth in bandwidths
        },
        modelled=modelled,
        not_modelled=reason,
        paper=paper,
    )


def figures(found: Answer) -> dict[str, Any]:
    """Return everything for JSON; each group says what it is."""
    asked = found.asked
    return {
        **asdict(asked),
        "clock_mhz": TIMING["clock_mhz"],
        "bounds": [_bounds_json(b, gbs, asked) for (_, gbs), b in found.bounds.items()],
        "modelled": _modelled_json(found, asked),
        "paper": [
            {**asdict(row), "paper_ms": row.paper_ms, "ours": "bound", "update": "fused"}
            for row in found.paper
        ],
    }


def _bounds_json(bounds: StepBounds, bandwidth: float, asked: Asked) -> dict[str, Any]:
    cycles = bounds.cycles(bandwidth)
    return {
        "evidence": "bound",
        "update": bounds.form,
        "bandwidth_gbs": bandwidth,
        "scores": bounds.scores,
        "cycles": cycles,
        "step_ms": milliseconds(cycles),
        "epoch_hours": epoch_hours(milliseconds(cycles), asked.example_keep),
        "array_cycles": bounds.array,
        "ddr_bytes": bounds.ddr_bytes,
        "spilled_bytes": bounds.spilled_bytes,
        "phases": [
            {"phase": name, **asdict(work), "cycles": bound.cycles, "limit": bound.limit}
            for name, work, bound in bounds.phases(bandwidth)
        ],
    }


def _modelled_json(found: Answer, asked: Asked) -> dict[str, Any]:
    if found.modelled is None:
        return {"no_modelled_cycles": found.not_modelled}
    step = found.modelled
    return {
        "evidence": "modelled",
        "cycles": step.cycles,
        "step_ms": step.milliseconds,
        "epoch_hours": epoch_hours(step.milliseconds, asked.example_keep),
        "ddr_bytes": sum(step.ddr_bytes),
        "phases": [
            {"phase": phase, "array_cycles": array, "waits": waits, "ddr_bytes": traffic}
            for phase, (array, waits, traffic) in step.of_phases().items()
        ],
    }


def print_answer(found: Answer) -> None:
    """Print all tables."""
    asked, program = found.asked, found.program
    low = any(t.role == "low" for t in program.tensors)
    title = (
        f"{asked.target}, token keep {program.token_keep_ratio:g}, {program.optimizer}, masters of "
        f"{32 if low else 16} bits: one step at {TIMING['clock_mhz']} MHz"
    )
    print_table(
        f"{title} (bounds: nothing scheduled, simulated, or measured)",
        ("update, phase", "GB/s", "array, ms", "DDR, MB", "DDR, ms", "bound, ms", "by"),
        [row for (_, gbs), bounds in found.bounds.items() for row in _bound_rows(bounds, gbs)],
    )
    print(_EXPLAINED)
    _print_modelled(found)
    _print_epoch(found)
    if found.paper:
        print_table(
            f"\nbeside the Tri-Level paper, update fused, {asked.bandwidths[0]:g} GB/s",
            ("", "examples", "paper, ms", "bound, ms", "paper, h an epoch", "bound, h an epoch"),
            [
                (
                    *(row.method, f"{row.example_keep:g}", f"{row.paper_ms:.1f}"),
                    *(f"{row.bound_step_ms:.2f}", f"{row.paper_hours:.2f}"),
                    f"{row.bound_hours:.2f}",
                )
                for row in found.paper
            ],
        )
        print(_PAPER)


def _bound_rows(bounds: StepBounds, bandwidth: float) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for name, work, bound in bounds.phases(bandwidth):
        ddr_ms = work.ddr_bytes / (bandwidth * 1e6)
        rows.append(
            (
                *(f"{bounds.form}: {name}", f"{bandwidth:g}", f"{milliseconds(work.array):.2f}"),
                *(f"{work.ddr_bytes / 1e6:.1f}", f"{ddr_ms:.2f}"),
                *(f"{bound.milliseconds:.2f}", bound.limit),
            )
        )
    step_ms = milliseconds(bounds.cycles(bandwidth))
    scores = "scores again" if bounds.scores == "again" else "probabilities kept"
    rows.append(
        (
            *(f"{bounds.form}: step", f"{bandwidth:g}", f"{milliseconds(bounds.array):.2f}"),
            *(f"{bounds.ddr_bytes / 1e6:.1f}", f"{bounds.ddr_bytes / (bandwidth * 1e6):.2f}"),
            *(f"{step_ms:.2f}", scores),
        )
    )
    return rows


def _print_modelled(found: Answer) -> None:
    step = found.modelled
    if step is None:
        print(f"\nno modelled cycles: {found.not_modelled}")
        return
    phases = step.of_phases()
    causes = list(dict.fromkeys(cause for _, waits, _ in phases.values() for cause in waits))
    print_table(
        f"\none step by its commands: {step.cycles:,} cycles, {step.milliseconds:.3f} ms "
        "(modelled)",
        ("phase", "array works", *(f"waits: {cause}" for cause in causes), "DDR bytes"),
        [
            (
                *(phase, f"{array:,}"),
                *(f"{waits.get(cause, 0):,}" for cause in causes),
                f"{traffic:,}",
            )
            for phase, (array, waits, traffic) in phases.items()
        ],
    )


def _print_epoch(found: Answer) -> None:
    share = found.asked.example_keep
    rows = [
        (f"bound, update {form}", f"{gbs:g}", milliseconds(bounds.cycles(gbs)))
        for (form, gbs), bounds in found.bounds.items()
    ]
    if found.modelled is not None:
        rows.append(("modelled", "", found.modelled.milliseconds))
    print_table(
        f"\nan epoch of ImageNet, {IMAGENET_IMAGES:,} images, {share:g} of them in play",
        ("", "GB/s", "step, ms", "hours"),
        [(name, gbs, f"{ms:.2f}", f"{epoch_hours(ms, share):.2f}") for name, gbs, ms in rows],
    )
