"""Attention level: each patch token attends to a few keys (Tri-Level, "Attention-level Sparsity").

A selector chooses among the connections that are still open, whichever pattern ranks them: one that
an earlier selector closed stays closed. Dropped tokens take connections with them, so a row may
have fewer open ones left than the ratio asks for; it then keeps all of them.

Paper and released code differ in three things. In the paper selected connections are all that is
computed in the remaining layers; the code chooses anew at every selector, and where too few
connections are left, those of probability 0 tie and open the whole row (``compat``: the caller
passes no ``live`` ones). The paper takes the indices of the largest values, so exactly as many as
the ratio says; the code opens what is at least as large as the last of them, so equal values open
more (``compat``). The paper selects among the patch tokens and says nothing of [CLS]; the code
leaves its row and column open. Taken to the letter the patch tokens no longer attend to [CLS],
whose own row is never closed (``class_column``).

Shape suffixes: B batch, N patch tokens, L = 1 + N tokens (N without [CLS]), K kept tokens.
"""

import torch
from torch import Tensor

from trivit.models.methods.tokens.selection import largest_indices
from trivit.models.settings import Compat


def among_kept(pairs_BLL: Tensor, kept_BK: Tensor | None, prefix: int = 1) -> Tensor:
    """Return what ``pairs_BLL`` holds for the kept patch tokens, (B, K, K).

    Args:
        pairs_BLL: head-mean attention probabilities of one block, or its open connections (B or 1).
        kept_BK: kept patch tokens, ascending; ``None`` keeps all of them.
        prefix: tokens before the patch tokens, 1 with [CLS], else 0.
    """
    patches_BNN = pairs_BLL[:, prefix:, prefix:]
    if kept_BK is None:
        return patches_BNN
    columns = patches_BNN.shape[-1]
    patches_BNN = patches_BNN.expand(len(kept_BK), -1, -1)
    rows_BKN = torch.gather(patches_BNN, 1, kept_BK.unsqueeze(-1).expand(-1, -1, columns))
    return torch.gather(rows_BKN, 2, kept_BK.unsqueeze(1).expand(-1, kept_BK.shape[1], -1))


def largest_of(values: Tensor, count: int, compat: Compat, live: Tensor | None) -> Tensor:
    """Return where the last dimension has its ``count`` largest live values: bool, same shape."""
    if live is not None:  # a live value may be as small as that of a closed connection
        kind = torch.finfo if values.is_floating_point() else torch.iinfo
        values = values.masked_fill(~live, kind(values.dtype).min)
    if compat == "code":
        smallest = torch.topk(values, count, dim=-1, sorted=False).values.amin(-1, keepdim=True)
        chosen = values >= smallest
    else:
        largest = largest_indices(values, count)
        # Not True: the exporter's tracer knows no scatter of a truth value.
        chosen = torch.zeros_like(values, dtype=torch.bool).scatter(-1, largest, 1)
    return chosen if live is None else chosen & live


def connection_mask(open_BKK: Tensor, prefix: int = 1, class_column: bool = True) -> Tensor:
    """Return the attention mask of connections among patch tokens: bool (B, 1, L, L).

    It is shared by the heads. The [CLS] row is open. A patch token that attends neither to another
    nor to [CLS] attends to itself, as softmax is not defined over nothing.

    Args:
        open_BKK: connections that stay, bool, query first.
        prefix: tokens before the patch tokens, 1 with [CLS], else 0.
        class_column: whether the patch tokens attend to [CLS].
    """
    if not (prefix and class_column):
        itself_KK = torch.eye(open_BKK.shape[1], dtype=torch.bool, device=open_BKK.device)
        open_BKK = open_BKK | (itself_KK & ~open_BKK.any(-1, keepdim=True))
    mask_BLK = torch.nn.functional.pad(open_BKK, (prefix, 0), value=class_column)
    return torch.nn.functional.pad(mask_BLK, (0, 0, prefix, 0), value=True).unsqueeze(1)
