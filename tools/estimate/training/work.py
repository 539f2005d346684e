"""What a training step asks of array and DDR, counted from its program."""

from __future__ import annotations

from dataclasses import dataclass

from trivit.host.generated.spec import PARAM_PORTS, TILE_DEPTH, TILE_OUTPUTS, TILE_TOKENS
from trivit.host.tiles import ceil_div, depth_words, row_groups
from trivit.host.training.program import Operation, TensorSpec, TrainingProgram, writes
from trivit.tools.estimate.work import WORD_BYTES

#: Clocks in which the block `update` takes a word of a port (hls/include/trivit/blocks/README.md).
UPDATE_CLOCKS = {"update_sgd": 4, "update_adamw": 8}


def array_cycles(rows: int, depth: int, outputs: int) -> int:
    """Return the array's cycles for a product of (rows, depth) and (depth, outputs)."""
    return (
        ceil_div(rows, TILE_TOKENS) * ceil_div(depth, TILE_DEPTH) * ceil_div(outputs, TILE_OUTPUTS)
    )


def tensor_bytes(spec: TensorSpec) -> int:
    """Return the bytes of a tensor in DDR, as rows of whole words."""
    return spec.rows * depth_words(spec.columns) * WORD_BYTES


def bank_bytes(spec: TensorSpec) -> int:
    """Return the bytes of a tensor in the banks, as whole row groups of whole words."""
    return row_groups(spec.rows) * TILE_TOKENS * depth_words(spec.columns) * WORD_BYTES


@dataclass(frozen=True, kw_only=True)
class PhaseWork:
    """Of one phase: cycles of the array, bytes of DDR, cycles of the block that updates."""

    array: int = 0
    ddr_bytes: int = 0
    update_block: int = 0

    def __add__(self, other: PhaseWork) -> PhaseWork:
        return PhaseWork(
            array=self.array + other.array,
            ddr_bytes=self.ddr_bytes + other.ddr_bytes,
            update_block=self.update_block + other.update_block,
        )


def products(program: TrainingProgram, phase: str) -> int:
    """Return the array's cycles for all products of a phase, those of attention included."""
    tensors = program.by_name
    return sum(_products(o, tensors) for o in program.operations if o.phase == phase)


def scores_again(program: TrainingProgram) -> int:
    """Return the array's cycles for the scores of all attentions that backward reads."""
    tensors = program.by_name
    total = 0
    for operation in program.operations:
        if operation.opcode == "attention_backward":
            heads, rows, width = _attention(operation, tensors)
            total += heads * array_cycles(rows, width, rows)
    return total


def parameters_read(program: TrainingProgram, phase: str) -> int:
    """Return the bytes of parameters and constants that the ops of a phase read, each op once."""
    tensors = program.by_name
    return sum(
        tensor_bytes(tensors[name])
        for operation in program.operations
        if operation.phase == phase
        for name in {operand.tensor for operand in operation.operands.values()}
        if tensors[name].role in ("parameter", "constant", "image", "target")
    )


def update_work(program: TrainingProgram, fused: bool) -> PhaseWork:
    """Return what the updates ask for.

    All planes are read and written once. ``fused``: gradients that come from a product go straight
    to the block; otherwise each is read from DDR, where backward has written it.
    """
    tensors = program.by_name
    traffic = block = 0
    for operation in program.operations:
        if operation.phase != "update":
            continue
        for name in writes(operation):
            traffic += 2 * tensor_bytes(tensors[operation.operands[name].tensor])
        high = tensors[operation.operands["high"].tensor]
        if not (fused and _from_product(program, operation)):
            traffic += tensor_bytes(high)
        words = ceil_div(high.rows * depth_words(high.columns), PARAM_PORTS)
        block += words * UPDATE_CLOCKS[operation.opcode]
    return PhaseWork(ddr_bytes=traffic, update_block=block)


def gradients_written(program: TrainingProgram, fused: bool) -> int:
    """Return the bytes of parameters' gradients that backward writes to DDR."""
    tensors = program.by_name
    return sum(
        tensor_bytes(tensors[operation.operands["high"].tensor])
        for operation in program.operations
        if operation.phase == "update" and not (fused and _from_product(program, operation))
    )


def _from_product(program: TrainingProgram, update: Operation) -> bool:
    """Whether a gradient leaves the engine: of a matrix, or of biases with their matrix."""
    gradient = update.operands["gradient"].tensor
    parameter = update.operands["high"].tensor
    for operation in program.operations:
        written = operation.operands.get("dst")
        if operation.phase == "backward" and written is not None and written.tensor == gradient:
            if operation.opcode == "product":
                return True
            return operation.opcode == "column_sums" and _is_bias(program, parameter)
    return False


def _is_bias(program: TrainingProgram, parameter: str) -> bool:
    return any(
        o.opcode == "product" and "bias" in o.operands and o.operands["bias"].tensor == parameter
        for o in program.operations
    )


def _products(operation: Operation, tensors: dict[str, TensorSpec]) -> int:
    if operation.opcode == "product":
        place = operation.operands["a"]
        a, columns = tensors[place.tensor], tensors[operation.operands["dst"].tensor].columns
        rows = a.rows - place.first if place.rows is None else place.rows
        if operation.attributes.get("transpose_a"):
            return array_cycles(a.columns, rows, columns)
        return array_cycles(rows, a.columns, columns)
    if operation.opcode == "attention":
        heads, rows, width = _attention(operation, tensors)
        return heads * (array_cycles(rows, width, rows) + array_cycles(rows, rows, width))
    if operation.opcode == "attention_backward":
        heads, rows, width = _attention(operation, tensors)
        # dP; dV, dQ, dK
        return heads * (array_cycles(rows, width, rows) + 3 * array_cycles(rows, rows, width))
    return 0


def _attention(operation: Operation, tensors: dict[str, TensorSpec]) -> tuple[int, int, int]:
    """Return heads, tokens, and the width of a head."""
    qkv, heads = tensors[operation.operands["qkv"].tensor], int(operation.attributes["heads"])
    return heads, qkv.rows, qkv.columns // (3 * heads)
