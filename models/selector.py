"""The Token&Attention selector (Tri-Level, "TA-Selector"); it has no weights.

It sits inside a block between attention and MLP, removes patch tokens there, and closes attention
connections from the next block on.

Shape suffixes: B batch, N patch tokens, L = N + [CLS], if there is one, D width, K kept tokens.
"""

from dataclasses import dataclass

from torch import Tensor

from trivit.models.present_tokens import PresentTokens
from trivit.models.sparsity.connections import (
    among_kept,
    connection_mask,
    largest_connections,
    magnitude_connections,
    window_connections,
)
from trivit.models.sparsity.counts import keep_count
from trivit.models.sparsity.tokens import fuse_tokens, select_tokens, static_tokens
from trivit.models.vit_config import ViTConfig


@dataclass(frozen=True)
class Selection:
    """What a selector leaves of the patch tokens that reach it.

    Attributes:
        count: patch tokens that reach it.
        keep: patch tokens that stay, without a fused one.
        keys: connections of each of them, where so many are still open; ``None``: all.
        wants_scores: whether it ranks or weighs tokens.
        weighs: whether the scores weigh a fused token, so that they need their gradient.
        wants_matrix: whether it ranks connections by attention.
    """

    count: int
    keep: int
    keys: int | None
    wants_scores: bool
    weighs: bool
    wants_matrix: bool


def plan_selection(
    config: ViTConfig, count: int, token_keep_ratio: float, attention_keep_ratio: float
) -> Selection:
    """Return what a selector does with ``count`` patch tokens at these keep ratios."""
    keep = keep_count(count, token_keep_ratio)
    drops, selects_connections = keep < count, attention_keep_ratio < 1
    return Selection(
        count=count,
        keep=keep,
        keys=keep_count(keep, attention_keep_ratio) if selects_connections else None,
        wants_scores=drops and (config.fuse_tokens or config.token_score != "static"),
        weighs=drops and config.fuse_tokens,
        wants_matrix=selects_connections and config.attention_pattern != "window",
    )


def select(
    config: ViTConfig,
    selection: Selection,
    tokens: PresentTokens,
    scores_BN: Tensor | None,
    attention_BLL: Tensor | None,
) -> None:
    """Leave the selected ``tokens`` and connections.

    Args:
        config: the model's.
        selection: from ``plan_selection``.
        tokens: after the block's attention; changed in place.
        scores_BN: of the patch tokens, where ``selection`` wants them.
        attention_BLL: head-mean probabilities of the block, where ``selection`` wants them.
    """
    kept_BK, fused_B1D, mask_BLL = None, None, None
    if tokens.mask is not None and config.attention_compat == "paper":
        mask_BLL = tokens.mask[:, 0]
    if selection.keep < selection.count:
        if config.token_score == "static":
            batch, device = tokens.x.shape[0], tokens.x.device
            kept_1K = static_tokens(selection.count, selection.keep, device)
            kept_BK = kept_1K.expand(batch, -1)
        else:
            assert scores_BN is not None
            kept_BK = select_tokens(scores_BN, selection.keep)
        if config.fuse_tokens:
            assert scores_BN is not None
            fused_B1D = fuse_tokens(tokens.x, scores_BN, kept_BK, tokens.prefix)
        tokens.keep(kept_BK)
    if selection.keys is not None:
        live_BKK = None if mask_BLL is None else among_kept(mask_BLL, kept_BK, tokens.prefix)
        open_BKK = _connections(config, tokens, kept_BK, attention_BLL, live_BKK, selection.keys)
        tokens.mask = connection_mask(open_BKK, tokens.prefix, config.class_connections == "open")
    if fused_B1D is not None:
        tokens.append(fused_B1D)


def _connections(
    config: ViTConfig,
    tokens: PresentTokens,
    kept_BK: Tensor | None,
    attention_BLL: Tensor | None,
    live_BKK: Tensor | None,
    keys: int,
) -> Tensor:
    """Return which connections stay among the kept patch tokens, bool (B or 1, K, K).

    ``live_BKK`` are those that stay open if chosen; ``None``: all.
    """
    if config.attention_pattern == "window":
        side = config.image_size // config.patch_size
        return window_connections(tokens.positions(), side, keys, live_BKK)
    assert attention_BLL is not None
    attention_BKK = among_kept(attention_BLL.detach(), kept_BK, tokens.prefix)
    if config.attention_pattern == "magnitude":
        return magnitude_connections(attention_BKK, keys, config.attention_compat, live_BKK)
    return largest_connections(attention_BKK, keys, config.attention_compat, live_BKK)
