"""The vision transformer as the accelerator computes it: a quantizer wherever hardware rounds.

Between two quantizers everything is exact in float64 for 16-bit operands, save softmax, GELU and
LayerNorm. Parameter names are those of ``trivit.models.families.vision_transformer``.

Shape suffixes: B batch, H heads, N patch tokens, L = 1 + N tokens, D width, E head width.
"""

import brevitas.nn as qnn
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trivit.models.accelerator import check_supported
from trivit.models.layers.blocks import LAYER_NORM_EPS
from trivit.models.layers.relative_position import TABLE
from trivit.models.layers.sparse_transformer import SparseTransformer
from trivit.models.model_config import ModelConfig
from trivit.models.quantization.attention import QuantAttention, as_float32, linear
from trivit.models.quantization.onnx_nodes import repeated
from trivit.models.quantization.quantizers import Fixed16Bias, Fixed16Weight, QuantPoint
from trivit.models.quantization.selection import gather_rows, kept_rows, open_connections
from trivit.models.topology import Block, Classifier, PatchEmbedding, plan_selection

_EPSILON = as_float32(LAYER_NORM_EPS)


class QuantLayerNorm(nn.Module):
    """LayerNorm with quantized gamma, beta and output."""

    def __init__(self, width: int, point: str) -> None:
        super().__init__()
        self.shape = (width,)
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))
        self.weight_quant = QuantPoint(f"{point}.weight")
        self.bias_quant = QuantPoint(f"{point}.bias")
        self.output_quant = QuantPoint(point)

    def forward(self, x_BLD: Tensor) -> Tensor:
        """Quantized LayerNorm of the last dimension, same shape."""
        gamma, beta = self.weight_quant(self.weight), self.bias_quant(self.bias)
        return self.output_quant(F.layer_norm(x_BLD, self.shape, gamma, beta, _EPSILON))


class QuantPatchEmbed(nn.Module):
    """Patch projection; its sum is not rounded before the positions are added."""

    def __init__(self, layer: PatchEmbedding) -> None:
        super().__init__()
        self.proj = qnn.QuantConv2d(
            layer.channels,
            layer.width,
            layer.patch_size,
            stride=layer.stride,
            weight_quant=Fixed16Weight,
            bias_quant=Fixed16Bias,
        )
        self.shape = (layer.width, layer.side**2)

    def forward(self, images_BCHW: Tensor) -> Tensor:
        """Exact patch tokens (B, N, D)."""
        return self.proj(images_BCHW).reshape(-1, *self.shape).transpose(1, 2)


class QuantSelector(nn.Module):
    """Picks the rows and the connections that stay; has no weights and never rounds."""

    def __init__(self, config: ModelConfig, point: str) -> None:
        super().__init__()
        self.config = config
        self.point = point
        self.token_keep_ratio = config.token_keep_ratio
        self.attention_keep_ratio = config.attention_keep_ratio

    @property
    def drops(self) -> bool:
        """Whether it leaves anything out."""
        return min(self.token_keep_ratio, self.attention_keep_ratio) < 1

    def forward(
        self, x_BLD: Tensor, probs_BHLL: Tensor, mask_B1LL: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Remaining tokens (B, 1 + K, D), their rows (B, 1 + K), mask of the next blocks or None.

        The given mask is the one that the probabilities obey; what it closes stays closed.

        The rows number the tokens that were present, [CLS] = 0 first, ascending.
        """
        ratios = self.token_keep_ratio, self.attention_keep_ratio
        selection = plan_selection(self.config, int(x_BLD.shape[1]) - 1, *ratios)
        attention_BLL = probs_BHLL.sum(dim=1)
        rows = kept_rows(attention_BLL, selection.keep)
        tokens = gather_rows(x_BLD, rows)
        if selection.keys is None:
            return tokens, rows, None
        return tokens, rows, open_connections(attention_BLL, mask_B1LL, rows, selection.keys)


class QuantMlp(nn.Module):
    """MLP up to, and without, the residual sum that its second layer is fused with."""

    def __init__(self, layer: Block) -> None:
        super().__init__()
        point = f"{layer.name}.mlp"
        self.fc1 = linear(layer.width, layer.hidden)
        self.fc1_quant = QuantPoint(f"{point}.fc1")
        self.gelu_quant = QuantPoint(f"{point}.gelu")
        self.fc2 = linear(layer.hidden, layer.width)

    def forward(self, x_BLD: Tensor) -> Tensor:
        """Unrounded output (B, L, D)."""
        return self.fc2(self.gelu_quant(F.gelu(self.fc1_quant(self.fc1(x_BLD)))))


class QuantBlock(nn.Module):
    """Pre-norm block; each residual sum is rounded once, with bias and product."""

    def __init__(
        self, layer: Block, config: ModelConfig, entries: int, index_LL: Tensor | None
    ) -> None:
        super().__init__()
        point = layer.name
        self.norm1 = QuantLayerNorm(layer.width, f"{point}.norm1")
        self.attn = QuantAttention(layer, entries, index_LL)
        self.attn_quant = QuantPoint(f"{point}.attn.proj")
        self.selector = QuantSelector(config, f"{point}.selector") if layer.selects else None
        self.norm2 = QuantLayerNorm(layer.width, f"{point}.norm2")
        self.mlp = QuantMlp(layer)
        self.mlp_quant = QuantPoint(f"{point}.mlp.fc2")

    def forward(
        self, x_BLD: Tensor, mask: Tensor | None, sparse: bool
    ) -> tuple[Tensor, Tensor | None]:
        """Tokens after the block and the connection mask of the next one."""
        projected, probs = self.attn(self.norm1(x_BLD), mask)
        x_BLD = self.attn_quant(projected + x_BLD)
        if self.selector is not None and sparse and self.selector.drops:
            x_BLD, _, mask = self.selector(x_BLD, probs, mask)
        return self.mlp_quant(self.mlp(self.norm2(x_BLD)) + x_BLD), mask


class QuantMeanPool(nn.Module):
    """Mean of the patch tokens: a product with one row of equal, rounded weights."""

    def __init__(self, patches: int) -> None:
        super().__init__()
        self.weights_quant = QuantPoint("pool.weights")
        self.output_quant = QuantPoint("pool")
        weights = torch.full((1, 1 + patches), 1 / patches)
        weights[0, 0] = 0.0  # [CLS]
        self.register_buffer("weights", weights, persistent=False)

    def forward(self, x_BLD: Tensor) -> Tensor:
        """Return the mean, (B, D)."""
        return self.output_quant(torch.matmul(self.weights_quant(self.weights), x_BLD))[:, 0]


class QuantVisionTransformer(nn.Module):
    """Quantized counterpart of a float model that ``check_supported`` accepts.

    ``sparse`` switches token and connection selection; both variants share weights and formats.
    The formats are meaningless until ``calibration.calibrate`` has set them.
    """

    def __init__(
        self, config: ModelConfig, entries: int = 0, index_LL: Tensor | None = None
    ) -> None:
        """Build the model.

        Args:
            config: its sizes.
            entries: of the tables of relative positions; 0: there are none.
            index_LL: the entry of each pair of tokens, query first.
        """
        super().__init__()
        self.config = config
        self.sparse = True
        embedding, *_, classifier = config.layers
        assert isinstance(embedding, PatchEmbedding) and isinstance(classifier, Classifier)
        width = embedding.width
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + config.num_patches, width))
        self.input_quant = QuantPoint("input")
        self.cls_token_quant = QuantPoint("cls_token")
        self.pos_embed_quant = QuantPoint("pos_embed")
        self.patch_embed = QuantPatchEmbed(embedding)
        self.x0_quant = QuantPoint("x0")
        self.blocks = nn.ModuleList(
            QuantBlock(layer, config, entries, index_LL) for layer in config.blocks
        )
        self.pool = QuantMeanPool(config.num_patches) if classifier.pooling == "mean" else None
        # timm calls the one behind mean pooling fc_norm.
        self.last_norm = "norm" if self.pool is None else "fc_norm"
        self.add_module(self.last_norm, QuantLayerNorm(classifier.width, self.last_norm))
        self.head = linear(classifier.width, classifier.classes)
        self.head_quant = QuantPoint("head")

    @classmethod
    def from_float(cls, model: SparseTransformer) -> "QuantVisionTransformer":
        """The quantized model of a float model, at its configuration's final keep ratios.

        Raises:
            ModelsError: the model uses a feature that the accelerator does not compute.
        """
        check_supported(model.config)
        index_LL = getattr(model, "relative_position_index", None)
        tables = [p for name, p in model.named_parameters() if name.endswith(f".{TABLE}")]
        quantized = cls(model.config, len(tables[0]) if tables else 0, index_LL)
        missing, unexpected = quantized.load_state_dict(model.state_dict(), strict=False)
        missing = [name for name in missing if not name.endswith("scaling_impl.scale")]
        if missing or unexpected:
            raise RuntimeError(f"float and quantized model differ: {missing} / {unexpected}")
        with torch.no_grad():
            for attention in quantized.modules():
                if isinstance(attention, QuantAttention):
                    attention.scale_bias()
        return quantized.eval()

    def forward(self, images_BCHW: Tensor) -> Tensor:
        """Quantized logits (B, num_classes) of normalised images (B, C, side, side)."""
        patches_BND = self.patch_embed(self.input_quant(images_BCHW))
        cls_B1D = repeated(self.cls_token_quant(self.cls_token), patches_BND)
        positions = self.pos_embed_quant(self.pos_embed)
        x_BLD = self.x0_quant(torch.cat([cls_B1D, patches_BND], dim=1) + positions)
        mask: Tensor | None = None
        for block in self.blocks:
            x_BLD, mask = block(x_BLD, mask, self.sparse)
        row_BD = x_BLD[:, 0] if self.pool is None else self.pool(x_BLD)
        return self.head_quant(self.head(self.get_submodule(self.last_norm)(row_BD)))
