"""The ops of training programs: codes, operands, flags and numbers, in the order of descriptors.

What each computes: docs/on-device-training.md and docs/numerics.md. The emulator reads the codes of
``hls/include/trivit/training/operations.hpp``, which a test compares with these.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class OperationSpec:
    """An op: ``writes`` come first among its operands, then ``reads``, then ``optional`` ones.

    ``flags`` are choices that the program makes, ``fields`` integers that follow from formats and
    attributes (:mod:`trivit.host.training.shifts`).
    """

    code: int
    writes: tuple[str, ...] = ("dst",)
    reads: tuple[str, ...]
    optional: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()

    @property
    def operands(self) -> tuple[str, ...]:
        """All operands in the order of a descriptor."""
        return self.writes + self.reads + self.optional


_NORM = ("inv_width", "sqrt_width", "epsilon")

OPERATIONS: dict[str, OperationSpec] = {
    "patchify": OperationSpec(
        code=1, reads=("image",), fields=("channels", "height", "width", "patch")
    ),
    "product": OperationSpec(
        code=2,
        reads=("a", "b"),
        optional=("bias", "addend"),
        flags=("transpose_a", "transpose_b"),
        fields=("shift", "bias_shift", "addend_shift"),
    ),
    "cls_row": OperationSpec(
        code=3, reads=("cls", "position"), fields=("cls_shift", "position_shift", "shift")
    ),
    "normalise": OperationSpec(
        code=4, reads=("x", "gamma", "beta"), fields=(*_NORM, "beta_shift", "norm_shift")
    ),
    "gelu": OperationSpec(code=5, reads=("x",), fields=("in_frac", "out_frac")),
    "attention": OperationSpec(
        code=6,
        writes=("scores", "probs", "dst"),
        reads=("qkv",),
        optional=("mask", "bias"),
        fields=(
            *("heads", "score_shift", "exp_multiplier", "exp_shift", "prob_frac", "out_shift"),
            "bias_shift",
        ),
    ),
    "select_tokens": OperationSpec(code=7, reads=("probs",), fields=("heads", "keep")),
    "cls_moments": OperationSpec(code=19, writes=(), reads=("probs",), fields=("heads",)),
    "gather": OperationSpec(code=8, reads=("x", "index")),
    "cross_entropy": OperationSpec(
        code=9, reads=("logits", "target"), fields=("exp_multiplier", "exp_shift", "frac")
    ),
    "column_sums": OperationSpec(code=10, reads=("dy",), fields=("shift",)),
    "gelu_backward": OperationSpec(code=11, reads=("dy", "x"), fields=("in_frac", "shift")),
    "normalise_backward": OperationSpec(
        code=12,
        reads=("dy", "x", "gamma"),
        optional=("addend",),
        fields=(*_NORM, "shift", "addend_shift"),
    ),
    "normalise_gamma": OperationSpec(code=13, reads=("dy", "x"), fields=(*_NORM, "shift")),
    "attention_backward": OperationSpec(
        code=14,
        writes=("d_probs", "d_scores", "dst"),
        reads=("dy", "qkv", "probs"),
        fields=(
            *("heads", "prob_frac", "scale", "probs_shift", "scores_shift"),
            *("query_shift", "value_shift"),
        ),
    ),
    "scatter": OperationSpec(code=15, reads=("dy", "index")),
    "add": OperationSpec(code=16, reads=("a", "b"), fields=("a_shift", "b_shift", "shift")),
    "update_sgd": OperationSpec(
        code=17,
        writes=("high", "velocity"),
        reads=("gradient",),
        optional=("low",),
        flags=("decays",),
        fields=(
            *("number", "momentum", "gradient_shift", "decay", "decay_shift", "rate_shift"),
            "stochastic",
        ),
    ),
    "update_adamw": OperationSpec(
        code=18,
        writes=("high", "velocity", "second"),
        reads=("gradient", "second_low"),
        optional=("low",),
        flags=("decays",),
        fields=(
            *("number", "beta1", "mean_shift", "alpha2", "square_shift", "epsilon"),
            *("epsilon_shift", "direction_shift", "decay", "decay_shift", "rate_shift"),
            "stochastic",
        ),
    ),
    "select_connections": OperationSpec(
        code=24, reads=("probs",), optional=("index", "mask"), fields=("heads", "keep")
    ),
    "score_bias": OperationSpec(code=25, reads=("table", "index"), fields=("factor", "shift")),
    "score_bias_backward": OperationSpec(
        code=26, reads=("d_scores", "index"), fields=("factor", "shift")
    ),
    "accumulate": OperationSpec(
        code=20, writes=(), reads=("gradient", "total", "total_low"), fields=("shift",)
    ),
    "release": OperationSpec(code=21, reads=("total", "total_low"), fields=("shift",)),
}

#: Operands that an op reads and writes and of which it returns nothing: low planes, sums.
LOW_PLANES = ("low", "second_low", "total", "total_low")
