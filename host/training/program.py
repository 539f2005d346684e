"""A training program as data: tensors with formats and a list of typed ops over them.

Nothing here says where a tensor is kept, how an op is cut, or what runs beside what: a scheduler
decides that. Ops stand in an order in which they may run one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from trivit.host.errors import HostError
from trivit.host.training.operations import LOW_PLANES, OPERATIONS

#: What a tensor is; how the host moves its fraction length follows from it (policy.py).
Role = Literal[
    "image",
    "target",
    "index",
    "mask",
    "constant",
    "fixed",
    "activation",
    "parameter",
    "low",
    "momentum",
    "second",
    "accumulator",
    "gradient",
]
#: ``accumulate`` and ``release`` are of programs that sum gradients over images (accumulation.py).
Phase = Literal["forward", "backward", "accumulate", "release", "update"]
ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True, kw_only=True)
class TensorSpec:
    """A tensor of ``rows`` x ``columns`` int16 elements and its fraction length at the start.

    A second moment has 32 bits in two planes and twice its fraction length: ``frac`` is that of its
    root, to compare with the gradient's.

    ``recompute``: cheap to compute again from what its writer reads, so a scheduler need not keep
    it for backward. ``of``: for low planes, momenta and gradients of parameters, the parameter.
    ``follows``: the tensor whose fraction length this one has, because its rows are copied.
    """

    name: str
    rows: int
    columns: int
    frac: int
    role: Role
    recompute: bool = False
    of: str = ""
    follows: str = ""


@dataclass(frozen=True)
class Operand:
    """A tensor, or ``rows`` of its rows from ``first`` on."""

    tensor: str
    first: int = 0
    rows: int | None = None


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One op: a name of :data:`~trivit.host.training.operations.OPERATIONS`, operands, numbers.

    ``attributes`` hold what formats do not decide: heads, the softmax's scale, epsilon, flags.
    """

    opcode: str
    operands: Mapping[str, Operand]
    attributes: Mapping[str, int | float] = field(default_factory=dict)
    phase: Phase = "forward"


@dataclass(frozen=True, kw_only=True)
class TrainingProgram:
    """A step of batch size 1: forward, backward and update.

    Raises:
        HostError: an op or operand that does not exist, an op without an operand that it needs, a
            tensor that is not declared or read before it is written.
    """

    name: str
    tensors: tuple[TensorSpec, ...]
    operations: tuple[Operation, ...]
    logits: str
    token_keep_ratio: float = 1.0
    attention_keep_ratio: float = 1.0

    def __post_init__(self) -> None:
        written = {t.name for t in self.tensors if t.role in _GIVEN}
        known = {t.name for t in self.tensors}
        if len(known) < len(self.tensors):
            raise HostError(f"the training program {self.name} declares a tensor twice")
        for index, operation in enumerate(self.operations):
            where = f"op {index} ({operation.opcode}) of the training program {self.name}"
            _check(operation, known, written, where)
            written |= {operation.operands[n].tensor for n in writes(operation)}

    @property
    def by_name(self) -> dict[str, TensorSpec]:
        """Every tensor by its name."""
        return {tensor.name: tensor for tensor in self.tensors}

    @property
    def optimizer(self) -> str:
        """Whose updates the program has: adamw or sgd."""
        return "adamw" if any(o.opcode == "update_adamw" for o in self.operations) else "sgd"

    @property
    def parameters(self) -> tuple[TensorSpec, ...]:
        """The tensors that training changes, as forward reads them."""
        return tuple(tensor for tensor in self.tensors if tensor.role == "parameter")

    @property
    def given(self) -> tuple[TensorSpec, ...]:
        """The tensors whose values a bundle brings: parameters, then constants."""
        constants = tuple(tensor for tensor in self.tensors if tensor.role == "constant")
        return self.parameters + constants

    def formats(self) -> dict[str, int]:
        """Return the fraction length of each tensor at the start."""
        return {tensor.name: tensor.frac for tensor in self.tensors}

    def forward(self) -> TrainingProgram:
        """Return the program of forward alone, for evaluation."""
        return replace(self, operations=tuple(o for o in self.operations if o.phase == "forward"))

    def without_updates(self) -> TrainingProgram:
        """Return the program of forward and backward alone."""
        kept = tuple(o for o in self.operations if o.phase in ("forward", "backward"))
        return replace(self, operations=kept)

    def to_json(self) -> dict[str, Any]:
        """Return the program as JSON values."""
        return {
            "name": self.name,
            "logits": self.logits,
            "token_keep_ratio": self.token_keep_ratio,
            "attention_keep_ratio": self.attention_keep_ratio,
            "tensors": [vars(tensor) for tensor in self.tensors],
            "operations": [
                {
                    "opcode": o.opcode,
                    "phase": o.phase,
                    "operands": {n: [p.tensor, p.first, p.rows] for n, p in o.operands.items()},
                    "attributes": dict(o.attributes),
                }
                for o in self.operations
            ],
        }

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> TrainingProgram:
        """Undo :meth:`to_json`; a missing or foreign key raises KeyError or TypeError."""
        return TrainingProgram(
            name=values["name"],
            logits=values["logits"],
            token_keep_ratio=values["token_keep_ratio"],
            attention_keep_ratio=values["attention_keep_ratio"],
            tensors=tuple(TensorSpec(**tensor) for tensor in values["tensors"]),
            operations=tuple(
                Operation(
                    opcode=o["opcode"],
                    phase=o["phase"],
                    operands={n: Operand(*place) for n, place in o["operands"].items()},
                    attributes=o["attributes"],
                )
                for o in values["operations"]
            ),
        )


#: Tensors that hold something before a step.
_GIVEN: tuple[Role, ...] = (
    "image",
    "target",
    "constant",
    "parameter",
    "low",
    "momentum",
    "second",
    "accumulator",
)


def writes(operation: Operation) -> Iterable[str]:
    """Return the names of the operands that the op writes."""
    spec = OPERATIONS[operation.opcode]
    return (*spec.writes, *(name for name in LOW_PLANES if name in operation.operands))


def _check(operation: Operation, known: set[str], written: set[str], where: str) -> None:
    spec = OPERATIONS.get(operation.opcode)
    if spec is None:
        raise HostError(f"{where}: there is no such op")
    missing = set(spec.writes + spec.reads) - set(operation.operands)
    foreign = set(operation.operands) - set(spec.operands)
    if missing or foreign:
        raise HostError(f"{where}: operands {', '.join(sorted(missing | foreign))} do not fit")
    for name, place in operation.operands.items():
        if place.tensor not in known:
            raise HostError(f"{where}: its {name} '{place.tensor}' is not declared")
        if name not in spec.writes and place.tensor not in written:
            raise HostError(f"{where}: its {name} '{place.tensor}' is read before it is written")
