"""Position embeddings and relative position tables at another image size.

Shape suffixes: L tokens, N patch tokens, D width, E table entries, H heads.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from trivit.models.errors import ModelsError


def resize_grid(grid_ND: Tensor, side: int) -> Tensor:
    """Return the values (side * side, D) of a square grid, read row by row.

    Bicubic with antialiasing, in float32: what timm does when the image size changes. DeiT's own
    script does without antialiasing, whose kernel differs a little even where the grid grows.

    Raises:
        ModelsError: N is no square.
    """
    before = math.isqrt(len(grid_ND))
    if before * before != len(grid_ND):
        raise ModelsError(f"{len(grid_ND)} positions are no square grid of patches")
    if before == side:
        return grid_ND
    image = grid_ND.float().t().reshape(1, -1, before, before)
    resized = F.interpolate(image, size=(side, side), mode="bicubic", antialias=True)
    return resized.reshape(-1, side * side).t().to(grid_ND.dtype).contiguous()


def fit_positions(
    given_1LD: Tensor, own_1LD: Tensor, side: int, *, prefix: int, given_has_class_token: bool
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

    Raises:
        ModelsError: another width, or no square grid.
    """
    if given_1LD.dim() != 3 or given_1LD.shape[0] != 1 or given_1LD.shape[2] != own_1LD.shape[2]:
        raise ModelsError(
            f"pos_embed has shape {tuple(given_1LD.shape)} in the checkpoint and "
            f"{tuple(own_1LD.shape)} in the model: choose the model of that width"
        )
    count = given_1LD.shape[1]
    # A square is a grid of patches alone: no two squares above 1 lie next to each other.
    given_prefix = int(math.isqrt(count) ** 2 != count and given_has_class_token)
    patches_ND = resize_grid(given_1LD[0, given_prefix:], side)
    if prefix == 0:
        return patches_ND.unsqueeze(0)
    if given_prefix:
        first_1D = given_1LD[0, :1]
    elif given_has_class_token:
        first_1D = torch.zeros_like(given_1LD[0, :1])
    else:
        first_1D = own_1LD[0, :1].detach().to(given_1LD)
    return torch.cat([first_1D, patches_ND]).unsqueeze(0)


def fit_table(given_EH: Tensor, own_EH: Tensor, side: int) -> Tensor:
    """Return a relative position table of the shape of ``own_EH``, from another image size.

    The displacements are resized as a grid, the rows of tokens without a place are copied, or
    zero where the checkpoint has none.

    Args:
        given_EH: of the checkpoint.
        own_EH: of the model.
        side: patches in a row of the model's image.

    Raises:
        ModelsError: another number of heads, or no square grid.
    """
    if given_EH.dim() != 2 or given_EH.shape[1] != own_EH.shape[1]:
        raise ModelsError(
            f"a relative position table has shape {tuple(given_EH.shape)} in the checkpoint and "
            f"{tuple(own_EH.shape)} in the model: choose the model of that size"
        )
    entries = len(given_EH)
    extra = 0 if math.isqrt(entries) ** 2 == entries else 3
    grid = resize_grid(given_EH[: entries - extra], 2 * side - 1)
    own_extra = len(own_EH) - len(grid)
    last = given_EH[entries - extra :] if extra else given_EH.new_zeros(3, own_EH.shape[1])
    return torch.cat([grid, last[:own_extra]])
