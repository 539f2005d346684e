"""Fuse the dropped patch tokens into one (EViT, "inattentive token fusion")."""

from torch import Tensor


def fuse_tokens(x_BLD: Tensor, scores_BN: Tensor, kept_BK: Tensor, prefix: int = 1) -> Tensor:
    """Return the sum of the dropped patch tokens, weighted by their scores: (B, 1, D).

    EViT (Liang et al., 2022). The weights carry the gradient of the scores, as in its released
    code.

    Args:
        x_BLD: tokens before the drop.
        scores_BN: weights of the patch tokens.
        kept_BK: the patch tokens that stay.
        prefix: tokens before the patch tokens.
    """
    weights_BN = scores_BN.scatter(1, kept_BK, 0.0).to(x_BLD.dtype)
    return (weights_BN.unsqueeze(2) * x_BLD[:, prefix:]).sum(dim=1, keepdim=True)
