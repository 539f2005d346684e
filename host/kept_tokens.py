"""Which patches each selector of a program keeps: from its lists to places in the image.

Shape suffixes: B images, N patches of an image, K kept patches.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from trivit.host.bundle import Bundle
from trivit.host.errors import HostError
from trivit.host.fixed_point import Int16
from trivit.host.instructions import decode
from trivit.host.program import Program

#: (B, K) for each selector.
Positions = Sequence[NDArray[np.int64]]


def list_names(program: Program) -> list[str]:
    """Return the tensors that hold the kept rows, one for each selector, in order."""
    lists = [tensor for tensor in program.tensors if tensor.kind == "index"]
    return [tensor.name for tensor in sorted(lists, key=lambda tensor: tensor.instruction)]


def patch_size(program: Program) -> int:
    """Return the side of a square patch in pixels.

    Raises:
        HostError: the program embeds no patches.
    """
    for words in program.instructions:
        instruction = decode(words)
        if instruction is not None and instruction.opcode == "patchify":
            return instruction.fields["patch"]
    raise HostError(f"the program '{program.name}' embeds no patches: it has none to keep")


def kept_positions(bundle: Bundle, tensors: Mapping[str, Int16]) -> list[NDArray[np.int64]]:
    """Return the patches that each selector of the first program keeps, (B, K) each.

    ``tensors`` are those of a result, with the program's lists among them.

    Raises:
        HostError: a list is missing, or names a token that is not there.
    """
    names = list_names(bundle.first)
    missing = [name for name in names if name not in tensors]
    if missing:
        raise HostError(
            f"the program '{bundle.first.name}' does not bring {missing[0]} back: compile with "
            "--kept-tokens, or trace it on the backend reference or emulator"
        )
    layout, patch = bundle.preprocessing, patch_size(bundle.first)
    patches = (layout.height // patch) * (layout.width // patch)
    return original_positions([tensors[name][:, 0] for name in names], patches)


def original_positions(
    kept_by_selector: Sequence[NDArray[np.integer]], num_patches: int
) -> list[NDArray[np.int64]]:
    """Map each selector's kept indices to patch positions of the image.

    Args:
        kept_by_selector: integers (B, >= 1 + K): 0 for [CLS], then the K kept rows of the token
            matrix that this selector saw (1-based, ascending), then zero padding.
        num_patches: patch tokens before the first selector.

    Returns:
        For each selector the patch positions (B, K), 0-based and row-major in the image.

    Raises:
        HostError: an index names a token that an earlier selector had removed.
    """
    alive: NDArray[np.int64] | None = None
    result = []
    for kept in kept_by_selector:
        if alive is None:
            alive = np.tile(np.arange(num_patches), (len(kept), 1))
        count = int(np.count_nonzero(kept[0]))
        rows = kept[:, 1 : 1 + count].astype(np.int64)
        if rows.min(initial=1) < 1 or rows.max(initial=1) > alive.shape[1]:
            raise HostError(f"kept token {rows.max()} is outside 1..{alive.shape[1]}")
        alive = np.take_along_axis(alive, rows - 1, axis=1)
        result.append(alive)
    return result
