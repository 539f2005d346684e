"""What a training step costs, counted from its program: operations, MACs, bytes of DDR."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass

from trivit.host.training.arena import Arena
from trivit.host.training.program import Operation, TrainingProgram, writes


@dataclass(frozen=True, kw_only=True)
class StepCost:
    """Of a step of batch size 1; counted, so neither measured nor modelled in time.

    Attributes:
        trained: parameters that are updated.
        operations: ops of forward, backward and update together.
        macs_forward: multiply-accumulates of products and attention.
        macs_backward: the same; that of attention computes no scores again.
        parameter_bytes: in DDR, as forward reads them: all of the model.
        state_bytes: in DDR: low planes and momenta of trained parameters.
        activation_bytes: of forward's results that backward reads; what is cheap to compute
            again is counted by what it is computed from.
        parameter_traffic: bytes that forward and backward read, each op once.
        state_traffic: bytes that updates read and write, weights included.
        activation_traffic: bytes of kept activations, written once and read once.
    """

    trained: int
    operations: int
    macs_forward: int
    macs_backward: int
    parameter_bytes: int
    state_bytes: int
    activation_bytes: int
    parameter_traffic: int
    state_traffic: int
    activation_traffic: int

    @property
    def footprint(self) -> int:
        """Bytes in DDR that a step needs: parameters, states, kept activations."""
        return self.parameter_bytes + self.state_bytes + self.activation_bytes

    @property
    def traffic(self) -> int:
        """Bytes that cross to and from DDR in a step, at least."""
        return self.parameter_traffic + self.state_traffic + self.activation_traffic

    def figures(self) -> dict[str, int]:
        """Return all of them by name."""
        return {**asdict(self), "footprint": self.footprint, "traffic": self.traffic}


def step_cost(program: TrainingProgram) -> StepCost:
    """Count a step of ``program``."""
    arena = Arena(program)
    roles = {tensor.name: tensor.role for tensor in program.tensors}

    def size(name: str) -> int:
        place = arena.places[name]
        return 2 * place.rows * place.stride

    macs: Counter[str] = Counter()
    parameter_traffic = state_traffic = trained = 0
    for operation in program.operations:
        macs[operation.phase] += _macs(operation, program)
        names = {operand.tensor for operand in operation.operands.values()}
        lasting = [n for n in names if roles[n] in ("parameter", "low", "momentum", "second")]
        if operation.phase == "update":
            state_traffic += 2 * sum(map(size, lasting))
            place = arena.places[operation.operands["high"].tensor]
            trained += place.rows * place.columns
        else:
            parameter_traffic += sum(map(size, lasting))
    kept = sum(map(size, kept_activations(program)))
    return StepCost(
        trained=trained,
        operations=len(program.operations),
        macs_forward=macs["forward"],
        macs_backward=macs["backward"],
        parameter_bytes=arena.sections["parameter"],
        state_bytes=arena.sections["low"] + arena.sections["momentum"],
        activation_bytes=kept,
        parameter_traffic=parameter_traffic,
        state_traffic=state_traffic,
        activation_traffic=2 * kept,
    )


def kept_activations(program: TrainingProgram) -> frozenset[str]:
    """Return the results of forward that must outlast it, for backward to read.

    A tensor that is cheap to compute again stands for what its op reads.
    """
    tensors = program.by_name
    inputs: dict[str, set[str]] = {}
    for operation in program.operations:
        if operation.phase == "forward":
            results = {operation.operands[name].tensor for name in writes(operation)}
            read = {operand.tensor for operand in operation.operands.values()} - results
            for name in results:
                inputs.setdefault(name, set()).update(read)
    open_ = [
        operand.tensor
        for operation in program.operations
        if operation.phase != "forward"
        for operand in operation.operands.values()
    ]
    seen: set[str] = set()
    kept: set[str] = set()
    while open_:
        name = open_.pop()
        if name in seen or name not in inputs:
            continue
        seen.add(name)
        if tensors[name].recompute:
            open_ += inputs[name]
        else:
            kept.add(name)
    return frozenset(kept)


def _macs(operation: Operation, program: TrainingProgram) -> int:
    tensors, operands = program.by_name, operation.operands
    if operation.opcode == "product":
        # Rows of a times its columns times columns of dst, also where a is read transposed.
        place = operands["a"]
        a = tensors[place.tensor]
        rows = a.rows - place.first if place.rows is None else place.rows
        return rows * a.columns * tensors[operands["dst"].tensor].columns
    if operation.opcode == "attention":
        qkv = tensors[operands["qkv"].tensor]
        return 2 * qkv.rows * qkv.rows * qkv.columns // 3
    if operation.opcode == "attention_backward":
        qkv = tensors[operands["qkv"].tensor]
        return 4 * qkv.rows * qkv.rows * qkv.columns // 3
    return 0
