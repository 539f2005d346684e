"""Orders of patches that isolate one property of the L1 order each.

Shape suffixes: B batch, N patch tokens, D width.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from trivit.models.methods.patches.orders import PATCH_ORDERS, PatchOrder


def l1_norm(patches_BND: Tensor) -> Tensor:
    """Return the L1 norm of each patch, float32 (B, N)."""
    return patches_BND.detach().float().abs().sum(dim=-1)


class LowestL1(PatchOrder):
    """The patches of the smallest L1 norm: the other sense of the order."""

    def scores(self, patches_BND: Tensor) -> Tensor:
        """Return the negative norms, (B, N)."""
        return -l1_norm(patches_BND)


class OneSubset(PatchOrder):
    """The same places in every image, drawn once: nothing depends on the image."""

    def scores(self, patches_BND: Tensor) -> Tensor:
        """Return one random order of the places for all images, (B, N)."""
        batch, count = patches_BND.shape[:2]
        drawn_N = torch.rand(count, generator=torch.Generator().manual_seed(0))
        return drawn_N.to(patches_BND.device).expand(batch, count)


class NoisyL1(PatchOrder):
    """The L1 norm, standardised in each image, with Gumbel noise: any patch may be drawn.

    The noise comes from a stream of its own, so that a training draws the same numbers again.
    """

    def __init__(self) -> None:
        self.noise = torch.Generator().manual_seed(0)

    def scores(self, patches_BND: Tensor) -> Tensor:
        """Return noisy scores, (B, N)."""
        norms_BN = l1_norm(patches_BND)
        deviation_B1 = norms_BN.std(dim=1, keepdim=True).clamp_min(1e-6)
        standard_BN = (norms_BN - norms_BN.mean(dim=1, keepdim=True)) / deviation_B1
        uniform_BN = torch.rand(norms_BN.shape, generator=self.noise).to(norms_BN.device)
        return standard_BN - torch.log(-torch.log(uniform_BN.clamp(1e-9, 1 - 1e-7)))


class FromMean(PatchOrder):
    """The patches that differ most from the image's mean patch: L1 without common brightness."""

    def scores(self, patches_BND: Tensor) -> Tensor:
        """Return the L1 distances from the mean embedding of the image, (B, N)."""
        return l1_norm(patches_BND - patches_BND.mean(dim=1, keepdim=True))


class Edges(PatchOrder):
    """The patches that differ most from the mean of their neighbours: where something changes."""

    def scores(self, patches_BND: Tensor) -> Tensor:
        """Return the L1 distances from the mean of the 3 x 3 patches around each, (B, N)."""
        batch, count, width = patches_BND.shape
        side = round(count**0.5)
        grid_BDHW = patches_BND.detach().float().mT.reshape(batch, width, side, side)
        around_BDHW = torch.nn.functional.avg_pool2d(
            grid_BDHW, 3, stride=1, padding=1, count_include_pad=False
        )
        return (grid_BDHW - around_BDHW).abs().sum(dim=1).flatten(1)


PROBES: dict[str, type[PatchOrder]] = {
    "probe_lowest_l1": LowestL1,
    "probe_one_subset": OneSubset,
    "probe_noisy_l1": NoisyL1,
    "probe_from_mean": FromMean,
    "probe_edges": Edges,
}


@contextmanager
def probe_orders() -> Iterator[None]:
    """Let ``patch_schedule.order`` name the probes within the body; their noise starts anew."""
    for name, order in PROBES.items():
        PATCH_ORDERS.add(name, order())
    try:
        yield
    finally:
        for name in PROBES:
            PATCH_ORDERS.remove(name)
