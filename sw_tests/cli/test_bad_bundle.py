"""``trivit run`` refuses damaged bundles and images that do not fit."""

import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest
from programs import random_bundle

from .conftest import Trivit

BUNDLE, IMAGES = random_bundle(3)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "program.trivit"
    path.write_bytes(BUNDLE.to_bytes())
    return path


@pytest.fixture
def images(tmp_path: Path) -> Path:
    path = tmp_path / "images.npy"
    np.save(path, IMAGES)
    return path


@pytest.mark.parametrize("backend", ["reference", "emulator"])
def test_good_input_runs(
    trivit: Trivit, bundle: Path, images: Path, tmp_path: Path, backend: str
) -> None:
    logits = tmp_path / "logits.npy"
    outcome = trivit(
        "run", bundle, "--backend", backend, "--images", images, "--logits", logits, "--count", 1
    )
    assert (outcome.status, outcome.err) == (0, "")
    assert np.load(logits).shape == (1, len(BUNDLE.class_names))


def test_a_missing_bundle_is_refused(trivit: Trivit, tmp_path: Path, images: Path) -> None:
    trivit("run", tmp_path / "none.trivit", "--images", images).refused("none.trivit")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_truncated_bundle_is_refused(
    trivit: Trivit, bundle: Path, images: Path, share: float
) -> None:
    data = bundle.read_bytes()
    bundle.write_bytes(data[: int(len(data) * share)])
    trivit("run", bundle, "--images", images).refused("program.trivit", "compile it again")


def test_a_wrong_checksum_is_refused(trivit: Trivit, bundle: Path, images: Path) -> None:
    parameters = BUNDLE.params.astype("<i2").tobytes()
    data = bytearray(bundle.read_bytes())
    place = bytes(data).index(parameters)
    data[place + len(parameters) // 2] ^= 1
    bundle.write_bytes(bytes(data))
    trivit("run", bundle, "--images", images).refused("program.trivit", "damaged")


def test_a_bundle_of_another_kernel_version_is_refused(
    trivit: Trivit, bundle: Path, images: Path
) -> None:
    bundle.write_bytes(dataclasses.replace(BUNDLE, kernel_version=99).to_bytes())
    trivit("run", bundle, "--images", images).refused("version 99", "compile it again")


@pytest.mark.parametrize("backend", ["reference", "emulator"])
def test_a_program_that_the_kernel_refuses_stops(
    trivit: Trivit, bundle: Path, images: Path, tmp_path: Path, backend: str
) -> None:
    program = BUNDLE.program.copy()
    program[2, 0] = 0xEE
    bundle.write_bytes(BUNDLE.with_instructions(program).to_bytes())
    logits = tmp_path / "logits.npy"
    outcome = trivit("run", bundle, "--images", images, "--backend", backend, "--logits", logits)
    outcome.refused("instruction 2", "unknown_opcode")
    assert not logits.exists()


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (IMAGES.astype(np.float32), ["float32", "uint8"]),
        (IMAGES.astype(np.int64), ["int64", "uint8"]),
        (IMAGES[:, :, :-1], ["images.npy", "shape"]),
        (np.repeat(IMAGES, 3, axis=1), ["shape"]),
        (IMAGES[0, 0], ["shape"]),
        (IMAGES[:0], ["no image"]),
    ],
)
def test_images_of_another_type_or_shape_are_refused(
    trivit: Trivit, bundle: Path, images: Path, array: np.ndarray, words: list[str]
) -> None:
    np.save(images, array)
    trivit("run", bundle, "--images", images).refused(*words)


def test_files_that_hold_no_images_are_refused(trivit: Trivit, bundle: Path, images: Path) -> None:
    whole = images.read_bytes()
    archive = io.BytesIO()
    np.savez(archive, a=IMAGES)
    pickled = io.BytesIO()
    np.save(pickled, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    for content in (b"", b"hello", whole[:-7], whole[:20], archive.getvalue(), pickled.getvalue()):
        images.write_bytes(content)
        trivit("run", bundle, "--images", images).refused("images.npy")


def test_missing_images_are_refused(trivit: Trivit, bundle: Path, tmp_path: Path) -> None:
    trivit("run", bundle, "--images", tmp_path / "none.npy").refused("none.npy")


def test_an_unknown_data_set_is_refused(trivit: Trivit, bundle: Path) -> None:
    trivit("run", bundle, "--images", "imagenet").refused("imagenet", "fashion_mnist")


def test_a_data_set_of_another_shape_is_refused(trivit: Trivit, bundle: Path) -> None:
    trivit("run", bundle, "--images", "synthetic").refused("28 x 28", "12 x 12")
