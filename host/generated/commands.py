"""Commands of the accelerator's units. Generated from hls/kernel.yaml by `python -m trivit.tools.kernel`; do not edit."""

from typing import NamedTuple


class CommandSpec(NamedTuple):
    """A unit's number, and the lowest bit and width of each of its fields."""

    number: int
    fields: dict[str, tuple[int, int]]


COMMAND_BITS = 256
HEADER: dict[str, tuple[int, int]] = {
    "end": (0, 1),
    "tag": (1, 11),
    "unit": (12, 4),
}
COMMANDS: dict[str, CommandSpec] = {
    "sequencer": CommandSpec(
        number=0,
        fields={
            "reports": (16, 24),
        },
    ),
    "engine": CommandSpec(
        number=1,
        fields={
            "place": (16, 1),
            "transposed": (17, 1),
            "rows_outer": (18, 1),
            "has_bias": (19, 1),
            "has_residual": (20, 1),
            "to_banks": (21, 1),
            "stream": (22, 2),
            "fill": (24, 1),
            "keep": (25, 1),
            "claim": (26, 1),
            "announce_reader": (27, 1),
            "announce_store": (28, 1),
            "announce_load": (29, 1),
            "source_slot": (30, 3),
            "residual_slot": (33, 3),
            "target_slot": (36, 3),
            "clear_slot": (39, 3),
            "source_first": (42, 11),
            "residual_first": (53, 11),
            "ring_offset": (64, 10),
            "source": (74, 14),
            "source_stride": (88, 14),
            "residual": (102, 14),
            "target": (116, 14),
            "target_stride": (130, 14),
            "rows": (144, 12),
            "depth_words": (156, 9),
            "out_words": (165, 9),
            "last_rows": (174, 4),
            "bias_shift": (178, 5),
            "residual_shift": (183, 5),
            "out_shift": (188, 5),
        },
    ),
    "gelu": CommandSpec(
        number=2,
        fields={
            "in_frac": (16, 4),
            "out_frac": (20, 5),
            "tile_rows": (25, 24),
        },
    ),
    "softmax": CommandSpec(
        number=3,
        fields={
            "heads": (16, 5),
            "rows": (21, 10),
            "keys": (31, 10),
            "masked": (41, 1),
            "send_cls": (42, 1),
            "send_all": (43, 1),
            "exp_multiplier": (44, 24),
            "exp_shift": (68, 6),
            "prob_frac": (74, 4),
        },
    ),
    "normalise": CommandSpec(
        number=4,
        fields={
            "rows": (16, 10),
            "words": (26, 9),
            "beta_shift": (35, 5),
            "norm_shift": (40, 5),
            "inv_width": (45, 30),
            "sqrt_width": (75, 23),
            "epsilon": (98, 57),
        },
    ),
    "select": CommandSpec(
        number=5,
        fields={
            "heads": (16, 5),
            "tokens": (21, 10),
            "keep": (31, 10),
            "send_kept": (41, 1),
        },
    ),
    "row_writer": CommandSpec(
        number=6,
        fields={
            "list": (16, 1),
            "direct": (17, 1),
            "rows_outer": (18, 1),
            "compact": (19, 1),
            "first_row": (20, 10),
            "rows": (30, 10),
            "kept": (40, 10),
            "words": (50, 9),
            "target": (59, 14),
            "target_stride": (73, 14),
            "slot": (87, 3),
        },
    ),
    "softmax_writer": CommandSpec(
        number=7,
        fields={
            "heads": (16, 5),
            "rows": (21, 10),
            "words": (31, 9),
            "target": (40, 14),
            "target_stride": (54, 14),
            "wrap": (68, 9),
            "slot": (77, 3),
        },
    ),
    "norm_writer": CommandSpec(
        number=8,
        fields={
            "rows": (16, 10),
            "words": (26, 9),
            "target": (35, 14),
            "target_stride": (49, 14),
            "slot": (63, 3),
        },
    ),
    "row_reader": CommandSpec(
        number=9,
        fields={
            "rows": (16, 10),
            "words": (26, 9),
            "source": (35, 14),
            "source_stride": (49, 14),
            "slot": (63, 3),
            "first": (66, 11),
        },
    ),
    "load": CommandSpec(
        number=10,
        fields={
            "vectors": (16, 1),
            "first_row": (17, 10),
            "rows": (27, 10),
            "words": (37, 9),
            "target": (46, 14),
            "target_stride": (60, 14),
            "slot": (74, 3),
            "complete": (77, 1),
            "announced": (78, 1),
        },
    ),
    "store": CommandSpec(
        number=11,
        fields={
            "rows": (16, 10),
            "words": (26, 9),
            "source": (35, 14),
            "source_stride": (49, 14),
            "slot": (63, 3),
            "first": (66, 11),
            "spread": (77, 1),
        },
    ),
    "move_weights": CommandSpec(
        number=12,
        fields={
            "base": (16, 2),
            "ports": (18, 4),
            "words": (22, 24),
            "address": (46, 32),
            "port_stride": (78, 32),
            "groups": (110, 9),
        },
    ),
    "move_rows": CommandSpec(
        number=13,
        fields={
            "base": (16, 2),
            "ports": (18, 4),
            "words": (22, 24),
            "address": (46, 32),
            "port_stride": (78, 32),
            "fenced": (110, 1),
        },
    ),
    "move_store": CommandSpec(
        number=14,
        fields={
            "base": (16, 2),
            "ports": (18, 4),
            "words": (22, 24),
            "address": (46, 32),
            "port_stride": (78, 32),
            "groups": (110, 9),
        },
    ),
    "connections": CommandSpec(
        number=15,
        fields={
            "replay": (16, 1),
            "heads": (17, 5),
            "rows": (22, 10),
            "keys": (32, 10),
            "kept": (42, 10),
            "keep": (52, 10),
        },
    ),
}
