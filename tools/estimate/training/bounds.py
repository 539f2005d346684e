"""Bounds of a training step that need no schedule: what array and DDR make unavoidable."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from trivit.host.generated.spec import ACTIVATION_DEPTH, TILE_TOKENS, TIMING
from trivit.host.training.program import TrainingProgram
from trivit.tools.estimate.estimate import milliseconds
from trivit.tools.estimate.training.work import (
    PhaseWork,
    bank_bytes,
    gradients_written,
    parameters_read,
    products,
    scores_again,
    update_work,
)
from trivit.tools.estimate.work import WORD_BYTES
from trivit.tools.training.cost import kept_activations

#: GB/s of DDR that figures are stated at: what is planned with, and what may be left of it.
BANDWIDTHS = (12.8, 11.0)
BANKS_BYTES = ACTIVATION_DEPTH * TILE_TOKENS * WORD_BYTES

UpdateForm = Literal["fused", "unfused"]
Scores = Literal["kept", "again"]
Limit = Literal["array", "DDR", "update block"]


def ddr_cycles(ddr_bytes: int, bandwidth: float) -> int:
    """Return the kernel's cycles in which DDR moves so many bytes at ``bandwidth`` GB/s."""
    return round(ddr_bytes * TIMING["clock_mhz"] / (bandwidth * 1e3))


@dataclass(frozen=True, kw_only=True)
class Bound:
    """Cycles that a phase takes at least, and which of its limits that is."""

    cycles: int
    limit: Limit

    @property
    def milliseconds(self) -> float:
        """Milliseconds at the kernel's clock."""
        return milliseconds(self.cycles)


def bound_of(work: PhaseWork, bandwidth: float) -> Bound:
    """Return the largest limit of ``work``: each unit works all the time, beside the others."""
    limits: dict[Limit, int] = {
        "array": work.array,
        "DDR": ddr_cycles(work.ddr_bytes, bandwidth),
        "update block": work.update_block,
    }
    limit = max(limits, key=lambda name: limits[name])
    return Bound(cycles=limits[limit], limit=limit)


@dataclass(frozen=True, kw_only=True)
class StepBounds:
    """A step of batch size 1 by phases; none of this was scheduled, simulated, or measured.

    Updates run beside backward, of other layers or fused into it, so the two are bounded together;
    forward needs the weights that the step before left, so it is bounded alone.

    Attributes:
        form: ``fused``: gradients of matrices go straight to the update; ``unfused``: through DDR.
        scores: whether backward finds probabilities kept, or computes scores again.
        spilled_bytes: of kept activations, those beyond the banks; written once, read once.
        forward, backward, update: the work of each phase.
    """

    form: UpdateForm
    scores: Scores
    spilled_bytes: int
    forward: PhaseWork
    backward: PhaseWork
    update: PhaseWork

    def phases(self, bandwidth: float) -> Iterator[tuple[str, PhaseWork, Bound]]:
        """Yield forward, and backward with update: name, work, bound."""
        for name, work in (
            ("forward", self.forward),
            ("backward and update", self.backward + self.update),
        ):
            yield name, work, bound_of(work, bandwidth)

    def cycles(self, bandwidth: float) -> int:
        """Return the least cycles of a step."""
        return sum(bound.cycles for _, _, bound in self.phases(bandwidth))

    @property
    def array(self) -> int:
        """Cycles of the array alone."""
        return self.forward.array + self.backward.array

    @property
    def ddr_bytes(self) -> int:
        """Bytes of a step between DDR and the chip."""
        return (self.forward + self.backward + self.update).ddr_bytes


def step_bounds(program: TrainingProgram, form: UpdateForm, scores: Scores) -> StepBounds:
    """Count the bounds of a step of ``program`` with these choices."""
    spilled = _spilled(program, scores)
    fused = form == "fused"
    return StepBounds(
        form=form,
        scores=scores,
        spilled_bytes=spilled,
        forward=PhaseWork(
            array=products(program, "forward"),
            ddr_bytes=parameters_read(program, "forward") + spilled,
        ),
        backward=PhaseWork(
            array=products(program, "backward")
            + (scores_again(program) if scores == "again" else 0),
            ddr_bytes=parameters_read(program, "backward")
            + spilled
            + gradients_written(program, fused),
        ),
        update=update_work(program, fused),
    )


def least_bounds(program: TrainingProgram, form: UpdateForm, bandwidth: float) -> StepBounds:
    """Return the bounds with kept probabilities or with scores again: where a step is shorter."""
    kept, again = (step_bounds(program, form, scores) for scores in ("kept", "again"))
    return min(kept, again, key=lambda bounds: bounds.cycles(bandwidth))


def _spilled(program: TrainingProgram, scores: Scores) -> int:
    """Return the bytes of activations that outlast forward and find no room in the banks.

    As if nothing else needed room there.
    """
    names = set(kept_activations(program))
    if scores == "kept":
        names |= {
            operation.operands["probs"].tensor
            for operation in program.operations
            if operation.opcode == "attention_backward"
        }
    tensors = program.by_name
    return max(0, sum(bank_bytes(tensors[name]) for name in names) - BANKS_BYTES)
