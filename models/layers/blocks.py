"""Pre-norm transformer block, its MLP, and the patch embedding; names are timm's.

Shape suffixes: B batch, C channels, N patch tokens, P pixels and channels of a patch, L tokens
present, D width.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from trivit.models.layers.attention import Attention
from trivit.models.layers.selector import Selector
from trivit.models.layers.tokens import Tokens
from trivit.models.methods.tokens.selection import gather_tokens
from trivit.models.settings import Compat
from trivit.models.topology import Block as BlockLayer
from trivit.models.topology import PatchEmbedding

LAYER_NORM_EPS = 1e-6


class PatchProjection(nn.Conv2d):
    """A convolution whose patches do not overlap, as one product: (B, C, side, side) to (B, N, D).

    Weights have a convolution's names and shapes. A GPU's convolution is slow at this, most of all
    at the gradient of its weights.
    """

    def __init__(self, channels: int, width: int, patch_size: int) -> None:
        super().__init__(channels, width, patch_size, stride=patch_size)

    def forward(self, images_BCHW: Tensor, chosen_BK: Tensor | None = None) -> Tensor:
        """Return the patch tokens, row by row (B, N, D), or those of ``chosen_BK`` (B, K, D)."""
        batch, channels, side, _ = images_BCHW.shape
        patch = self.kernel_size[0]
        rows = side // patch
        # Of half the size, if the weights are, before it is moved.
        images_BCHW = images_BCHW.to(self.weight.dtype)
        grid = images_BCHW.reshape(batch, channels, rows, patch, rows, patch)
        pixels_BNP = grid.permute(0, 2, 4, 1, 3, 5).reshape(batch, rows**2, channels * patch**2)
        if chosen_BK is not None:
            pixels_BNP = gather_tokens(pixels_BNP, chosen_BK, prefix=0)
        return F.linear(pixels_BNP, self.weight.flatten(1), self.bias)


class PatchEmbed(nn.Module):
    """Image (B, C, side, side) to patch tokens (B, N, D), row by row."""

    def __init__(self, layer: PatchEmbedding) -> None:
        super().__init__()
        assert layer.stride == layer.patch_size
        self.proj = PatchProjection(layer.channels, layer.width, layer.patch_size)

    def forward(self, images_BCHW: Tensor, chosen_BK: Tensor | None = None) -> Tensor:
        """Return the patch tokens (B, N, D), or those of ``chosen_BK`` (B, K, D)."""
        return self.proj(images_BCHW, chosen_BK)


class Mlp(nn.Module):
    """Two linear layers with an exact (erf) GELU between them."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x_BLD: Tensor) -> Tensor:
        """Return the transformed tokens (B, L, D)."""
        return self.fc2(self.act(self.fc1(x_BLD)))


class Block(nn.Module):
    """Pre-norm transformer block; a selector sits between its attention and its MLP."""

    def __init__(
        self,
        layer: BlockLayer,
        selector: Selector | None = None,
        *,
        position_entries: int = 0,
        compat: Compat = "paper",
    ) -> None:
        """Make the block.

        Args:
            layer: its sizes.
            selector: what drops tokens and closes connections here, if anything does.
            position_entries: rows of its table of relative position biases; 0: none.
            compat: whose softmax its attention computes.
        """
        super().__init__()
        self.index = layer.index
        self.norm1 = nn.LayerNorm(layer.width, eps=LAYER_NORM_EPS)
        self.attn = Attention(
            layer.width,
            layer.heads,
            qkv_bias=layer.qkv_bias,
            entries=position_entries,
            compat=compat,
        )
        self.selector = selector
        self.norm2 = nn.LayerNorm(layer.width, eps=LAYER_NORM_EPS)
        self.mlp = Mlp(layer.width, layer.hidden)

    def forward(self, tokens: Tokens) -> Tokens:
        """Return the tokens behind the block; ``tokens`` is changed."""
        probe = tokens.probe(self.index)
        if self.selector is not None:
            probe |= self.selector.probe(tokens)
        added, view = self.attn(
            self.norm1(tokens.x),
            tokens.mask,
            relative=tokens.relative,
            prefix=tokens.prefix,
            probe=probe,
        )
        tokens.add(added, 2 * self.index)
        tokens.note(self.index, view)
        if self.selector is not None:
            self.selector(tokens, view)
        tokens.add(self.mlp(self.norm2(tokens.x)), 2 * self.index + 1)
        return tokens
