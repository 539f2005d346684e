"""Kernel description. Generated from hls/kernel.yaml by `python -m trivit.tools.kernel`; do not edit."""

from typing import NamedTuple


class FieldSpec(NamedTuple):
    """A descriptor field: name, type (act, u32, i32, u64) and first word."""

    name: str
    type: str
    word: int


class OpcodeSpec(NamedTuple):
    """An opcode: code, flag bits by name, fields in descriptor order."""

    code: int
    flags: dict[str, int]
    fields: tuple[FieldSpec, ...]


KERNEL_VERSION = 4
DESCRIPTOR_WORDS = 32
TILE_TOKENS = 8
TILE_OUTPUTS = 32
TILE_DEPTH = 8
ACTIVATION_DEPTH = 15360
PROGRAM_DEPTH = 49152
WEIGHT_DEPTH = 1024
WEIGHT_TILES = 64
PARAM_PORTS = 4
MAX_TOKENS = 592
MAX_CONNECTION_TOKENS = 208
MAX_DEPTH_WORDS = 384
MAX_HEAD_WORDS = 16
MAX_HEADS = 16
MAX_SIDE = 4096
MAX_INSTRUCTIONS = 1024
MAX_SHIFT = 60
MIN_SHIFT = -16
MAX_ALIGN_SHIFT = 30
SCORE_BITS = 20
ENGINE_SUM_BITS = 44
ENGINE_MAX_ALIGN = 23
ENGINE_COUNT_BITS = 11
ENGINE_STREAM_ROWS = 64
ENGINE_COMMANDS = 32

TIMING: dict[str, int] = {
    'clock_mhz': 150,
}
ERRORS: dict[str, int] = {
    'ok': 0,
    'unknown_opcode': 1,
    'size_limit': 2,
    'activation_address': 3,
    'memory_address': 4,
    'shift_range': 5,
    'program_length': 6,
    'index_range': 7,
    'read_response': 8,
    'write_response': 9,
    'report_count': 10,
    'aborted': 11,
}
OPCODES: dict[str, OpcodeSpec] = {
    "load": OpcodeSpec(
        code=1,
        flags={"statistics": 0},
        fields=(
            FieldSpec('dst', 'act', 1),
            FieldSpec('source', 'u32', 2),
            FieldSpec('rows', 'u32', 3),
            FieldSpec('words', 'u32', 4),
        ),
    ),
    "store": OpcodeSpec(
        code=2,
        flags={},
        fields=(
            FieldSpec('src', 'act', 1),
            FieldSpec('target', 'u32', 2),
            FieldSpec('rows', 'u32', 3),
            FieldSpec('words', 'u32', 4),
        ),
    ),
    "patchify": OpcodeSpec(
        code=3,
        flags={},
        fields=(
            FieldSpec('dst', 'act', 1),
            FieldSpec('source', 'u32', 2),
            FieldSpec('channels', 'u32', 3),
            FieldSpec('height', 'u32', 4),
            FieldSpec('width', 'u32', 5),
            FieldSpec('patch', 'u32', 6),
        ),
    ),
    "matmul": OpcodeSpec(
        code=4,
        flags={"gelu": 0, "residual": 1, "normalise": 2, "statistics": 3, "compact": 4},
        fields=(
            FieldSpec('dst', 'act', 1),
            FieldSpec('src', 'act', 2),
            FieldSpec('residual', 'act', 3),
            FieldSpec('index', 'act', 4),
            FieldSpec('weight', 'u32', 5),
            FieldSpec('gamma', 'u32', 6),
            FieldSpec('beta', 'u32', 7),
            FieldSpec('rows', 'u32', 8),
            FieldSpec('depth_words', 'u32', 9),
            FieldSpec('out_words', 'u32', 10),
            FieldSpec('kept', 'u32', 11),
            FieldSpec('bias_shift', 'u32', 12),
            FieldSpec('residual_shift', 'u32', 13),
            FieldSpec('out_shift', 'i32', 14),
            FieldSpec('gelu_in_frac', 'u32', 15),
            FieldSpec('gelu_out_frac', 'u32', 16),
            FieldSpec('inv_width', 'u32', 17),
            FieldSpec('sqrt_width', 'u32', 18),
            FieldSpec('epsilon', 'u64', 19),
            FieldSpec('beta_shift', 'u32', 21),
            FieldSpec('norm_shift', 'i32', 22),
        ),
    ),
    "attention": OpcodeSpec(
        code=5,
        flags={"mask": 0, "score_cls": 1, "score_all": 2, "bias": 3},
        fields=(
            FieldSpec('dst', 'act', 1),
            FieldSpec('src', 'act', 2),
            FieldSpec('mask', 'act', 3),
            FieldSpec('tokens', 'u32', 4),
            FieldSpec('heads', 'u32', 5),
            FieldSpec('head_words', 'u32', 6),
            FieldSpec('score_shift', 'i32', 7),
            FieldSpec('exp_multiplier', 'u32', 8),
            FieldSpec('exp_shift', 'u32', 9),
            FieldSpec('prob_frac', 'u32', 10),
            FieldSpec('out_shift', 'i32', 11),
            FieldSpec('bias', 'u32', 12),
            FieldSpec('bias_shift', 'u32', 13),
        ),
    ),
    "select_tokens": OpcodeSpec(
        code=6,
        flags={},
        fields=(
            FieldSpec('dst', 'act', 1),
            FieldSpec('tokens', 'u32', 2),
            FieldSpec('keep', 'u32', 3),
        ),
    ),
    "select_connections": OpcodeSpec(
        code=7,
        flags={},
        fields=(
            FieldSpec('dst', 'act', 1),
            FieldSpec('index', 'act', 2),
            FieldSpec('tokens', 'u32', 3),
            FieldSpec('rows', 'u32', 4),
            FieldSpec('keep', 'u32', 5),
        ),
    ),
}
