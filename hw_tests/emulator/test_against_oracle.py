"""The compiled kernel against the numpy oracle: same integers, same counts, same refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from networks import deit_384
from programs import Shape, random_bundle

from trivit.host.backends import open_backend
from trivit.host.backends.base import Backend
from trivit.host.bundle import Bundle
from trivit.host.generated import spec
from trivit.host.instructions import KernelError, decode, encode
from trivit.host.oracle.checks import check
from trivit.host.tracing import with_trace

REFERENCE = open_backend("reference")
QUIET = settings(
    deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], max_examples=40
)


@pytest.fixture(scope="module")
def emulator() -> Backend:
    return open_backend("emulator")


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    grid = draw(st.integers(1, 8))
    keep = draw(st.integers(1, grid * grid))
    return Shape(
        channels=draw(st.integers(1, 4)),
        grid=grid,
        patch=draw(st.integers(1, 9)),
        heads=draw(st.integers(1, 5)),
        head_words=draw(st.integers(1, 9)),
        hidden_words=draw(st.integers(1, 40)),
        keep=keep,
        connections=draw(st.integers(1, keep)),
        classes=draw(st.integers(1, 70)),
    )


def assert_same(bundle: Bundle, images: np.ndarray, emulator: Backend) -> None:
    """Compare every tensor, the logits and the saturation counts of both backends."""
    traced = with_trace(bundle)
    expected = REFERENCE.run(traced, images)
    actual = emulator.run(traced, images)
    assert set(actual.tensors) == set(expected.tensors)
    for name, tensor in expected.tensors.items():
        np.testing.assert_array_equal(actual.tensors[name], tensor, err_msg=name)
    np.testing.assert_array_equal(actual.logits, expected.logits)
    np.testing.assert_array_equal(actual.saturations, expected.saturations)


@QUIET
@given(seed=st.integers(0, 2**32 - 1), shape=shapes())
def test_random_programs(emulator: Backend, seed: int, shape: Shape) -> None:
    bundle, images = random_bundle(seed, shape)
    assert_same(bundle, images, emulator)


def test_programs_use_every_opcode_and_saturate(emulator: Backend) -> None:
    bundle, images = random_bundle(1)
    used = {int(words[0]) & 255 for words in bundle.program}
    assert used == {opcode.code for opcode in spec.OPCODES.values()}
    assert emulator.run(bundle, images).saturations.sum() > 0


@pytest.mark.parametrize(("heads", "head_words"), [(3, 4), (1, 8)])
def test_largest_token_count(heads: int, head_words: int, emulator: Backend) -> None:
    """196 patches of a 14 x 14 grid, as in DeiT."""
    sizes = Shape(grid=14, patch=2, hidden_words=8, keep=138, connections=97)
    bundle, images = random_bundle(7, replace(sizes, heads=heads, head_words=head_words))
    assert_same(bundle, images[:1], emulator)


@pytest.mark.parametrize("keep", [1.0, 0.7])
def test_as_many_tokens_as_deit_384(keep: float, emulator: Backend) -> None:
    images = np.random.default_rng(1).integers(0, 256, (1, 3, 48, 48)).astype(np.uint8)
    assert_same(deit_384(keep), images, emulator)


def test_images_do_not_depend_on_each_other(emulator: Backend) -> None:
    bundle, images = random_bundle(3, Shape(grid=5, keep=12))
    together = emulator.run(bundle, np.concatenate([images, images[::-1]]))
    alone = [emulator.run(bundle, image[None]).logits[0] for image in images]
    np.testing.assert_array_equal(together.logits, np.stack([*alone, *alone[::-1]]))


#: Values at the edges of checks, and some that overflow 32-bit sums.
EDGES = st.one_of(
    st.integers(0, 40),
    st.sampled_from(
        [
            *(
                60,
                61,
                207,
                208,
                209,
                384,
                385,
                592,
                593,
                4096,
                4097,
                16383,
                16384,
                1 << 22,
                1 << 23,
                1 << 24,
            ),
            *(2**31 - 1, 2**31, 2**32 - 17, 2**32 - 16, 2**32 - 1),
        ]
    ),
)


@st.composite
def descriptors(draw: st.DrawFn) -> np.ndarray:
    """Draw a descriptor of a valid program with up to three words replaced."""
    bundle, _ = random_bundle(draw(st.integers(0, 3)))
    words = bundle.program[draw(st.integers(0, len(bundle.program) - 1))].copy()
    for _ in range(draw(st.integers(0, 3))):
        words[draw(st.integers(0, 22))] = draw(EDGES)
    return words


@settings(QUIET, max_examples=600)
@given(words=descriptors())
def test_refusals(emulator: Backend, words: np.ndarray) -> None:
    """The kernel's error code is the oracle's, whatever the descriptor holds."""
    bundle, images = random_bundle(0)
    regions = {
        "params": len(bundle.params) // 8,
        "input": bundle.input_words,
        "output": bundle.output_words,
    }
    expected = spec.ERRORS[check(decode(words), regions)]
    program = bundle.with_instructions(words[None].astype(np.uint32))
    inputs = np.zeros((len(images), bundle.input_words * 8), dtype=np.int16)
    try:
        emulator.run_batch(program, inputs)
        status = 0
    except KernelError as error:
        status = error.code
        assert error.index == 0
    if expected == 0:
        # Indices are what an earlier program left in memory.
        assert status in (0, spec.ERRORS["index_range"])
    else:
        assert status == expected


@pytest.mark.parametrize("reader", ["matmul", "select_connections"])
def test_bad_indices_stop_both(emulator: Backend, reader: str) -> None:
    """An index tensor that holds anything."""
    bundle, images = random_bundle(2)
    anything = next(tensor.address for tensor in bundle.tensors if tensor.name == "positions")
    decoded = [decode(words) for words in bundle.program]
    place, found = next(
        (i, instruction)
        for i, instruction in enumerate(decoded)
        if instruction is not None
        and instruction.opcode == reader
        and (reader != "matmul" or "compact" in instruction.flags)
    )
    program = bundle.program.copy()
    program[place] = encode(reader, found.flags, **{**found.fields, "index": anything})
    for backend in (REFERENCE, emulator):
        with pytest.raises(KernelError) as error:
            backend.run(bundle.with_instructions(program), images)
        assert (error.value.code, error.value.index) == (spec.ERRORS["index_range"], place)
