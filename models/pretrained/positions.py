"""Position embeddings and relative position tables at another image size.

Shape suffixes: L tokens, N patch tokens, D width, E table entries, H heads.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from trivit.models.errors import ModelsError

Grid = tuple[int, int]  # rows and columns of patches

_STATE_GRID = "state it: --grid ROWSxCOLUMNS, or training.init_grid=[ROWS, COLUMNS]"


def resize_grid(grid_ND: Tensor, side: int, grid: Grid | None = None) -> Tensor:
    """Return the values (side * side, D) of a grid of N, read row by row.

    Bicubic with antialiasing, in float32: what timm does when the image size changes. DeiT's own
    script does without antialiasing, whose kernel differs a little even where the grid grows.

    Args:
        grid_ND: the values.
        side: rows and columns to have.
        grid: rows and columns of the values (``None``: as many of either).

    Raises:
        ModelsError: N is no square, and the grid is not stated.
    """
    rows, columns = grid or (math.isqrt(len(grid_ND)),) * 2
    if rows * columns != len(grid_ND):
        raise ModelsError(f"{len(grid_ND)} positions are no square grid of patches: {_STATE_GRID}")
    if rows == columns == side:
        return grid_ND
    image = grid_ND.float().t().reshape(1, -1, rows, columns)
    resized = F.interpolate(image, size=(side, side), mode="bicubic", antialias=True)
    return resized.reshape(-1, side * side).t().to(grid_ND.dtype).contiguous()


def fit_positions(
    given_1LD: Tensor,
    own_1LD: Tensor,
    side: int,
    *,
    prefix: int,
    given_has_class_token: bool,
    layer_scale: bool = False,
    grid: Grid | None = None,
) -> Tensor:
    """Return position embeddings of the shape of ``own_1LD``.

    Where the model has a [CLS] token and the embeddings have no position for it: zero if the
    checkpoint has [CLS] all the same (DeiT III), else the model's own.

    Args:
        given_1LD: of the checkpoint.
        own_1LD: of the model.
        side: patches in a row of the model's image.
        prefix: positions before those of the patches in the model, 1 with [CLS], else 0.
        given_has_class_token: whether the checkpoint has a [CLS] token.
        layer_scale: whether the checkpoint scales its layers, as DeiT III does.
        grid: rows and columns of the checkpoint's patches (``None``: as its number says).

    Raises:
        ModelsError: another width, no square grid, another grid than the stated one, or a number
            of positions that may or may not count [CLS].
    """
    if given_1LD.dim() != 3 or given_1LD.shape[0] != 1 or given_1LD.shape[2] != own_1LD.shape[2]:
        raise ModelsError(
            f"pos_embed has shape {tuple(given_1LD.shape)} in the checkpoint and "
            f"{tuple(own_1LD.shape)} in the model: choose the model of that width"
        )
    count = given_1LD.shape[1]
    as_in_deit_iii = layer_scale and count == side * side
    given_prefix = _class_positions(count, given_has_class_token, as_in_deit_iii, grid)
    patches_ND = resize_grid(given_1LD[0, given_prefix:], side, grid)
    if prefix == 0:
        return patches_ND.unsqueeze(0)
    if given_prefix:
        first_1D = given_1LD[0, :1]
    elif given_has_class_token:
        first_1D = torch.zeros_like(given_1LD[0, :1])
    else:
        first_1D = own_1LD[0, :1].detach().to(given_1LD)
    return torch.cat([first_1D, patches_ND]).unsqueeze(0)


def _class_positions(
    count: int, has_class_token: bool, as_in_deit_iii: bool, grid: Grid | None
) -> int:
    """Return how many of ``count`` positions are [CLS]'s, 0 or 1."""
    if grid is not None:
        extra = count - grid[0] * grid[1]
        if extra != 0 and not (extra == 1 and has_class_token):
            raise ModelsError(
                f"a grid of {grid[0]} x {grid[1]} is stated, and pos_embed has {count} positions"
                f"{' with that of [CLS]' if has_class_token else ''}: correct the grid"
            )
        return extra
    if not has_class_token:
        return 0
    side = math.isqrt(count)
    if side * side != count:
        return 1
    # Any square is one more than a grid: 25 is 5 x 5 without [CLS], or 6 x 4 with [CLS].
    if not as_in_deit_iii:
        raise ModelsError(
            f"pos_embed has {count} positions, which is {side} x {side} patches without [CLS], or "
            f"a grid of {count - 1} with [CLS], such as {side + 1} x {side - 1}: {_STATE_GRID}"
        )
    return 0


def fit_table(given_EH: Tensor, own_EH: Tensor, side: int, grid: Grid | None = None) -> Tensor:
    """Return a relative position table of the shape of ``own_EH``, from another image size.

    The displacements are resized as a grid, the rows of tokens without a place are copied, or
    zero where the checkpoint has none.

    Args:
        given_EH: of the checkpoint.
        own_EH: of the model.
        side: patches in a row of the model's image.
        grid: rows and columns of the checkpoint's patches (``None``: as many of either).

    Raises:
        ModelsError: another number of heads, no square grid, or another than the stated one.
    """
    if given_EH.dim() != 2 or given_EH.shape[1] != own_EH.shape[1]:
        raise ModelsError(
            f"a relative position table has shape {tuple(given_EH.shape)} in the checkpoint and "
            f"{tuple(own_EH.shape)} in the model: choose the model of that size"
        )
    entries = len(given_EH)
    if grid is None:
        # So many rows as columns give an odd square of displacements.
        width = math.isqrt(entries)
        extra = 0 if width * width == entries and width % 2 else 3
        moves = None
    else:
        moves = (2 * grid[0] - 1, 2 * grid[1] - 1)
        extra = entries - moves[0] * moves[1]
        if extra not in (0, 3):
            raise ModelsError(
                f"a grid of {grid[0]} x {grid[1]} is stated, and a relative position table has "
                f"{entries} rows: correct the grid"
            )
    displacements = resize_grid(given_EH[: entries - extra], 2 * side - 1, moves)
    own_extra = len(own_EH) - len(displacements)
    last = given_EH[entries - extra :] if extra else given_EH.new_zeros(3, own_EH.shape[1])
    return torch.cat([displacements, last[:own_extra]])
