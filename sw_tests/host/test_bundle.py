"""Bundles survive a file, and damage never goes unnoticed."""

import dataclasses
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from programs import random_bundle

from trivit.host.backends import open_backend
from trivit.host.bundle import Bundle
from trivit.host.errors import HostError
from trivit.host.images import preprocess
from trivit.host.tracing import with_trace

BUNDLE, IMAGES = random_bundle(0)


def test_round_trip_is_exact_and_deterministic(tmp_path: Path) -> None:
    path = tmp_path / "program.trivit"
    path.write_bytes(BUNDLE.to_bytes())
    loaded = Bundle.load(path)
    assert loaded.to_bytes() == BUNDLE.to_bytes()
    assert (loaded.program == BUNDLE.program).all()
    assert (loaded.params == BUNDLE.params).all()
    assert loaded.tensors == BUNDLE.tensors


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
    other = dataclasses.replace(BUNDLE, kernel_version=999)
    with pytest.raises(HostError, match="kernel version 999"):
        Bundle.from_bytes(other.to_bytes())


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


def test_trace_names_unknown_tensors() -> None:
    with pytest.raises(HostError, match="no tensor 'nothing'"):
        with_trace(BUNDLE, ["nothing"])


def test_unknown_backend_is_named() -> None:
    with pytest.raises(HostError, match="unknown backend 'gpu'"):
        open_backend("gpu")


def test_no_images_are_refused() -> None:
    with pytest.raises(HostError, match="no images"):
        open_backend("reference").run(BUNDLE, IMAGES[:0])
