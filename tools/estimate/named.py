"""The program of a configuration without a trained model: enough for cycles, traffic and speed."""

from dataclasses import replace

import numpy as np

from trivit.host.bundle import Bundle
from trivit.models.sparsity.counts import keep_count
from trivit.models.vit_config import ViTConfig, named_config
from trivit.tools.compiler.graph import Metadata
from trivit.tools.compiler.ir import (
    Attention,
    Gather,
    LayerNorm,
    Linear,
    Model,
    Operation,
    Parameter,
    PatchEmbed,
    SelectConnections,
    SelectTokens,
    Tensor,
)
from trivit.tools.compiler.program import Source, assemble
from trivit.tools.errors import ToolsError

# Any formats that the kernel takes: they change shifts, never cycles.
_FRAC = 8
_WEIGHT_FRAC = 12
_PRODUCT_FRAC = _FRAC + _WEIGHT_FRAC
_PROBABILITY_FRAC = 15
_EPSILON = 1e-6


def named_program(name: str, *, token_keep: float = 1.0, attention_keep: float = 1.0) -> Bundle:
    """Return the program that the compiler would make of a named configuration, weights zero.

    Raises:
        ModelsError: an unknown name or a keep ratio outside (0, 1].
        ToolsError: the kernel cannot execute the model.
    """
    config = named_config(name, token_keep_ratio=token_keep, attention_keep_ratio=attention_keep)
    return untrained_program(config, name)


def untrained_program(config: ViTConfig, name: str, *, seed: int | None = None) -> Bundle:
    """Return the program of ``config`` with one format for all activations.

    Weights are zero, or random as after an initialisation if there is a ``seed``.

    Raises:
        ToolsError: the kernel cannot execute the model.
    """
    if config.pooling != "cls" or config.relative_position_bias:
        raise ToolsError(
            f"{name} pools by '{config.pooling}' with relative_position_bias "
            f"{config.relative_position_bias}: the kernel classifies by [CLS] without a bias"
        )
    shape = (config.in_channels, config.image_size, config.image_size)
    metadata = Metadata(
        model=name,
        image_shape=shape,
        mean=(0.5,) * config.in_channels,
        std=(0.5,) * config.in_channels,
        class_names=tuple(str(i) for i in range(config.num_classes)),
        details={
            "model": name,
            "token_keep_ratio": config.token_keep_ratio,
            "attention_keep_ratio": config.attention_keep_ratio,
        },
    )
    return assemble([Source(name, _Untrained(config, seed).model(), metadata)])


class _Untrained:
    """Operations in an order that respects their reads; `placed` puts selections where they go."""

    def __init__(self, config: ViTConfig, seed: int | None) -> None:
        self.config = config
        self.generator = None if seed is None else np.random.default_rng(seed)
        self.sparse = min(config.token_keep_ratio, config.attention_keep_ratio) < 1
        self.operations: list[Operation] = []

    def model(self) -> Model:
        config = self.config
        width, rows = config.embed_dim, 1 + config.num_patches
        x = Tensor("x0", rows, width, _FRAC)
        pixels = config.in_channels * config.patch_size**2
        self.operations.append(
            PatchEmbed(
                output=x,
                image_shape=(config.in_channels, config.image_size, config.image_size),
                image_frac=_FRAC,
                patch=config.patch_size,
                weight=self._weight("patch_embed.proj.weight", width, pixels),
                bias=_constant("patch_embed.proj.bias", width, frac=_PRODUCT_FRAC),
                cls_token=_constant("cls_token", width),
                pos_embed=self._positions(rows, width),
            )
        )
        mask: Tensor | None = None
        for index in range(config.depth):
            point = f"blocks.{index}"
            normed = self._norm(x, f"{point}.norm1", x.rows)
            qkv = self._linear(normed, f"{point}.attn.qkv", 3 * width, bias=config.qkv_bias)
            selects = self.sparse and index in config.selector_blocks
            attention = self._attention(qkv, point, mask, selects, index)
            x = self._linear(attention.output, f"{point}.attn.proj", width, residual=x)
            if selects:
                x, mask = self._select(x, point, attention)
            hidden = self._linear(
                self._norm(x, f"{point}.norm2", x.rows),
                f"{point}.mlp.gelu",
                config.mlp_dim,
                gelu=True,
            )
            x = self._linear(hidden, f"{point}.mlp.fc2", width, residual=x)
        cls = self._norm(x, "norm", 1)
        logits = self._linear(cls, "head", config.num_classes)
        return Model(tuple(self.operations), logits)

    def _norm(self, x: Tensor, name: str, rows: int) -> Tensor:
        output = Tensor(name, rows, x.columns, _FRAC)
        gamma = _constant(f"{name}.weight", x.columns, value=1 << _FRAC)
        beta = _constant(f"{name}.bias", x.columns)
        self.operations.append(LayerNorm(output, x, gamma, beta, _EPSILON))
        return output

    def _linear(
        self,
        x: Tensor,
        name: str,
        outputs: int,
        *,
        residual: Tensor | None = None,
        gelu: bool = False,
        bias: bool = True,
    ) -> Tensor:
        output = Tensor(name, x.rows, outputs, _FRAC)
        self.operations.append(
            Linear(
                output=output,
                x=x,
                weight=self._weight(f"{name}.weight", outputs, x.columns),
                bias=_constant(f"{name}.bias", outputs, frac=_PRODUCT_FRAC) if bias else None,
                residual=residual,
                hidden=replace(output, name=f"{name}.sum") if gelu else None,
            )
        )
        return output

    def _attention(
        self, qkv: Tensor, point: str, mask: Tensor | None, selects: bool, index: int
    ) -> Attention:
        config, rows = self.config, qkv.rows
        selectors = ""
        if selects:
            # The last block's connections would have no reader.
            last = index == config.depth - 1
            selectors = "cls" if last or config.attention_keep_ratio == 1 else "all"
        scores = Tensor(f"{point}.attn.scores", config.num_heads * rows, rows, _FRAC)
        attention = Attention(
            output=Tensor(f"{point}.attn.context", rows, config.embed_dim, _FRAC),
            qkv=qkv,
            mask=mask,
            heads=config.num_heads,
            scale=config.head_dim**-0.5,
            scores=scores,
            probs=replace(scores, name=f"{point}.attn.probs", frac=_PROBABILITY_FRAC),
            selectors=selectors,
        )
        self.operations.append(attention)
        return attention

    def _select(self, x: Tensor, point: str, attention: Attention) -> tuple[Tensor, Tensor | None]:
        """Return the kept tokens and the mask of the blocks behind, if these have one."""
        config, tokens, probs = self.config, x.rows, attention.probs
        keep = keep_count(tokens - 1, config.token_keep_ratio)
        kept = Tensor(f"{point}.selector.kept", 1, 1 + keep, 0, "index")
        gathered = Tensor(f"{point}.selector.tokens", 1 + keep, x.columns, x.frac)
        self.operations += [
            SelectTokens(kept, probs, tokens, keep),
            Gather(gathered, x, kept),
        ]
        if attention.selectors == "cls":
            return gathered, None
        keys = keep_count(keep, config.attention_keep_ratio)
        columns = -(-(1 + keep) // 16)
        mask = Tensor(f"{point}.selector.mask", 1 + keep, columns, 0, "mask")
        self.operations.append(SelectConnections(mask, kept, probs, tokens, keys))
        return gathered, mask

    def _weight(self, name: str, outputs: int, inputs: int) -> Parameter:
        if self.generator is None:
            return _constant(name, outputs, inputs, frac=_WEIGHT_FRAC)
        scale = inputs**-0.5 * 2.0**_WEIGHT_FRAC
        values = self.generator.normal(scale=scale, size=(outputs, inputs))
        return Parameter(name, np.rint(values).astype(np.int64), _WEIGHT_FRAC)

    def _positions(self, rows: int, width: int) -> Parameter:
        if self.generator is None:
            return _constant("pos_embed", rows, width)
        values = self.generator.normal(scale=0.5 * 2.0**_FRAC, size=(rows, width))
        return Parameter("pos_embed", np.rint(values).astype(np.int64), _FRAC)


def _constant(name: str, *shape: int, value: int = 0, frac: int = _FRAC) -> Parameter:
    return Parameter(name, np.broadcast_to(np.int64(value), shape), frac)
