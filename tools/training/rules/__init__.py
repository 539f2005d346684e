"""The rules, one module for each operation of the compiler's form; importing them registers."""

from trivit.tools.training.rules import (
    attention,
    embedding,
    gelu,
    layer_norm,
    linear,
    pooling,
    selection,
)

__all__ = ["attention", "embedding", "gelu", "layer_norm", "linear", "pooling", "selection"]
