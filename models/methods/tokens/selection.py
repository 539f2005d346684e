"""Token level: which patch tokens stay (Tri-Level, "Token-level Sparsity").

A ``TokenScore`` ranks the patch tokens that reach a selector. Each is one module of this folder;
``model.token_score`` names it.

Shape suffixes: B batch, N patch tokens, L = N + [CLS], if there is one, K kept tokens, D width.
"""

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from trivit.models.methods.attention_view import AttentionView, Probe
from trivit.models.methods.comparison import MethodRow
from trivit.models.registry import Registry


class TokenScore:
    """Ranks patch tokens. A new one is a module here that registers a subclass.

    Attributes:
        probe: what it wants to see of the attention.
        needs_class_token: whether it cannot do without [CLS].
        on_accelerator: whether the kernel computes it.
        rows: how it appears in comparisons.
    """

    probe: ClassVar[Probe] = Probe.NONE
    needs_class_token: ClassVar[bool] = False
    on_accelerator: ClassVar[bool] = False
    rows: ClassVar[tuple[MethodRow, ...]] = ()

    def scores(self, view: AttentionView) -> Tensor:
        """Return what the tokens are ranked by, (B, N): the highest stay."""
        raise NotImplementedError

    def choose(self, view: AttentionView, keep: int) -> Tensor:
        """Return the ``keep`` patch tokens that stay: int64 (B or 1, K), ascending."""
        return select_tokens(self.scores(view), keep)


TOKEN_SCORES: Registry[TokenScore] = Registry("model.token_score", __package__)


def largest_indices(values: Tensor, count: int) -> Tensor:
    """Return the indices of the ``count`` largest values of the last dimension, largest first.

    Equal values go to the lower index. Result: int64, shape (..., count).
    """
    if torch.onnx.is_in_onnx_export():
        # ONNX TopK is specified to prefer the lower index; torch.topk promises no order.
        return torch.topk(values, count, dim=-1, largest=True, sorted=True).indices
    return _stable_sort(values, descending=True)[1][..., :count]


def select_tokens(scores_BN: Tensor, count: int) -> Tensor:
    """Return the indices (B, count), int64 and ascending, of the highest scores of each example.

    Equal scores go to the lower index.
    """
    chosen_BK = largest_indices(scores_BN.detach(), count)
    if torch.onnx.is_in_onnx_export():
        return torch.topk(chosen_BK, count, dim=-1, largest=False, sorted=True).values
    return _stable_sort(chosen_BK, descending=False)[0]


def _stable_sort(values: Tensor, descending: bool) -> tuple[Tensor, Tensor]:
    """Return the sorted values of the last dimension and their indices.

    Inductor turns up to 512 values into a sorting network in Triton, whose compilation takes
    minutes; a sort that the compiler does not look into takes none.
    """
    if torch.compiler.is_compiling():
        return _opaque_sort(values, descending)
    return _sort(values, descending)


def _sort(values: Tensor, descending: bool) -> tuple[Tensor, Tensor]:
    ordered, indices = torch.sort(values, dim=-1, descending=descending, stable=True)
    return ordered.contiguous(), indices.contiguous()


_opaque_sort = torch.library.custom_op("trivit::stable_sort", _sort, mutates_args=())


@_opaque_sort.register_fake
def _(values: Tensor, descending: bool) -> tuple[Tensor, Tensor]:
    shape = values.shape
    return values.new_empty(shape), values.new_empty(shape, dtype=torch.int64)


def gather_tokens(x_BLD: Tensor, kept_BK: Tensor, prefix: int = 1) -> Tensor:
    """Return the tokens before the patch tokens and the kept patch tokens: (B, prefix + K, D).

    Args:
        x_BLD: tokens, [CLS] first if there is one.
        kept_BK: indices among the patch tokens.
        prefix: tokens before the patch tokens, 1 with [CLS], else 0.
    """
    # [CLS] is row 0 of the same gather: what is kept is moved once, and its gradient too.
    rows_BK = F.pad(kept_BK + prefix, (prefix, 0))
    return torch.gather(x_BLD, 1, rows_BK.unsqueeze(-1).expand(-1, -1, x_BLD.shape[-1]))
