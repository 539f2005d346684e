"""Operations to instructions that still name their tensors instead of addresses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from trivit.host.fixed_point import requantize
from trivit.host.generated.spec import (
    MAX_CONNECTION_TOKENS,
    MAX_DEPTH_WORDS,
    MAX_HEAD_WORDS,
    MAX_HEADS,
    MAX_TOKENS,
    TILE_DEPTH,
)
from trivit.tools.compiler import arithmetic
from trivit.tools.compiler.ir import (
    AllTokens,
    Attention,
    Gather,
    Gelu,
    Integers,
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
from trivit.tools.compiler.params import ParameterImage, pack_rows, pack_weight
from trivit.tools.errors import ToolsError

_NORM_FIELDS = (
    "gamma",
    "beta",
    "inv_width",
    "sqrt_width",
    "epsilon",
    "beta_shift",
    "norm_shift",
)


@dataclass(frozen=True)
class Draft:
    """An instruction before addresses are known.

    ``tensors`` maps address fields to tensors; ``fields`` holds the rest. ``macs`` counts the
    multiplications of the unpadded problem, ``open_macs`` those that masked connections leave at
    most: a later selector may find fewer open ones than it may keep.
    """

    opcode: str
    writes: Tensor | None
    tensors: dict[str, Tensor] = field(default_factory=dict)
    fields: dict[str, int] = field(default_factory=dict)
    flags: frozenset[str] = frozenset()
    macs: int = 0
    open_macs: int = 0


def lower(model: Model, params: ParameterImage) -> list[Draft]:
    """Return the instructions of a model and put its parameters into ``params``.

    Raises:
        ToolsError: a size, shift or sum is outside what the kernel can do.
    """
    keys: dict[str, int] = {}  # open keys of a patch token, by mask
    drafts: list[Draft] = []
    for operation in model.operations:
        _check_size(operation.output)
        if isinstance(operation, SelectConnections):
            keys[operation.output.name] = operation.keep
        drafts.extend(_lower(operation, params, keys))
    logits = model.logits
    drafts.append(
        Draft(
            "store",
            None,
            {"src": logits},
            {"target": 0, "rows": logits.rows, "words": logits.words},
        )
    )
    return drafts


def _lower(operation: Operation, params: ParameterImage, keys: dict[str, int]) -> Iterator[Draft]:
    match operation:
        case PatchEmbed():
            yield from _patch_embed(operation, params)
        case Linear():
            yield _linear(operation, params)
        case Attention():
            yield _attention(operation, params, keys)
        case SelectTokens(output=output, tokens=tokens, keep=keep):
            yield Draft("select_tokens", output, {"dst": output}, {"tokens": tokens, "keep": keep})
        case AllTokens(output=output):
            rows = np.arange(output.columns)[None]
            yield _load(output, params, output.name, rows)
        case SelectConnections(output=output, index=index, tokens=tokens, keep=keep):
            if tokens > MAX_CONNECTION_TOKENS:
                raise ToolsError(
                    f"'{output.name}' chooses connections among {tokens} tokens, the kernel takes "
                    f"{MAX_CONNECTION_TOKENS}: keep all connections, or fewer tokens before them"
                )
            yield Draft(
                "select_connections",
                output,
                {"dst": output, "index": index},
                {"tokens": tokens, "rows": output.rows, "keep": keep},
            )
        case LayerNorm() | Gelu() | Gather() | MeanPool():
            output = operation.output
            raise AssertionError(f"{output.name}: fused before lowering")


def _check_size(tensor: Tensor) -> None:
    for what, value, limit in (
        ("tokens", tensor.rows, MAX_TOKENS),
        ("elements in a row", tensor.columns, MAX_DEPTH_WORDS * TILE_DEPTH),
    ):
        if value > limit:
            raise ToolsError(f"'{tensor.name}' has {value} {what}, the kernel takes {limit}")


def _load(
    tensor: Tensor,
    params: ParameterImage,
    name: str,
    rows: Integers,
    flags: frozenset[str] = frozenset(),
) -> Draft:
    source = params.add(name, pack_rows(rows), rows.shape)
    fields = {"source": source, "rows": len(rows), "words": tensor.words}
    return Draft("load", tensor, {"dst": tensor}, fields, flags)


def _patch_embed(operation: PatchEmbed, params: ParameterImage) -> Iterator[Draft]:
    output, patch = operation.output, operation.patch
    channels, height, width = operation.image_shape
    patches = Tensor("patches", output.rows, channels * patch * patch, operation.image_frac)
    _check_size(patches)
    _check_width(output)
    # Position rows are the residual of the product; [CLS] has no patch, its row is loaded after.
    pos = operation.pos_embed
    position = Tensor(pos.name, output.rows, output.columns, pos.frac)
    rows = pos.integers.copy()
    rows[0] = 0
    yield _load(position, params, pos.name, rows)
    # Directly before its product, which then works on the patches as they come.
    yield Draft(
        "patchify",
        patches,
        {"dst": patches},
        {"source": 0, "channels": channels, "height": height, "width": width, "patch": patch},
    )
    statistics = operation.statistics
    linear = Linear(
        output, patches, operation.weight, operation.bias, position, statistics=statistics
    )
    yield _linear(linear, params, tokens=output.rows - 1)
    flags = frozenset({"statistics"} if statistics else ())
    yield _load(output, params, operation.cls_token.name, _cls_row(operation)[None], flags)


def _cls_row(operation: PatchEmbed) -> Integers:
    """Return the integers of [CLS] plus its position, rounded once as the kernel would."""
    cls_token, pos = operation.cls_token, operation.pos_embed
    frac = max(cls_token.frac, pos.frac)
    total = (cls_token.integers << (frac - cls_token.frac)) + (pos.integers[0] << (frac - pos.frac))
    row, _ = requantize(total, frac - operation.output.frac)
    return row.astype(np.int64)


def _linear(operation: Linear, params: ParameterImage, tokens: int | None = None) -> Draft:
    output, hidden, norm, gather = (
        operation.output,
        operation.hidden,
        operation.norm,
        operation.gather,
    )
    rounded = hidden or (gather.x if gather else output)
    weight = operation.weight
    x = norm.output if norm else operation.x
    frac = x.frac + weight.frac
    bias = operation.bias or Parameter(
        f"{weight.name}.no_bias", np.zeros(output.columns, np.int64), frac
    )
    bias_shift = arithmetic.align_shift(output.name, "the bias", frac, bias.frac)
    tensors = {"dst": output, "src": operation.x}
    flags = set()
    residual_shift = None
    if operation.residual is not None:
        tensors["residual"] = operation.residual
        flags.add("residual")
        residual_shift = arithmetic.align_shift(
            output.name, "the residual", frac, operation.residual.frac
        )
    if hidden is not None:
        arithmetic.check_gelu(hidden)
        flags.add("gelu")
    if norm is not None:
        flags.add("normalise")
    if gather is not None:
        _check_size(gather.x)
        tensors["index"] = gather.index
        flags.add("compact")
    if operation.statistics:
        flags.add("statistics")
    arithmetic.check_product(output.name, weight, bias.integers, bias_shift, residual_shift)
    fields = {
        **_norm_fields(norm, params),
        "weight": params.add(
            weight.name, pack_weight(weight.integers, bias.integers), weight.integers.shape
        ),
        "rows": operation.rows,
        "depth_words": operation.x.words,
        "out_words": output.words,
        "kept": output.rows if gather else 0,
        "bias_shift": bias_shift,
        "residual_shift": residual_shift or 0,
        "out_shift": arithmetic.out_shift(rounded.name, frac, rounded.frac),
        "gelu_in_frac": rounded.frac if hidden else 0,
        "gelu_out_frac": output.frac if hidden else 0,
    }
    macs = (operation.rows if tokens is None else tokens) * weight.integers.size
    return Draft("matmul", output, tensors, fields, frozenset(flags), macs, macs)


def _norm_fields(norm: LayerNorm | None, params: ParameterImage) -> dict[str, int]:
    """Return the fields that a matmul normalises its source by; zeros where it does not."""
    if norm is None:
        return dict.fromkeys(_NORM_FIELDS, 0)
    vectors = {"gamma": norm.gamma, "beta": norm.beta}
    places = {
        name: params.add(vector.name, pack_rows(vector.integers), vector.integers.shape)
        for name, vector in vectors.items()
    }
    return places | arithmetic.layer_norm_fields(norm)


def _attention(operation: Attention, params: ParameterImage, keys: dict[str, int]) -> Draft:
    output, qkv, tokens = operation.output, operation.qkv, operation.tokens
    head_dim, heads = operation.head_dim, operation.heads
    if head_dim % TILE_DEPTH or head_dim > MAX_HEAD_WORDS * TILE_DEPTH:
        raise ToolsError(
            f"'{output.name}' has heads of width {head_dim}; the kernel needs a multiple of "
            f"{TILE_DEPTH}, at most {MAX_HEAD_WORDS * TILE_DEPTH}"
        )
    if heads > MAX_HEADS:
        raise ToolsError(f"'{output.name}' has {heads} heads, the kernel takes {MAX_HEADS}")
    bias_shift = arithmetic.score_bias_shift(operation)
    arithmetic.check_attention(operation, bias_shift)
    multiplier, shift = arithmetic.exponent(operation)
    tensors = {"dst": output, "src": qkv}
    flags = set()
    connections = tokens * tokens
    if operation.mask is not None:
        tensors["mask"] = operation.mask
        flags.add("mask")
        # [CLS] sees every token; a patch token sees [CLS] and its own keys.
        connections = tokens + (tokens - 1) * (1 + keys[operation.mask.name])
    if operation.selectors:
        flags.add(f"score_{operation.selectors}")
    place = 0
    if operation.bias is not None:
        flags.add("bias")
        arithmetic.check_closed_pairs(operation, multiplier, shift)
        table = operation.bias.integers
        place = params.add(operation.bias.name, pack_rows(table), table.shape)
    fields = {
        "tokens": tokens,
        "heads": heads,
        "head_words": head_dim // TILE_DEPTH,
        "score_shift": arithmetic.out_shift(
            operation.scores.name, 2 * qkv.frac, operation.scores.frac
        ),
        "exp_multiplier": multiplier,
        "exp_shift": shift,
        "prob_frac": operation.probs.frac,
        "out_shift": arithmetic.out_shift(
            output.name, operation.probs.frac + qkv.frac, output.frac
        ),
        "bias": place,
        "bias_shift": bias_shift,
    }
    per_connection = 2 * output.columns  # one product for the score, one for the value
    return Draft(
        "attention",
        output,
        tensors,
        fields,
        frozenset(flags),
        tokens * tokens * per_connection,
        connections * per_connection,
    )


def _check_width(tensor: Tensor) -> None:
    if tensor.columns % TILE_DEPTH:
        raise ToolsError(
            f"'{tensor.name}' has width {tensor.columns}; the kernel needs a multiple of "
            f"{TILE_DEPTH}"
        )
