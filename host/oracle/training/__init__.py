"""The oracle of training: every op of docs/on-device-training.md, slow and obvious.

Pure functions on int16 arrays of shape (rows, columns). A function that rounds returns its result
and the number of saturated values. Forward ops are those of :mod:`trivit.host.oracle`.
"""

from trivit.host.oracle.training.accumulate import accumulate, release
from trivit.host.oracle.training.adamw import AdamStep, AdamUpdated, update_adamw
from trivit.host.oracle.training.attention import (
    AttentionGradients,
    attention_backward,
    cls_moments,
    softmax_backward,
)
from trivit.host.oracle.training.embedding import cls_row, gather, scatter
from trivit.host.oracle.training.gelu import gelu_backward
from trivit.host.oracle.training.loss import cross_entropy
from trivit.host.oracle.training.normalise import normalise_backward, normalise_gamma
from trivit.host.oracle.training.products import add, column_sums, product
from trivit.host.oracle.training.score_bias import score_bias, score_bias_backward
from trivit.host.oracle.training.stochastic import mix, stochastic_round, tensor_key
from trivit.host.oracle.training.update import Updated, join_planes, split_planes, update_sgd

__all__ = [
    "AdamStep",
    "AdamUpdated",
    "AttentionGradients",
    "Updated",
    "accumulate",
    "add",
    "attention_backward",
    "cls_moments",
    "cls_row",
    "column_sums",
    "cross_entropy",
    "gather",
    "gelu_backward",
    "join_planes",
    "mix",
    "normalise_backward",
    "normalise_gamma",
    "product",
    "release",
    "scatter",
    "score_bias",
    "score_bias_backward",
    "softmax_backward",
    "split_planes",
    "stochastic_round",
    "tensor_key",
    "update_adamw",
    "update_sgd",
]
