"""Small operations for tests of single passes: every width is 16 unless said otherwise."""

import numpy as np

from trivit.tools.compiler.ir import (
    Attention,
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

WIDTH = 16
TOKENS = 17


def parameter(*shape: int) -> Parameter:
    return Parameter("p", np.ones(shape, np.int64), 12)


def tensor(name: str, rows: int = TOKENS, columns: int = WIDTH) -> Tensor:
    return Tensor(name, rows, columns, 8)


def embedding() -> PatchEmbed:
    return PatchEmbed(
        output=tensor("x0"),
        image_shape=(1, 16, 16),
        image_frac=8,
        patch=4,
        weight=parameter(WIDTH, 16),
        bias=None,
        cls_token=parameter(WIDTH),
        pos_embed=parameter(TOKENS, WIDTH),
    )


def norm(name: str, x: Tensor) -> LayerNorm:
    return LayerNorm(tensor(name, x.rows), x, parameter(WIDTH), parameter(WIDTH), 1e-6)


def linear(name: str, x: Tensor, outputs: int = WIDTH, residual: Tensor | None = None) -> Linear:
    output = tensor(name, x.rows, outputs)
    return Linear(output, x, parameter(outputs, x.columns), None, residual)


def attention(name: str, qkv: Tensor, selectors: str = "", mask: Tensor | None = None) -> Attention:
    scores = tensor(f"{name}.scores", 2 * qkv.rows, qkv.rows)
    probs = tensor(f"{name}.probs", 2 * qkv.rows, qkv.rows)
    return Attention(tensor(name, qkv.rows), qkv, mask, 2, 0.25, scores, probs, selectors)


def select_tokens(name: str, by: Attention, keep: int) -> SelectTokens:
    return SelectTokens(Tensor(name, 1, 1 + keep, 0, "index"), by.probs, by.tokens, keep)


def select_connections(name: str, by: Attention, index: Tensor) -> SelectConnections:
    mask = Tensor(name, index.columns, 2, 0, "mask")
    return SelectConnections(mask, index, by.probs, by.tokens, 2)


def model(*operations: Operation) -> Model:
    return Model(operations, operations[-1].output)


def names(model: Model) -> list[str]:
    return [operation.output.name for operation in model.operations]
