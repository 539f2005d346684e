"""Which patches an order chooses: how it varies from image to image, and what it goes by.

Shape suffixes: B images, N patch tokens, C channels, P pixels of a patch.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from trivit.models.methods.patches.orders import PATCH_ORDERS, sample_patches


def chosen(scores_BN: Tensor, keep_ratio: float) -> Tensor:
    """Return which patches have the highest scores, bool (B, N); [CLS] counts as in training."""
    kept_BK = sample_patches(scores_BN, keep_ratio)
    return torch.zeros_like(scores_BN, dtype=torch.bool).scatter_(1, kept_BK, True)


def by_place(chosen_BN: Tensor) -> dict[str, float]:
    """Return the share of images that keep a place, in percent: of the rarest and most usual.

    PSS, figure 10, has these for ImageNet: 73 to 84 % at rho 0.8, 16 to 26 % at rho 0.2.
    """
    share_N = 100.0 * chosen_BN.double().mean(dim=0)
    return {"least": float(share_N.min()), "most": float(share_N.max())}


def in_both(first_BN: Tensor, second_BN: Tensor) -> float:
    """Return the percentage of the patches of the first set that the second one has too."""
    return 100.0 * int((first_BN & second_BN).sum()) / int(first_BN.sum())


def patch_statistics(pixels_BCHW: Tensor, patch: int) -> dict[str, Tensor]:
    """Return what a patch looks like, float (B, N) each.

    Args:
        pixels_BCHW: normalised images.
        patch: height and width of a patch.

    Returns:
        ``magnitude``: mean absolute normalised pixel, ``brightness``: distance of its mean colour
        from the mean of the data set, ``contrast``: standard deviation within the patch.
    """
    batch, channels = pixels_BCHW.shape[:2]
    patches_BNCP = F.unfold(pixels_BCHW, patch, stride=patch).mT.reshape(
        batch, -1, channels, patch * patch
    )
    return {
        "magnitude": patches_BNCP.abs().mean(dim=(2, 3)),
        "brightness": patches_BNCP.mean(dim=3).abs().mean(dim=2),
        "contrast": patches_BNCP.std(dim=3).mean(dim=2),
    }


def rank_correlation(first_BN: Tensor, second_BN: Tensor) -> float:
    """Return the mean over the images of Spearman's rank correlation; ties in order of place."""
    first, second = (_centred_ranks(values_BN) for values_BN in (first_BN, second_BN))
    return float(F.cosine_similarity(first, second, dim=1).mean())


def _centred_ranks(values_BN: Tensor) -> Tensor:
    ranks_BN = values_BN.argsort(dim=1, stable=True).argsort(dim=1, stable=True).double()
    return ranks_BN - ranks_BN.mean(dim=1, keepdim=True)


def describe_sets(
    images_BCHW: Tensor,
    first_BND: Tensor,
    last_BND: Tensor,
    order: str,
    patch: int,
) -> dict[str, object]:
    """Return what an order chose at the start of a training and at its end.

    Args:
        images_BCHW: normalised images.
        first_BND: what the order ranked at the start: patch embeddings.
        last_BND: the same at the end.
        order: a name of ``PATCH_ORDERS``.
        patch: height and width of a patch.
    """
    first_BN, last_BN = (PATCH_ORDERS[order].scores(x).float() for x in (first_BND, last_BND))
    statistics = patch_statistics(images_BCHW, patch)
    start_BN, end_BN = chosen(first_BN, 0.6), chosen(last_BN, 0.6)
    return {
        "places_at_start": {f"{r:g}": by_place(chosen(first_BN, r)) for r in (0.8, 0.6, 0.4, 0.2)},
        "places_at_end": {f"{r:g}": by_place(chosen(last_BN, r)) for r in (0.8, 0.6, 0.4, 0.2)},
        "kept_at_start_and_end_percent": in_both(start_BN, end_BN),
        "left_out_at_start_and_end_percent": in_both(~start_BN, ~end_BN),
        "goes_by_at_start": {n: rank_correlation(first_BN, s) for n, s in statistics.items()},
        "goes_by_at_end": {n: rank_correlation(last_BN, s) for n, s in statistics.items()},
    }
