"""The Token&Attention selector (Tri-Level, "TA-Selector"); it has no weights.

It sits inside a block between attention and MLP, removes patch tokens there, and closes attention
connections from the next block on.

Shape suffixes: B batch, L = N + [CLS], if there is one, K kept patch tokens, D width.
"""

from torch import Tensor, nn

from trivit.models.layers.tokens import Tokens
from trivit.models.methods.attention_view import AttentionView, Probe
from trivit.models.methods.connections.masks import among_kept, connection_mask
from trivit.models.methods.connections.patterns import CONNECTION_PATTERNS, KeptPatches
from trivit.models.methods.tokens.fusion import fuse_tokens
from trivit.models.methods.tokens.selection import TOKEN_SCORES
from trivit.models.model_config import ModelConfig
from trivit.models.topology import Selection, plan_selection


class Selector(nn.Module):
    """Leaves a part of the tokens and of their connections, as the pass's keep ratios say."""

    def __init__(self, config: ModelConfig, side: int) -> None:
        """Make a selector of the methods that ``config`` names, for ``side`` patches in a row."""
        super().__init__()
        self.config = config
        self.side = side
        self.score = TOKEN_SCORES[config.token_score]
        self.pattern = CONNECTION_PATTERNS[config.attention_pattern]

    def plan(self, tokens: Tokens) -> Selection:
        """Return what it does with the tokens present."""
        ratios = tokens.token_keep_ratio, tokens.attention_keep_ratio
        return plan_selection(self.config, tokens.patches, *ratios)

    def probe(self, tokens: Tokens) -> Probe:
        """Return what it wants to see of its block's attention."""
        selection, wanted = self.plan(tokens), Probe.NONE
        if selection.drops:
            wanted |= self.score.probe
        if selection.fused:
            wanted |= self.config.summary_probe | Probe.GRADIENT
        if selection.keys is not None:
            wanted |= self.pattern.probe
        return wanted

    def forward(self, tokens: Tokens, view: AttentionView) -> None:
        """Leave the chosen ``tokens`` and connections.

        Args:
            tokens: behind the block's attention; changed in place.
            view: of that attention, with what ``probe`` named.
        """
        selection, prefix = self.plan(tokens), tokens.prefix
        kept_BK, fused_B1D, mask_B1LL = None, None, None
        if selection.drops:
            kept_BK = self.score.choose(view, selection.keep)
            kept_BK = kept_BK.expand(tokens.x.shape[0], -1)
        if selection.fused:
            assert kept_BK is not None
            weights_BN = view.summary(self.config.summary_probe)
            fused_B1D = fuse_tokens(tokens.x, weights_BN, kept_BK, prefix)
        if selection.keys is not None:
            open_BKK = self.pattern.open(self._kept_patches(tokens, view, kept_BK, selection.keys))
            open_class = self.config.class_connections == "open"
            mask_B1LL = connection_mask(open_BKK, prefix, open_class)
        tokens.select(kept_BK, mask_B1LL, fused_B1D)

    def _kept_patches(
        self, tokens: Tokens, view: AttentionView, kept_BK: Tensor | None, keys: int
    ) -> KeptPatches:
        """Return what the pattern chooses from."""
        config, prefix = self.config, tokens.prefix
        live_BKK = None
        if tokens.mask is not None and config.attention_compat == "paper":
            live_BKK = among_kept(tokens.mask[:, 0], kept_BK, prefix)
        attention_BKK = None
        if self.pattern.probe & Probe.MATRIX:
            assert view.matrix_BLL is not None
            attention_BKK = among_kept(view.matrix_BLL.detach(), kept_BK, prefix)
        places_BN = tokens.positions()
        if kept_BK is not None:
            places_BN = places_BN.expand(len(kept_BK), -1).gather(1, kept_BK)
        return KeptPatches(
            attention_BKK=attention_BKK,
            live_BKK=live_BKK,
            places_BK=places_BN,
            side=self.side,
            keys=keys,
            compat=config.attention_compat,
        )
