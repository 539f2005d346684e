"""What patches are ranked by when a step samples some of them (PSS, "Patch Sampling Functions").

A ``PatchOrder`` is registered by a module of this folder; ``patch_schedule.order`` names it.

Shape suffixes: B batch, N patch tokens, D width, K kept patch tokens.
"""

from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from trivit.models.methods.comparison import MethodRow
from trivit.models.methods.counts import sampled_patches
from trivit.models.methods.tokens.selection import select_tokens
from trivit.models.registry import Registry
from trivit.models.settings import Compat


class PatchOrder:
    """Ranks patches: the highest stay.

    Attributes:
        draws: it is a random order, which a training draws itself so that it can be drawn again.
        rows: how it appears in comparisons.
    """

    draws: ClassVar[bool] = False
    rows: ClassVar[tuple[MethodRow, ...]] = ()

    def scores(self, patches_BND: Tensor) -> Tensor:
        """Return what patches are ranked by, (B, N) without gradient."""
        raise NotImplementedError


PATCH_ORDERS: Registry[PatchOrder] = Registry("patch_schedule.order", __package__)


class PatchSampling(NamedTuple):
    """How a forward pass samples patches; at ``keep_ratio`` 1 it does nothing.

    Attributes:
        keep_ratio: share of the tokens that stay, [CLS] included if there is one.
        order: what ranks them, a name of ``PATCH_ORDERS``.
        compat: ``paper`` ranks the patch embeddings, ``code`` what enters the first block.
    """

    keep_ratio: float = 1.0
    order: str = "l1"
    compat: Compat = "paper"


def sample_patches(scores_BN: Tensor, keep_ratio: float, prefix: int = 1) -> Tensor:
    """Return the indices (B, K), int64 and ascending, of the highest scores of each image."""
    return select_tokens(scores_BN, sampled_patches(scores_BN.shape[1], keep_ratio, prefix))


class Norm(PatchOrder):
    """The patches of the largest norm."""

    order: ClassVar[int]

    def scores(self, patches_BND: Tensor) -> Tensor:
        """Return the norms, (B, N).

        They are summed in float32 at least, whatever the tokens are: in bfloat16 most of the order
        would be ties.
        """
        with torch.no_grad():
            wide = torch.promote_types(patches_BND.dtype, torch.float32)
            return torch.linalg.vector_norm(patches_BND, ord=self.order, dim=-1, dtype=wide)


@PATCH_ORDERS.register("l1")
class L1(Norm):
    """The patches of the largest L1 norm: "magnitude" in the paper."""

    order: ClassVar = 1


@PATCH_ORDERS.register("l2")
class L2(Norm):
    """The patches of the largest L2 norm."""

    order: ClassVar = 2


@PATCH_ORDERS.register("random")
class RandomOrder(PatchOrder):
    """Any patches, drawn for each image."""

    draws: ClassVar = True

    def scores(self, patches_BND: Tensor) -> Tensor:
        """Return draws of the global generator of the tokens' device, (B, N)."""
        return torch.rand(patches_BND.shape[:2], device=patches_BND.device)
