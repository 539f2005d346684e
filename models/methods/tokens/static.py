"""Keep evenly spaced patch tokens, the same of every image: the static baseline of Tri-Level."""

from typing import ClassVar

import torch
from torch import Tensor

from trivit.models.methods.attention_view import AttentionView
from trivit.models.methods.comparison import MethodRow
from trivit.models.methods.tokens.selection import TOKEN_SCORES, TokenScore


def static_tokens(tokens: int, count: int, device: torch.device) -> Tensor:
    """Return ``count`` evenly spaced indices of ``tokens``: int64 (1, count).

    The static baseline of Tri-Level's Table 4, which looks at no image.
    """
    steps = torch.arange(count, device=device)
    return ((2 * steps + 1) * tokens // (2 * count)).unsqueeze(0)


@TOKEN_SCORES.register("static")
class Static(TokenScore):
    """Keeps evenly spaced tokens, the same of every image; ranks nothing."""

    rows: ClassVar = (
        MethodRow(
            name="token_static",
            level="token",
            text="token 0.7, static",
            settings={"model": {"token_keep_ratio": 0.7, "token_score": "static"}},
            priority=2,
        ),
    )

    def choose(self, view: AttentionView, keep: int) -> Tensor:
        """Return evenly spaced tokens, (1, K)."""
        return static_tokens(view.patches, keep, view.device)
