"""Keep the patch tokens that all patch tokens together attend to most.

The cumulative attention: what Tri-Level takes where there is no [CLS] ("Token-level Sparsity", ViT
variants without [CLS]).
"""

from typing import ClassVar

from torch import Tensor

from trivit.models.methods.attention_view import AttentionView, Probe
from trivit.models.methods.comparison import MethodRow
from trivit.models.methods.tokens.selection import TOKEN_SCORES, TokenScore


def column_scores(attention_BLL: Tensor, prefix: int = 1) -> Tensor:
    """Return each patch token's column sum over the patch rows, (B, N).

    Args:
        attention_BLL: head-mean attention probabilities.
        prefix: tokens before the patch tokens, 1 with [CLS], else 0.
    """
    return attention_BLL[:, prefix:, prefix:].sum(dim=1)


@TOKEN_SCORES.register("column_sum")
class ColumnSum(TokenScore):
    """Ranks by the sums of the attention's columns."""

    probe: ClassVar = Probe.COLUMN_SUMS
    rows: ClassVar = (
        MethodRow(
            name="token_column_sum",
            level="token",
            text="token 0.7, column sum",
            settings={"model": {"token_keep_ratio": 0.7, "token_score": "column_sum"}},
            priority=50,
        ),
    )

    def scores(self, view: AttentionView) -> Tensor:
        """Return the column sums, (B, N)."""
        return view.summary(Probe.COLUMN_SUMS)
