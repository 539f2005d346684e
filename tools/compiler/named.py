"""The program of a configuration without a trained model: enough for cycles, traffic and speed."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from trivit.host.bundle import Bundle
from trivit.host.tiles import ceil_div
from trivit.models.accelerator import check_supported
from trivit.models.families import model_config
from trivit.models.model_config import ModelConfig
from trivit.models.topology import Block, Classifier, PatchEmbedding, Selection, passages
from trivit.tools.compiler.graph import Metadata
from trivit.tools.compiler.ir import (
    Attention,
    Gather,
    Gelu,
    LayerNorm,
    Linear,
    MeanPool,
    Model,
    Operation,
    Parameter,
    PatchEmbed,
    SelectConnections,
    SelectTokens,
    Tensor,
)
from trivit.tools.compiler.program import Source, assemble

# Any formats that the kernel takes: they change shifts, never cycles.
_FRAC = 8
_WEIGHT_FRAC = 12
_PRODUCT_FRAC = _FRAC + _WEIGHT_FRAC
_PROBABILITY_FRAC = 15
_EPSILON = 1e-6
BIAS = "relative_position_bias"


def named_program(name: str, *, token_keep: float = 1.0, attention_keep: float = 1.0) -> Bundle:
    """Return the program that the compiler would make of a named configuration, weights zero.

    Raises:
        ModelsError: an unknown name or a keep ratio outside (0, 1].
        ToolsError: the kernel cannot execute the model.
    """
    config = model_config(name, token_keep_ratio=token_keep, attention_keep_ratio=attention_keep)
    return untrained_program(config, name)


def untrained_program(config: ModelConfig, name: str, *, seed: int | None = None) -> Bundle:
    """Return the program of ``config`` with one format for all activations.

    Weights are zero, or random as after an initialisation if there is a ``seed``.

    Raises:
        ModelsError: the accelerator does not compute such models.
        ToolsError: the kernel cannot execute the model.
    """
    return assemble([untrained_source(config, name, seed=seed)])


def untrained_source(
    config: ModelConfig, name: str, *, seed: int | None = None, classes: Sequence[str] = ()
) -> Source:
    """Return the model of ``config`` before compilation; weights, formats, errors as there.

    ``classes`` have the names of their numbers by default.
    """
    check_supported(config)
    shape = (config.in_channels, config.image_size, config.image_size)
    metadata = Metadata(
        model=name,
        image_shape=shape,
        mean=(0.5,) * config.in_channels,
        std=(0.5,) * config.in_channels,
        class_names=tuple(classes or map(str, range(config.num_classes))),
        details={
            "model": name,
            "token_keep_ratio": config.token_keep_ratio,
            "attention_keep_ratio": config.attention_keep_ratio,
        },
    )
    return Source(name, _Untrained(config, seed).model(), metadata)


class _Untrained:
    """Operations in an order that respects their reads; `placed` puts selections where they go."""

    def __init__(self, config: ModelConfig, seed: int | None) -> None:
        self.config = config
        self.generator = None if seed is None else np.random.default_rng(seed)
        self.sparse = min(config.token_keep_ratio, config.attention_keep_ratio) < 1
        self.operations: list[Operation] = []

    def model(self) -> Model:
        steps = passages(self.config, self.config.final_ratios())
        embedding, classifier = steps[0].layer, steps[-1].layer
        assert isinstance(embedding, PatchEmbedding) and isinstance(classifier, Classifier)
        x, mask = self._embed(embedding), None
        for step in steps[1:-1]:
            assert isinstance(step.layer, Block)
            last = step is steps[-2]
            x, mask = self._block(step.layer, x, mask, step.selection, last)
        name = "norm"
        if classifier.pooling == "mean":
            x, name = self._mean(x), "fc_norm"
        row = self._norm(x, name, 1)
        logits = self._linear(row, "head", classifier.classes)
        return Model(tuple(self.operations), logits)

    def _mean(self, x: Tensor) -> Tensor:
        patches = x.rows - 1
        weights = np.full(x.rows, round(2**_PROBABILITY_FRAC / patches))
        weights[0] = 0
        row = Tensor("pool", 1, x.columns, x.frac)
        self.operations.append(
            MeanPool(row, x, Parameter("pool.weights", weights, _PROBABILITY_FRAC))
        )
        return row

    def _embed(self, layer: PatchEmbedding) -> Tensor:
        rows, width = 1 + layer.side**2, layer.width
        x = Tensor("x0", rows, width, _FRAC)
        pixels = layer.channels * layer.patch_size**2
        self.operations.append(
            PatchEmbed(
                output=x,
                image_shape=(layer.channels, layer.image_size, layer.image_size),
                image_frac=_FRAC,
                patch=layer.patch_size,
                weight=self._weight("patch_embed.proj.weight", width, pixels),
                bias=_constant("patch_embed.proj.bias", width, frac=_PRODUCT_FRAC),
                cls_token=_constant("cls_token", width),
                pos_embed=self._positions(rows, width),
            )
        )
        return x

    def _block(
        self, layer: Block, x: Tensor, mask: Tensor | None, selection: Selection | None, last: bool
    ) -> tuple[Tensor, Tensor | None]:
        """Return the tokens behind a block, and the mask of the blocks behind it."""
        point = layer.name
        if not self.sparse:
            selection = None
        elif selection is not None and last:  # its connections would have no reader
            selection = replace(selection, keys=None)
        normed = self._norm(x, f"{point}.norm1", x.rows)
        qkv = self._linear(normed, f"{point}.attn.qkv", 3 * layer.width, bias=layer.qkv_bias)
        attention = self._attention(layer, qkv, mask, selection)
        x = self._linear(attention.output, f"{point}.attn.proj", layer.width, residual=x)
        if selection is not None:
            x, mask = self._select(x, point, attention, selection)
        normed = self._norm(x, f"{point}.norm2", x.rows)
        hidden = self._linear(normed, f"{point}.mlp.gelu", layer.hidden, gelu=True)
        x = self._linear(hidden, f"{point}.mlp.fc2", layer.width, residual=x)
        return x, mask

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
        output = Tensor(f"{name}.sum" if gelu else name, x.rows, outputs, _FRAC)
        self.operations.append(
            Linear(
                output=output,
                x=x,
                weight=self._weight(f"{name}.weight", outputs, x.columns),
                bias=_constant(f"{name}.bias", outputs, frac=_PRODUCT_FRAC) if bias else None,
                residual=residual,
            )
        )
        if gelu:
            self.operations.append(Gelu(replace(output, name=name), output))
        return replace(output, name=name)

    def _attention(
        self, layer: Block, qkv: Tensor, mask: Tensor | None, selection: Selection | None
    ) -> Attention:
        point, rows = f"{layer.name}.attn", qkv.rows
        selectors = ""
        if selection is not None:
            selectors = "cls" if selection.keys is None else "all"
        scores = Tensor(f"{point}.scores", layer.heads * rows, rows, _FRAC)
        attention = Attention(
            output=Tensor(f"{point}.context", rows, layer.width, _FRAC),
            qkv=qkv,
            mask=mask,
            heads=layer.heads,
            scale=layer.head_dim**-0.5,
            scores=scores,
            probs=replace(scores, name=f"{point}.probs", frac=_PROBABILITY_FRAC),
            selectors=selectors,
            bias=self._score_bias(f"{point}.{BIAS}", layer.heads, rows),
        )
        self.operations.append(attention)
        return attention

    def _select(
        self, x: Tensor, point: str, attention: Attention, selection: Selection
    ) -> tuple[Tensor, Tensor | None]:
        """Return the kept tokens and the mask of the blocks behind, if these have one."""
        keep, tokens, probs = selection.keep, x.rows, attention.probs
        kept = Tensor(f"{point}.selector.kept", 1, 1 + keep, 0, "index")
        gathered = Tensor(f"{point}.selector.tokens", 1 + keep, x.columns, x.frac)
        self.operations += [
            SelectTokens(kept, probs, tokens, keep),
            Gather(gathered, x, kept),
        ]
        if selection.keys is None:
            return gathered, None
        columns = ceil_div(1 + keep, 16)
        mask = Tensor(f"{point}.selector.mask", 1 + keep, columns, 0, "mask")
        self.operations.append(SelectConnections(mask, kept, probs, tokens, selection.keys))
        return gathered, mask

    def _weight(self, name: str, outputs: int, inputs: int) -> Parameter:
        if self.generator is None:
            return _constant(name, outputs, inputs, frac=_WEIGHT_FRAC)
        scale = inputs**-0.5 * 2.0**_WEIGHT_FRAC
        values = self.generator.normal(scale=scale, size=(outputs, inputs))
        return Parameter(name, np.rint(values).astype(np.int64), _WEIGHT_FRAC)

    def _score_bias(self, name: str, heads: int, rows: int) -> Parameter | None:
        """Return the bias of a block's scores, if the model has relative positions."""
        if not getattr(self.config, "relative_position_bias", False):
            return None
        if self.generator is None:
            return _constant(name, heads, rows, rows)
        values = self.generator.normal(scale=2.0**_FRAC, size=(heads, rows, rows))
        return Parameter(name, np.rint(values).astype(np.int64), _FRAC)

    def _positions(self, rows: int, width: int) -> Parameter:
        if self.generator is None:
            return _constant("pos_embed", rows, width)
        values = self.generator.normal(scale=0.5 * 2.0**_FRAC, size=(rows, width))
        return Parameter("pos_embed", np.rint(values).astype(np.int64), _FRAC)


def _constant(name: str, *shape: int, value: int = 0, frac: int = _FRAC) -> Parameter:
    return Parameter(name, np.broadcast_to(np.int64(value), shape), frac)
