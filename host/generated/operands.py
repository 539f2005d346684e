"""What ops read, write and take. Generated from hls/kernel.yaml by `python -m trivit.tools.kernel`; do not edit."""

from collections.abc import Callable
from typing import NamedTuple

from trivit.host.generated.spec import MAX_ALIGN_SHIFT, MAX_CONNECTION_TOKENS, MAX_DEPTH_WORDS, MAX_HEADS, MAX_HEAD_WORDS, MAX_SHIFT, MAX_SIDE, MAX_TOKENS, MIN_SHIFT

Expression = Callable[[dict[str, int], frozenset[str]], int]


class OperandSpec(NamedTuple):
    """An operand: its address field, memory, needed flag and size."""

    name: str
    writes: bool
    memory: str
    flag: str
    rows: Expression
    words: Expression


class RangeSpec(NamedTuple):
    """A number that must lie in least..most; ``name`` is its expression."""

    error: str
    name: str
    value: Expression
    least: Expression
    most: Expression


OPERANDS: dict[str, tuple[OperandSpec, ...]] = {
    "load": (
        OperandSpec('dst', True, 'banks', '', lambda f, flags: f["rows"], lambda f, flags: f["words"]),
        OperandSpec('source', False, 'params', '', lambda f, flags: f["rows"], lambda f, flags: f["words"]),
    ),
    "store": (
        OperandSpec('src', False, 'banks', '', lambda f, flags: f["rows"], lambda f, flags: f["words"]),
        OperandSpec('target', True, 'output', '', lambda f, flags: f["rows"], lambda f, flags: f["words"]),
    ),
    "patchify": (
        OperandSpec('dst', True, 'banks', '', lambda f, flags: 1 + ((f["height"] // f["patch"]) * (f["width"] // f["patch"])), lambda f, flags: (((f["channels"] * f["patch"]) * f["patch"]) + 7) // 8),
        OperandSpec('source', False, 'input', '', lambda f, flags: 1, lambda f, flags: (((f["channels"] * f["height"]) * f["width"]) + 7) // 8),
    ),
    "matmul": (
        OperandSpec('dst', True, 'banks', '', lambda f, flags: f["kept"] if "compact" in flags else f["rows"], lambda f, flags: f["out_words"]),
        OperandSpec('src', False, 'banks', '', lambda f, flags: f["rows"], lambda f, flags: f["depth_words"]),
        OperandSpec('residual', False, 'banks', 'residual', lambda f, flags: f["rows"], lambda f, flags: f["out_words"]),
        OperandSpec('index', False, 'banks', 'compact', lambda f, flags: 1, lambda f, flags: (f["kept"] + 7) // 8),
        OperandSpec('weight', False, 'params', '', lambda f, flags: (f["out_words"] + 3) // 4, lambda f, flags: (32 * f["depth_words"]) + 4),
        OperandSpec('gamma', False, 'params', 'normalise', lambda f, flags: 1, lambda f, flags: f["depth_words"]),
        OperandSpec('beta', False, 'params', 'normalise', lambda f, flags: 1, lambda f, flags: f["depth_words"]),
    ),
    "attention": (
        OperandSpec('dst', True, 'banks', '', lambda f, flags: f["tokens"], lambda f, flags: f["heads"] * f["head_words"]),
        OperandSpec('src', False, 'banks', '', lambda f, flags: f["tokens"], lambda f, flags: (3 * f["heads"]) * f["head_words"]),
        OperandSpec('mask', False, 'banks', 'mask', lambda f, flags: f["tokens"], lambda f, flags: (f["tokens"] + 127) // 128),
        OperandSpec('bias', False, 'params', 'bias', lambda f, flags: f["heads"] * f["tokens"], lambda f, flags: (f["tokens"] + 7) // 8),
    ),
    "select_tokens": (
        OperandSpec('dst', True, 'banks', '', lambda f, flags: 1, lambda f, flags: (f["keep"] + 8) // 8),
    ),
    "select_connections": (
        OperandSpec('dst', True, 'banks', '', lambda f, flags: f["rows"], lambda f, flags: (f["rows"] + 127) // 128),
        OperandSpec('index', False, 'banks', '', lambda f, flags: 1, lambda f, flags: (f["rows"] + 7) // 8),
    ),
}
RANGES: dict[str, tuple[RangeSpec, ...]] = {
    "load": (
        RangeSpec('size_limit', 'rows', lambda f, flags: f["rows"], lambda f, flags: 1, lambda f, flags: 1 if "statistics" in flags else MAX_TOKENS),
        RangeSpec('size_limit', 'words', lambda f, flags: f["words"], lambda f, flags: 1, lambda f, flags: MAX_DEPTH_WORDS),
    ),
    "store": (
        RangeSpec('size_limit', 'rows', lambda f, flags: f["rows"], lambda f, flags: 1, lambda f, flags: MAX_TOKENS),
        RangeSpec('size_limit', 'words', lambda f, flags: f["words"], lambda f, flags: 1, lambda f, flags: MAX_DEPTH_WORDS),
    ),
    "patchify": (
        RangeSpec('size_limit', 'channels', lambda f, flags: f["channels"], lambda f, flags: 1, lambda f, flags: MAX_SIDE),
        RangeSpec('size_limit', 'height', lambda f, flags: f["height"], lambda f, flags: 1, lambda f, flags: MAX_SIDE),
        RangeSpec('size_limit', 'width', lambda f, flags: f["width"], lambda f, flags: 1, lambda f, flags: MAX_SIDE),
        RangeSpec('size_limit', 'patch', lambda f, flags: f["patch"], lambda f, flags: 1, lambda f, flags: MAX_SIDE),
        RangeSpec('size_limit', 'height % patch', lambda f, flags: f["height"] % f["patch"], lambda f, flags: 0, lambda f, flags: 0),
        RangeSpec('size_limit', 'width % patch', lambda f, flags: f["width"] % f["patch"], lambda f, flags: 0, lambda f, flags: 0),
        RangeSpec('size_limit', '1 + (height // patch) * (width // patch)', lambda f, flags: 1 + ((f["height"] // f["patch"]) * (f["width"] // f["patch"])), lambda f, flags: 1, lambda f, flags: MAX_TOKENS),
        RangeSpec('size_limit', '(channels * patch * patch + 7) // 8', lambda f, flags: (((f["channels"] * f["patch"]) * f["patch"]) + 7) // 8, lambda f, flags: 1, lambda f, flags: MAX_DEPTH_WORDS),
    ),
    "matmul": (
        RangeSpec('size_limit', 'rows', lambda f, flags: f["rows"], lambda f, flags: 1, lambda f, flags: MAX_TOKENS),
        RangeSpec('size_limit', 'depth_words', lambda f, flags: f["depth_words"], lambda f, flags: 1, lambda f, flags: MAX_DEPTH_WORDS),
        RangeSpec('size_limit', 'out_words', lambda f, flags: f["out_words"], lambda f, flags: 1, lambda f, flags: MAX_DEPTH_WORDS),
        RangeSpec('size_limit', 'kept if compact else 1', lambda f, flags: f["kept"] if "compact" in flags else 1, lambda f, flags: 1, lambda f, flags: f["rows"]),
        RangeSpec('shift_range', 'bias_shift', lambda f, flags: f["bias_shift"], lambda f, flags: 0, lambda f, flags: MAX_ALIGN_SHIFT),
        RangeSpec('shift_range', 'residual_shift', lambda f, flags: f["residual_shift"], lambda f, flags: 0, lambda f, flags: MAX_ALIGN_SHIFT),
        RangeSpec('shift_range', 'out_shift', lambda f, flags: f["out_shift"], lambda f, flags: MIN_SHIFT, lambda f, flags: MAX_SHIFT),
        RangeSpec('shift_range', 'gelu_in_frac', lambda f, flags: f["gelu_in_frac"], lambda f, flags: 0, lambda f, flags: 15),
        RangeSpec('shift_range', 'gelu_out_frac', lambda f, flags: f["gelu_out_frac"], lambda f, flags: 0, lambda f, flags: 24),
        RangeSpec('shift_range', 'inv_width', lambda f, flags: f["inv_width"], lambda f, flags: 0, lambda f, flags: (4294967296 // (8 * f["depth_words"])) + 1),
        RangeSpec('shift_range', 'sqrt_width', lambda f, flags: f["sqrt_width"], lambda f, flags: 0, lambda f, flags: 4194304),
        RangeSpec('shift_range', 'epsilon', lambda f, flags: f["epsilon"], lambda f, flags: 0, lambda f, flags: 72057594037927936),
        RangeSpec('shift_range', 'beta_shift', lambda f, flags: f["beta_shift"], lambda f, flags: 0, lambda f, flags: MAX_ALIGN_SHIFT),
        RangeSpec('shift_range', 'norm_shift', lambda f, flags: f["norm_shift"], lambda f, flags: MIN_SHIFT, lambda f, flags: MAX_SHIFT),
    ),
    "attention": (
        RangeSpec('size_limit', 'tokens', lambda f, flags: f["tokens"], lambda f, flags: 1, lambda f, flags: MAX_CONNECTION_TOKENS if "mask" in flags else (MAX_CONNECTION_TOKENS if "score_all" in flags else MAX_TOKENS)),
        RangeSpec('size_limit', 'heads', lambda f, flags: f["heads"], lambda f, flags: 1, lambda f, flags: MAX_HEADS),
        RangeSpec('size_limit', 'head_words', lambda f, flags: f["head_words"], lambda f, flags: 1, lambda f, flags: MAX_HEAD_WORDS),
        RangeSpec('size_limit', '3 * heads * head_words', lambda f, flags: (3 * f["heads"]) * f["head_words"], lambda f, flags: 1, lambda f, flags: MAX_DEPTH_WORDS),
        RangeSpec('shift_range', 'score_shift', lambda f, flags: f["score_shift"], lambda f, flags: MIN_SHIFT, lambda f, flags: MAX_SHIFT),
        RangeSpec('shift_range', 'exp_multiplier', lambda f, flags: f["exp_multiplier"], lambda f, flags: 8388608, lambda f, flags: 16777215),
        RangeSpec('shift_range', 'exp_shift', lambda f, flags: f["exp_shift"], lambda f, flags: 0, lambda f, flags: 40),
        RangeSpec('shift_range', 'prob_frac', lambda f, flags: f["prob_frac"], lambda f, flags: 0, lambda f, flags: 15),
        RangeSpec('shift_range', 'out_shift', lambda f, flags: f["out_shift"], lambda f, flags: MIN_SHIFT, lambda f, flags: MAX_SHIFT),
        RangeSpec('shift_range', 'bias_shift', lambda f, flags: f["bias_shift"], lambda f, flags: 0, lambda f, flags: MAX_ALIGN_SHIFT),
    ),
    "select_tokens": (
        RangeSpec('size_limit', 'tokens', lambda f, flags: f["tokens"], lambda f, flags: 2, lambda f, flags: MAX_TOKENS),
        RangeSpec('size_limit', 'keep', lambda f, flags: f["keep"], lambda f, flags: 1, lambda f, flags: f["tokens"] - 1),
    ),
    "select_connections": (
        RangeSpec('size_limit', 'tokens', lambda f, flags: f["tokens"], lambda f, flags: 2, lambda f, flags: MAX_CONNECTION_TOKENS),
        RangeSpec('size_limit', 'rows', lambda f, flags: f["rows"], lambda f, flags: 2, lambda f, flags: f["tokens"]),
        RangeSpec('size_limit', 'keep', lambda f, flags: f["keep"], lambda f, flags: 1, lambda f, flags: f["rows"] - 1),
    ),
}
