"""The tokens on their way through the blocks, where in the image they come from, what was asked.

Shape suffixes: B batch, N patch tokens, L = N + [CLS], if there is one, D width, K kept tokens, R
residual branches.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from trivit.models.layers.relative_position import PresentPlaces
from trivit.models.methods.attention_view import AttentionView, Probe
from trivit.models.methods.tokens.selection import gather_tokens


@dataclass
class Tokens:
    """What the next block computes with, and what the caller of the forward pass wants to know.

    Attributes:
        x: the tokens (B, L, D), [CLS] first if there is one.
        prefix: tokens before the patch tokens, 1 with [CLS], else 0.
        token_keep_ratio, attention_keep_ratio: of the selectors in this pass.
        mask: open connections, bool (B or 1, 1, L, L); ``None``: all.
        places: original position of each patch token, -1 for a fused one, int64 (B, N); ``None``:
            all patches in their order.
        index_LL: from ``relative_position_index``; ``None`` without relative positions.
        placeless: whether the first place of that index is that of tokens without a place.
        fused: fused tokens that were appended so far.
        relative: the same for the relative position bias; ``None`` without one.
        variance_block: index of the block whose variance is noted; ``None``: of none.
        variance_correction: 1 makes that variance unbiased.
        summary: the probe that it is taken of.
        variance_B: that variance, once it is known.
        track: note what selectors keep.
        kept: for each selector so far the original positions (B, K), if they are tracked.
        connected: for each selector so far the pairs of tokens (B,) that are connected behind it.
        branch_scales_RB: what stochastic depth multiplies the residual branches by; ``None``: 1.
    """

    x: Tensor
    prefix: int
    token_keep_ratio: float = 1.0
    attention_keep_ratio: float = 1.0
    mask: Tensor | None = None
    places: Tensor | None = None
    index_LL: Tensor | None = None
    placeless: bool = True
    fused: int = 0
    relative: PresentPlaces | None = None
    variance_block: int | None = None
    variance_correction: int = 0
    summary: Probe = Probe.CLS_ROW
    variance_B: Tensor | None = None
    track: bool = False
    kept: list[Tensor] = field(default_factory=list)
    connected: list[Tensor] = field(default_factory=list)
    branch_scales_RB: Tensor | None = None

    def __post_init__(self) -> None:
        self._find_relative()

    @property
    def patches(self) -> int:
        """N, the patch tokens present, fused ones included."""
        return self.x.shape[1] - self.prefix

    def positions(self) -> Tensor:
        """Return the original positions of the patch tokens, (B or 1, N); -1 for a fused one."""
        if self.places is not None:
            return self.places
        return torch.arange(self.patches, device=self.x.device).unsqueeze(0)

    def connections(self) -> Tensor:
        """Return how many pairs of tokens are connected in each image, int64 (B,)."""
        batch, length, _ = self.x.shape
        if self.mask is None:
            return torch.full((batch,), length**2, device=self.x.device)
        return self.mask.sum(dim=(1, 2, 3)).expand(batch)

    def add(self, added_BLD: Tensor, branch: int) -> None:
        """Add what residual branch number ``branch`` gives, as stochastic depth leaves it."""
        if self.branch_scales_RB is not None and branch >= 2:  # the first block always stays
            scale_B = self.branch_scales_RB[branch].to(added_BLD.dtype)
            added_BLD = added_BLD * scale_B.view(-1, 1, 1)
        self.x = self.x + added_BLD

    def probe(self, block: int) -> Probe:
        """Return what the caller wants to see of the attention of ``block``."""
        return self.summary if block == self.variance_block else Probe.NONE

    def note(self, block: int, view: AttentionView) -> None:
        """Note the variance of the scores of ``block``, if it was asked for (Tri-Level)."""
        if block == self.variance_block:
            scores_BN = view.summary(self.summary).detach()
            # Of a single token nothing varies: its unbiased variance would be 0 / 0.
            correction = min(self.variance_correction, self.patches - 1)
            self.variance_B = scores_BN.var(dim=-1, correction=correction)

    def select(
        self, kept_BK: Tensor | None, mask: Tensor | None, fused_B1D: Tensor | None = None
    ) -> None:
        """Leave what a selector chose.

        Args:
            kept_BK: indices of the patch tokens that stay, ascending; ``None``: all.
            mask: connections that are open from now on, among the tokens that stay.
            fused_B1D: a token that stands for no place, connected with all others, is appended.
        """
        if kept_BK is not None:
            kept_BK = kept_BK.expand(self.x.shape[0], -1)
            self.places = kept_BK if self.places is None else self.places.gather(1, kept_BK)
            self.x = gather_tokens(self.x, kept_BK, self.prefix)
        self.mask = mask
        if fused_B1D is not None:
            self.x = torch.cat([self.x, fused_B1D], dim=1)
            assert self.places is not None  # nothing is fused where nothing is dropped
            self.places = torch.nn.functional.pad(self.places, (0, 1), value=-1)
            self.fused += 1
            if self.mask is not None:
                self.mask = torch.nn.functional.pad(self.mask, (0, 1, 0, 1), value=True)
        self._find_relative()
        if self.track:
            self.kept.append(self.positions().expand(self.x.shape[0], -1))
            self.connected.append(self.connections())

    def _find_relative(self) -> None:
        """Say where the tokens present are, if their relative positions matter."""
        if self.index_LL is None:
            return
        places = self.places
        if places is not None:
            places = torch.nn.functional.pad(places, (self.prefix, 0), value=-1).int()
        tokens = self.x.shape[1]
        self.relative = PresentPlaces(self.index_LL, tokens, self.placeless, places, self.fused)
