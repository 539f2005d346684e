"""What docs/numerics.md leaves undefined: tensors that overlap (section Activation memory)."""

from __future__ import annotations

from trivit.host.generated import spec
from trivit.host.instructions import Instruction
from trivit.host.oracle.checks import tensors

_Tensor = tuple[int, int, int]
_SCORES = frozenset({"score_cls", "score_all"})


def overlaps(instruction: Instruction) -> bool:
    """Whether the destination overlaps a source, other than a residual in place."""
    found = tensors(instruction)
    if "dst" not in found:
        return False
    target = found.pop("dst")
    return any(
        _meet(target, source) and not (name == "residual" and source[0] == target[0])
        for name, source in found.items()
    )


def neighbours_overlap(first: Instruction, second: Instruction) -> bool:
    """Whether two instructions that the kernel runs side by side write what the other touches.

    A matmul directly behind patchify may read the very patches that it writes.
    """
    ours, theirs = tensors(first), tensors(second)
    match first.opcode, second.opcode:
        case ("select_connections", "matmul"):
            pass
        case ("attention", "select_tokens") if first.flags & _SCORES:
            pass
        case ("patchify", "matmul"):
            address, _, words = ours["dst"]
            if (theirs["src"][0], theirs["src"][2]) == (address, words):
                del theirs["src"]
        case _:
            return False
    return any(_meet(ours["dst"], tensor) for tensor in theirs.values()) or any(
        _meet(theirs["dst"], tensor) for tensor in ours.values()
    )


def _meet(a: _Tensor, b: _Tensor) -> bool:
    ends = [address + -(-rows // spec.TILE_TOKENS) * words for address, rows, words in (a, b)]
    return a[0] < ends[1] and b[0] < ends[0]
