"""What every model family shares: keep ratios, patch sampling, stochastic depth, one forward pass.

Shape suffixes: B batch, C channels, N patch tokens, L tokens present, D width, K kept patch tokens,
R residual branches.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from trivit.models.errors import ModelsError
from trivit.models.layers.attention import Attention
from trivit.models.layers.short_attention.selection import AttentionKind, load_kernels
from trivit.models.layers.stochastic_depth import branch_scales, drop_rates
from trivit.models.layers.tokens import Tokens
from trivit.models.methods.patches.orders import PATCH_ORDERS, PatchSampling, sample_patches
from trivit.models.methods.tokens.selection import gather_tokens
from trivit.models.model_config import ModelConfig, check_keep_ratio


class ForwardDetails(NamedTuple):
    """What a forward pass can tell besides its logits.

    Attributes:
        logits: class scores (B, num_classes).
        cls_variance: (B,) variance over the patch tokens of the head-mean [CLS] attention row, or
            of the cumulative attention where there is no [CLS] or tokens are scored by column,
            float32 without gradient; ``None`` unless asked for.
        kept_tokens: for each selector the original patch positions (B, K), int64 and ascending,
            -1 for a fused token; empty unless asked for.
        connections: for each selector the pairs of tokens (B,), int64, of which one attends to the
            other in the blocks that follow; empty unless asked for.
    """

    logits: Tensor
    cls_variance: Tensor | None = None
    kept_tokens: tuple[Tensor, ...] = ()
    connections: tuple[Tensor, ...] = ()


class SparseTransformer(nn.Module):
    """A model whose selectors follow keep ratios that may change between calls.

    A family's model defines ``embed``, ``run_blocks`` and ``classify``.
    """

    drop_rates: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.token_keep_ratio = config.token_keep_ratio
        self.attention_keep_ratio = config.attention_keep_ratio
        self.patch_sampling = PatchSampling()
        rates = drop_rates(config.drop_path, len(config.blocks))
        self.register_buffer("drop_rates", rates, persistent=False)

    def embed(self, images_BCHW: Tensor, scores_BN: Tensor | None = None) -> Tokens:
        """Return the tokens that enter the first block.

        Args:
            images_BCHW: normalised float images (B, C, side, side).
            scores_BN: rank the patches by these instead of their own, where patches are sampled.
        """
        raise NotImplementedError

    def run_blocks(self, tokens: Tokens) -> Tokens:
        """Return the tokens behind the last block."""
        raise NotImplementedError

    def classify(self, tokens: Tokens) -> Tensor:
        """Return the logits (B, num_classes) of the tokens behind the last block."""
        raise NotImplementedError

    def reset_parameters(self) -> None:
        """Initialise as DeiT does: truncated normal of ``init_std``, biases zero."""
        std = self.config.init_std
        for name, parameter in self.named_parameters(recurse=False):
            assert name in ("cls_token", "pos_embed")
            nn.init.trunc_normal_(parameter, std=std)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=std)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def set_keep_ratios(self, *, token: float, attention: float) -> None:
        """Use these keep ratios from the next forward pass on.

        Raises:
            ModelsError: a ratio outside (0, 1], or below 1 without selector blocks.
        """
        check_keep_ratio("token_keep_ratio", token)
        check_keep_ratio("attention_keep_ratio", attention)
        if not self.config.selector_blocks and min(token, attention) < 1:
            raise ModelsError("this model has no selector block: keep ratios must stay 1")
        self.token_keep_ratio = token
        self.attention_keep_ratio = attention

    def set_attention(self, kind: AttentionKind) -> None:
        """Compute attention this way from the next forward pass on.

        Args:
            kind: ``triton``: by the kernels of ``short_attention``, in passes in half precision on
                CUDA; ``auto``: the same, but by PyTorch where there is neither bias nor mask nor
                anything to rank by, and where Triton is missing; ``torch``: by PyTorch.

        Raises:
            ModelsError: ``triton``, and it is missing or cannot compute this model's attention.
        """
        layers = [module for module in self.modules() if isinstance(module, Attention)]
        missing = kind != "torch" and not load_kernels()
        if kind == "triton":
            tokens = self.config.prefix_tokens + self.config.num_patches
            reasons = ["Triton cannot be imported"] if missing else []
            reasons += [reason for layer in layers if (reason := layer.refusal(tokens))]
            if reasons:
                raise ModelsError(
                    f"training.attention is 'triton' and {reasons[0]}: use auto or torch"
                )
        for layer in layers:
            layer.kind = "torch" if missing else kind

    def set_patch_sampling(self, sampling: PatchSampling) -> None:
        """Sample patches this way from the next forward pass on.

        Raises:
            ModelsError: a keep ratio outside (0, 1], or below 1 in a family that needs all patches.
        """
        check_keep_ratio("patch keep ratio", sampling.keep_ratio)
        if sampling.keep_ratio < 1 and not self.config.offers_patch_sampling:
            raise ModelsError(
                f"{self.config.name} needs all patches: its patch keep ratio must stay 1"
            )
        self.patch_sampling = sampling

    def sampled(self, scores_BN: Tensor | None) -> Tensor | None:
        """Return the patches that given scores sample, (B, K), ascending; ``None``: not known yet.

        They depend on no patch: the others need not be embedded.
        """
        ratio = self.patch_sampling.keep_ratio
        if scores_BN is None or ratio == 1:
            return None
        return sample_patches(scores_BN, ratio, self.config.prefix_tokens)

    def sample(self, x_BLD: Tensor, patches_BND: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return the tokens that patch sampling leaves, and which patches, (B, K), ascending.

        Args:
            x_BLD: tokens with their positions, [CLS] first if there is one.
            patches_BND: patch tokens without.
        """
        ratio, order, compat = self.patch_sampling
        if ratio == 1:
            return x_BLD, None
        prefix = self.config.prefix_tokens
        ranked = patches_BND if compat == "paper" else x_BLD[:, prefix:]
        sampled_BK = sample_patches(PATCH_ORDERS[order].scores(ranked), ratio, prefix)
        return gather_tokens(x_BLD, sampled_BK, prefix), sampled_BK

    def forward(self, images_BCHW: Tensor) -> Tensor:
        """Return the logits (B, num_classes) of float images (B, C, side, side)."""
        return self.forward_details(images_BCHW).logits

    def forward_details(
        self,
        images_BCHW: Tensor,
        *,
        variance_block: int | None = None,
        variance_correction: int = 0,
        track_tokens: bool = False,
        patch_scores_BN: Tensor | None = None,
        depth_draws_RB: Tensor | None = None,
    ) -> ForwardDetails:
        """Return the logits and what else was asked for.

        Args:
            images_BCHW: normalised float images.
            variance_block: block whose [CLS] attention variance is returned (-1 the last one).
            variance_correction: 1 makes that variance unbiased, as the released code's is.
            track_tokens: return what each selector keeps, tokens and connections.
            patch_scores_BN: what patch sampling ranks by, instead of its own order.
            depth_draws_RB: uniform numbers that decide which residual branches stochastic depth
                leaves out in training (``StochasticDepth``), instead of the global generator's.

        Raises:
            ModelsError: images of another shape, or a block outside the model.
        """
        self._check_images(images_BCHW)
        tokens = self.embed(images_BCHW, patch_scores_BN)
        tokens.token_keep_ratio = self.token_keep_ratio
        tokens.attention_keep_ratio = self.attention_keep_ratio
        tokens.variance_block = self._block_index(variance_block)
        tokens.variance_correction = variance_correction
        tokens.summary = self.config.summary_probe
        tokens.track = track_tokens
        tokens.branch_scales_RB = self._branch_scales(len(images_BCHW), depth_draws_RB)
        tokens = self.run_blocks(tokens)
        return ForwardDetails(
            self.classify(tokens), tokens.variance_B, tuple(tokens.kept), tuple(tokens.connected)
        )

    def _check_images(self, images_BCHW: Tensor) -> None:
        side, channels = self.config.image_size, self.config.in_channels
        if tuple(images_BCHW.shape[1:]) != (channels, side, side):
            raise ModelsError(
                f"images have shape {tuple(images_BCHW.shape)}: "
                f"this model takes (batch, {channels}, {side}, {side})"
            )

    def _block_index(self, block: int | None) -> int | None:
        if block is None:
            return None
        count = len(self.config.blocks)
        if not -count <= block < count:
            raise ModelsError(f"block {block} is outside the {count} blocks")
        return block % count

    def _branch_scales(self, batch: int, draws_RB: Tensor | None) -> Tensor | None:
        """Return what the residual branches are multiplied by, (R, B); ``None``: nothing."""
        if not self.training or self.config.drop_path == 0:
            return None
        if draws_RB is None:
            branches = len(self.drop_rates)
            draws_RB = torch.rand(branches, batch, device=self.drop_rates.device)
        return branch_scales(self.drop_rates, draws_RB)
