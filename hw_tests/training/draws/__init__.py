"""How each op of training programs is drawn, one module for each family of ops."""

from training.draws import attention, normalisation, pointwise, products, rows, updates
from training.draws.drawing import DRAWS, draw_operation

__all__ = [
    "DRAWS",
    "attention",
    "draw_operation",
    "normalisation",
    "pointwise",
    "products",
    "rows",
    "updates",
]
