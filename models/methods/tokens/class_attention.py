"""Keep the patch tokens that [CLS] attends to most (Tri-Level, "Token-level Sparsity")."""

from typing import ClassVar

from torch import Tensor

from trivit.models.methods.attention_view import AttentionView, Probe
from trivit.models.methods.comparison import MethodRow
from trivit.models.methods.tokens.selection import TOKEN_SCORES, TokenScore


@TOKEN_SCORES.register("cls")
class ClassAttention(TokenScore):
    """Ranks by the head mean of the [CLS] row of the attention."""

    probe: ClassVar = Probe.CLS_ROW
    needs_class_token: ClassVar = True
    on_accelerator: ClassVar = True
    rows: ClassVar = (
        MethodRow(
            name="token_cls",
            level="token",
            text="token 0.7, [CLS] score",
            settings={"model": {"token_keep_ratio": 0.7, "token_score": "cls"}},
            priority=1,
        ),
    )

    def scores(self, view: AttentionView) -> Tensor:
        """Return the [CLS] row, (B, N)."""
        return view.summary(Probe.CLS_ROW)
