"""Bundles survive a file, and damage never goes unnoticed."""

import hashlib
import io
import json
import zipfile
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from programs import random_bundle

from trivit.host.backends import open_backend
from trivit.host.bundle import Bundle, Program
from trivit.host.errors import HostError
from trivit.host.generated.spec import KERNEL_VERSION, OPCODES
from trivit.host.images import preprocess
from trivit.host.tracing import with_trace

SINGLE, IMAGES = random_bundle(0)
A = replace(SINGLE.first, name="a", token_keep_ratio=0.7, attention_keep_ratio=0.5)
# Another program over the same parameters: a bias instead of the residual.
_WORDS = SINGLE.program.copy()
_WORDS[2, 0] ^= 1 << (8 + OPCODES["matmul"].flags["residual"])
B = replace(A, name="b", token_keep_ratio=1.0, instructions=_WORDS)
BUNDLE = replace(SINGLE, programs=(A, B))


def test_round_trip_is_exact_and_deterministic(tmp_path: Path) -> None:
    path = tmp_path / "program.trivit"
    path.write_bytes(BUNDLE.to_bytes())
    loaded = Bundle.load(path)
    assert loaded.to_bytes() == BUNDLE.to_bytes()
    assert (loaded.params == BUNDLE.params).all()
    assert [p.name for p in loaded.programs] == [p.name for p in BUNDLE.programs] == ["a", "b"]
    for ours, theirs in zip(loaded.programs, BUNDLE.programs, strict=True):
        assert (ours.instructions == theirs.instructions).all()
        assert replace(ours, instructions=theirs.instructions) == theirs


@pytest.mark.parametrize("position", range(0, len(BUNDLE.to_bytes()), 997))
def test_a_flipped_byte_is_refused_or_harmless(position: int) -> None:
    data = bytearray(BUNDLE.to_bytes())
    data[position] ^= 0x55
    try:
        loaded = Bundle.from_bytes(bytes(data))
    except HostError as error:
        assert "\n" not in str(error)
    else:  # a byte of the archive's own bookkeeping (dates, attributes)
        assert loaded.to_bytes() == BUNDLE.to_bytes()


@pytest.mark.parametrize("keep", [0, 10, 1000, -1])
def test_truncated_files_are_refused(keep: int) -> None:
    with pytest.raises(HostError, match="compile it again"):
        Bundle.from_bytes(BUNDLE.to_bytes()[:keep])


def test_another_kernel_version_is_refused() -> None:
    other = replace(BUNDLE, kernel_version=999)
    with pytest.raises(HostError, match="kernel version 999"):
        Bundle.from_bytes(other.to_bytes())


def test_a_file_of_an_earlier_format_is_refused(tmp_path: Path) -> None:
    """As format 1 was written: one program.bin, its outputs in the manifest itself."""
    text = json.dumps({"format": 1, "kernel_version": KERNEL_VERSION, "outputs": []}).encode()
    path = tmp_path / "old.trivit"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.json", text)
        archive.writestr("manifest.sha256", hashlib.sha256(text).digest())
        archive.writestr("program.bin", SINGLE.program.tobytes())
    with pytest.raises(HostError, match=r"old\.trivit has bundle format 1.*compile it again$"):
        Bundle.load(path)


def test_a_foreign_zip_is_refused() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("hello.txt", json.dumps({}))
    with pytest.raises(HostError, match="no manifest"):
        Bundle.from_bytes(buffer.getvalue())


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="nowhere"):
        Bundle.load(tmp_path / "nowhere.trivit")


@pytest.mark.parametrize(
    "images",
    [
        IMAGES.astype(np.float32),
        IMAGES[0],
        IMAGES[:, :, :-1],
        np.zeros((2, 3, 12, 12), dtype=np.uint8),
        IMAGES.tolist(),
    ],
)
def test_images_of_another_shape_or_type_are_refused(images: np.ndarray) -> None:
    with pytest.raises(HostError, match="images"):
        preprocess(BUNDLE, images)


def test_trace_brings_back_every_tensor_and_the_same_logits() -> None:
    backend = open_backend("reference")
    plain = backend.run(BUNDLE, IMAGES)
    traced = backend.run(with_trace(BUNDLE), IMAGES, batch_size=1)
    assert (plain.logits == traced.logits).all()
    assert set(traced.tensors) == {tensor.name for tensor in BUNDLE.tensors}
    assert (traced.tensors["head"][:, 0, :10] == traced.logits).all()
    assert plain.saturations.sum() == traced.saturations.sum()


@pytest.mark.parametrize(
    ("wanted", "name"), [(None, "a"), ("a", "a"), ("b", "b"), (0.7, "a"), (1, "b"), (1.0, "b")]
)
def test_a_program_is_chosen_for_each_call(wanted: str | float | None, name: str) -> None:
    chosen = BUNDLE.choose(wanted)
    assert [p.name for p in chosen.programs] == [name]
    assert chosen.params is BUNDLE.params
    backend = open_backend("reference")
    expected = backend.run(replace(SINGLE, programs=(A if name == "a" else B,)), IMAGES)
    result = backend.run(BUNDLE, IMAGES, program=wanted)
    assert (result.logits == expected.logits).all()
    assert (result.saturations == expected.saturations).all()
    traced = backend.run(with_trace(BUNDLE, ["x"], program=wanted), IMAGES)
    assert list(traced.tensors) == ["x"]
    assert (traced.logits == expected.logits).all()


def test_programs_that_differ_give_other_logits() -> None:
    backend = open_backend("reference")
    a, b = (backend.run(BUNDLE, IMAGES, program=name).logits for name in "ab")
    assert (a != b).any()


@pytest.mark.parametrize("wanted", ["c", 0.8, 0.0, float("nan")])
def test_a_program_that_is_not_there_is_named(wanted: str | float) -> None:
    near = {0.8: "the nearest is 0.7$", 0.0: "the nearest is 0.7$"}.get(wanted, "")
    with pytest.raises(HostError, match=rf"it has a \(0.7\), b \(1\).*{near}"):
        BUNDLE.choose(wanted)


@pytest.mark.parametrize("programs", [(), (A, A)])
def test_impossible_sets_of_programs_are_refused(programs: tuple[Program, ...]) -> None:
    with pytest.raises(HostError, match="program"):
        replace(BUNDLE, programs=programs)


@pytest.mark.parametrize("name", ["", "A", "a b", "../a", "a\n"])
def test_names_that_no_file_should_have_are_refused(name: str) -> None:
    with pytest.raises(HostError, match="cannot be called"):
        replace(A, name=name)


def test_parameters_are_stored_once() -> None:
    alone = len(SINGLE.to_bytes())
    described = len(json.dumps([asdict(t) for t in A.tensors], indent=1)) * 2
    assert len(BUNDLE.to_bytes()) - alone < A.instructions.nbytes + described
    assert SINGLE.params.nbytes > A.instructions.nbytes + described


def test_trace_names_unknown_tensors() -> None:
    with pytest.raises(HostError, match="no tensor 'nothing'"):
        with_trace(BUNDLE, ["nothing"])


def test_unknown_backend_is_named() -> None:
    with pytest.raises(HostError, match="unknown backend 'gpu'"):
        open_backend("gpu")


def test_no_images_are_refused() -> None:
    with pytest.raises(HostError, match="no images"):
        open_backend("reference").run(BUNDLE, IMAGES[:0])
