"""The oracle's machine: memory layout, every check, and nothing done after a refusal."""

from typing import Any

import numpy as np
import pytest
from programs import Shape, random_bundle

from trivit.host import oracle
from trivit.host.generated import spec
from trivit.host.instructions import KernelError, encode
from trivit.host.oracle.checks import matrix_words
from trivit.host.oracle.machine import ActivationMemory, Machine
from trivit.host.oracle.matmul import unpack_weight

PARAMS = np.arange(64 * 8, dtype=np.int16)
IMAGE = np.arange(4 * 8, dtype=np.int16)

VALID: dict[str, dict[str, Any]] = {
    "load": {"dst": 0, "source": 0, "rows": 2, "words": 3},
    "store": {"src": 0, "target": 0, "rows": 2, "words": 3},
    "patchify": {"dst": 0, "source": 0, "channels": 1, "height": 4, "width": 8, "patch": 4},
    "matmul": {
        "dst": 100,
        "src": 0,
        "residual": 0,
        "index": 0,
        "weight": 0,
        "gamma": 0,
        "beta": 1,
        "rows": 2,
        "depth_words": 1,
        "out_words": 2,
        "kept": 2,
        "bias_shift": 0,
        "residual_shift": 0,
        "out_shift": 10,
        "gelu_in_frac": 12,
        "gelu_out_frac": 12,
        "inv_width": 2**29,
        "sqrt_width": 185364,
        "epsilon": 9,
        "beta_shift": 20,
        "norm_shift": 21,
    },
    "attention": {
        "dst": 200,
        "src": 0,
        "mask": 0,
        "tokens": 4,
        "heads": 1,
        "head_words": 1,
        "score_shift": 10,
        "exp_multiplier": 1 << 23,
        "exp_shift": 10,
        "prob_frac": 15,
        "out_shift": 15,
        "bias": 0,
        "bias_shift": 12,
    },
    "select_tokens": {"dst": 0, "tokens": 4, "keep": 2},
    "select_connections": {"dst": 50, "index": 40, "tokens": 4, "rows": 3, "keep": 1},
}
LAST = spec.PROGRAM_DEPTH - 1

REFUSED: list[tuple[str, dict[str, int], str]] = [
    ("load", {"rows": 0}, "size_limit"),
    ("load", {"rows": spec.MAX_TOKENS + 1}, "size_limit"),
    ("load", {"words": spec.MAX_DEPTH_WORDS + 1}, "size_limit"),
    ("load", {"dst": LAST}, "activation_address"),
    ("load", {"dst": 2**32 - 1}, "activation_address"),
    ("load", {"source": 59}, "memory_address"),
    ("load", {"source": 2**32 - 1}, "memory_address"),
    ("store", {"target": 11}, "memory_address"),
    ("patchify", {"patch": 3}, "size_limit"),
    ("patchify", {"patch": 0}, "size_limit"),
    ("patchify", {"height": 4096, "width": 4096, "patch": 1}, "size_limit"),
    ("patchify", {"channels": 4096}, "size_limit"),
    ("patchify", {"source": 1}, "memory_address"),
    ("matmul", {"depth_words": 0}, "size_limit"),
    ("matmul", {"src": LAST + 1}, "activation_address"),
    ("matmul", {"weight": 29}, "memory_address"),
    ("matmul", {"weight": 2**32 - 1}, "memory_address"),
    ("matmul", {"out_shift": 61}, "shift_range"),
    ("matmul", {"out_shift": -17}, "shift_range"),
    ("matmul", {"bias_shift": 31}, "shift_range"),
    ("matmul", {"gelu_in_frac": 16}, "shift_range"),
    ("matmul", {"inv_width": 2**29 + 2}, "shift_range"),
    ("matmul", {"epsilon": 2**56 + 1}, "shift_range"),
    ("matmul", {"sqrt_width": 2**22 + 1}, "shift_range"),
    ("matmul", {"beta_shift": 31}, "shift_range"),
    ("matmul", {"norm_shift": 61}, "shift_range"),
    ("matmul", {"norm_shift": -17}, "shift_range"),
    ("attention", {"heads": 17}, "size_limit"),
    ("attention", {"heads": 9, "head_words": 16}, "size_limit"),
    ("attention", {"exp_multiplier": 1 << 24}, "shift_range"),
    ("attention", {"prob_frac": 16}, "shift_range"),
    ("attention", {"bias_shift": 31}, "shift_range"),
    ("select_tokens", {"tokens": 1}, "size_limit"),
    ("select_tokens", {"keep": 4}, "size_limit"),
    ("select_connections", {"index": LAST + 1}, "activation_address"),
    ("select_connections", {"rows": 5}, "size_limit"),
    ("select_connections", {"keep": 3}, "size_limit"),
    ("select_connections", {"tokens": spec.MAX_CONNECTION_TOKENS + 1}, "size_limit"),
]


def run(*program: np.ndarray) -> tuple[Machine, np.ndarray]:
    machine = Machine()
    output, _ = machine.run(np.stack(program), PARAMS, IMAGE, 16)
    return machine, output


#: Changes that the flag before them alone makes wrong.
REFUSED_WITH_FLAG: list[tuple[str, str, dict[str, int], str]] = [
    ("load", "statistics", {"rows": 2}, "size_limit"),
    ("matmul", "residual", {"residual": LAST + 1}, "activation_address"),
    ("matmul", "compact", {"kept": 0}, "size_limit"),
    ("matmul", "compact", {"kept": 3}, "size_limit"),
    ("matmul", "compact", {"kept": 2**32 - 1}, "size_limit"),
    ("matmul", "compact", {"index": LAST + 1}, "activation_address"),
    ("attention", "mask", {"tokens": spec.MAX_CONNECTION_TOKENS + 1}, "size_limit"),
    ("attention", "score_all", {"tokens": spec.MAX_CONNECTION_TOKENS + 1}, "size_limit"),
    ("matmul", "normalise", {"gamma": 64}, "memory_address"),
    ("matmul", "normalise", {"beta": 2**32 - 1}, "memory_address"),
]


@pytest.mark.parametrize("opcode", VALID)
def test_valid_descriptors_run(opcode: str) -> None:
    index = encode("load", dst=40, source=0, rows=1, words=1)  # elements 0..7
    run(index, encode(opcode, **VALID[opcode]))


@pytest.mark.parametrize(("opcode", "change", "error"), REFUSED)
def test_refused_descriptors(opcode: str, change: dict[str, int], error: str) -> None:
    good = encode("load", **VALID["load"])
    bad = encode(opcode, **{**VALID[opcode], **change})
    with pytest.raises(KernelError) as caught:
        run(good, bad)
    assert (caught.value.code, caught.value.index) == (spec.ERRORS[error], 1)


@pytest.mark.parametrize(("opcode", "flag", "change", "error"), REFUSED_WITH_FLAG)
def test_flags_bring_their_fields_into_the_check(
    opcode: str, flag: str, change: dict[str, int], error: str
) -> None:
    fields = {**VALID[opcode], **change}
    run(encode(opcode, **fields))
    with pytest.raises(KernelError) as caught:
        run(encode(opcode, (flag,), **fields))
    assert caught.value.code == spec.ERRORS[error]


def test_compaction_makes_room_at_the_end_of_memory() -> None:
    """Two words at the end of each bank hold eight rows of two words, not nine."""
    load = encode("load", dst=0, source=0, rows=1, words=1)
    fields = {**VALID["matmul"], "rows": 9, "kept": 8, "dst": spec.PROGRAM_DEPTH - 2}
    run(load, encode("matmul", ("compact",), **fields))
    with pytest.raises(KernelError) as caught:
        run(load, encode("matmul", **fields))
    assert caught.value.code == spec.ERRORS["activation_address"]


def test_unknown_opcode_and_program_length() -> None:
    with pytest.raises(KernelError) as caught:
        run(np.zeros(32, dtype=np.uint32))
    assert caught.value.code == spec.ERRORS["unknown_opcode"]
    load = encode("load", **VALID["load"])
    with pytest.raises(KernelError) as caught:
        run(*[load] * (spec.MAX_INSTRUCTIONS + 1))
    assert caught.value.code == spec.ERRORS["program_length"]


INDEXED: dict[str, tuple[tuple[str, ...], dict[str, int]]] = {
    "matmul": (("compact",), {"index": 40, "rows": 8, "kept": 3, "bias_shift": 10}),
    "select_connections": ((), {"index": 40, "tokens": 8, "rows": 3}),
}


@pytest.mark.parametrize("opcode", INDEXED)
@pytest.mark.parametrize("index", [[0, 1, 8], [-1, 0, 1], [1, 1, 2], [0, 2, 1], [0, 1, -32768]])
def test_wrong_indices_write_nothing(opcode: str, index: list[int]) -> None:
    flags, fields = INDEXED[opcode]
    machine = Machine()
    machine.memory.write(40, np.array([index + [0] * 5], dtype=np.int16))
    program = encode(opcode, flags, **{**VALID[opcode], "dst": 50, **fields})[None]
    with pytest.raises(KernelError) as caught:
        machine.run(program, PARAMS, IMAGE, 16)
    assert caught.value.code == spec.ERRORS["index_range"]
    assert not machine.memory.read(50, 8, 1).any()


@pytest.mark.parametrize("opcode", INDEXED)
def test_indices_may_reach_the_last_row(opcode: str) -> None:
    flags, fields = INDEXED[opcode]
    machine = Machine()
    machine.memory.write(40, np.array([[5, 6, 7, -1, 9, 9, 0, 0]], dtype=np.int16))
    program = encode(opcode, flags, **{**VALID[opcode], "dst": 50, **fields})[None]
    machine.run(program, PARAMS, IMAGE, 16)
    assert machine.memory.read(50, 3, 1).any()


def test_memory_layout_and_partial_groups() -> None:
    memory = ActivationMemory()
    memory.write(10, np.full((16, 16), 9, dtype=np.int16))
    tensor = np.arange(11 * 16, dtype=np.int16).reshape(11, 16)
    memory.write(10, tensor)
    assert (memory.read(10, 11, 2) == tensor).all()
    # Row 9 is in bank 1, second group; row 11 onwards keeps what was there.
    assert memory.banks[1, 10 + 2 + 1].tolist() == tensor[9, 8:].tolist()
    assert (memory.read(10, 16, 2)[11:] == 9).all()


def test_statistics_are_noted_and_read_by_row_number() -> None:
    """A matmul normalises with what was noted before it and notes the rows that it keeps."""
    machine = Machine()
    rows = np.arange(2 * 8, dtype=np.int16).reshape(2, 8) ** 2
    machine.memory.write(0, rows)
    machine.memory.write(40, np.array([[1, 0, 0, 0, 0, 0, 0, 0]], dtype=np.int16))
    machine.sums[:3], machine.squares[:3] = (5, 100, -7), (3000, 40000, 77)
    before = (machine.sums[:2].copy(), machine.squares[:2].copy())
    fields = {**VALID["matmul"], "kept": 1, "index": 40, "norm_shift": 20, "out_shift": 6}
    words = encode("matmul", ("normalise", "statistics", "compact"), **fields)
    machine.run(words[None], PARAMS, IMAGE, 16)

    names = ("inv_width", "sqrt_width", "epsilon", "beta_shift", "norm_shift")
    constants = {name: fields[name] for name in names}
    x, _ = oracle.normalise(rows, before, PARAMS[:8], PARAMS[8:16], **constants)
    weight, bias = unpack_weight(PARAMS[: matrix_words(1, 1) * 8], 1, 1)
    y, _ = oracle.matmul(x[1:], weight[:16], bias[:16], bias_shift=0, out_shift=6)
    assert y.any()
    assert (machine.memory.read(100, 1, 2) == y).all()
    assert machine.sums[:3].tolist() == [y.sum(dtype=int), 100, -7]
    assert machine.squares[:3].tolist() == [(y.astype(int) ** 2).sum(), 40000, 77]

    load = encode("load", ("statistics",), dst=7, source=1, rows=1, words=2)
    machine.run(load[None], PARAMS, IMAGE, 16)
    assert (machine.sums[:2].tolist(), machine.squares[0]) == ([248, 100], 4184)


def test_load_and_store_round_trip() -> None:
    _, output = run(
        encode("load", dst=3, source=5, rows=3, words=2),
        encode("store", src=3, target=1, rows=3, words=2),
    )
    assert (output[8:56] == PARAMS[40:88]).all()
    assert not output[:8].any() and not output[56:].any()


def test_a_random_program_is_repeatable() -> None:
    bundle, images = random_bundle(5, Shape(channels=3, grid=4, keep=9, connections=3))
    regions = np.zeros(bundle.input_words * 8, dtype=np.int16)
    pixels = bundle.preprocessing.lut[np.arange(3)[:, None, None], images[0]].ravel()
    regions[: pixels.size] = pixels
    runs = [
        Machine().run(bundle.program, bundle.params, regions, bundle.output_words) for _ in range(2)
    ]
    assert (runs[0][0] == runs[1][0]).all()
    assert (runs[0][1] == runs[1][1]).all()
    assert runs[0][0].any()
