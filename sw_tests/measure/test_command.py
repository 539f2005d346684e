"""``trivit-board latency`` from its arguments to its files, and each refusal in one line."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from trivit.host.backends import registry
from trivit.host.backends.session import CycleSource
from trivit.host.bundle import Bundle
from trivit.host.cli import latency
from trivit.host.errors import HostError
from trivit.host.fixed_point import Int16
from trivit.host.measure.expected import by_oracle
from trivit.host.measure.images import random_images, read_images
from trivit.host.measure.outputs import NAMES
from trivit.host.measure.report import read_report

from .fake_device import FakeBackend
from .fake_hwmon import whole_board

FEW = ("--repetitions", "3", "--warm-up", "1", "--batch", "2", "--stream", "3")

Run = Callable[..., int]


@pytest.fixture
def device(
    bundle: Bundle, images: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> FakeBackend:
    """Return the device that `--backend fake` opens."""
    fake = FakeBackend(bundle, images)

    def opener() -> FakeBackend:
        fake.record.taken += 1
        return fake

    monkeypatch.setitem(registry._OPENERS, "fake", opener)
    monkeypatch.setitem(sys.modules, "pynq", None)
    return fake


@pytest.fixture
def run(bundle: Bundle, images: NDArray[np.uint8], tmp_path: Path, device: FakeBackend) -> Run:
    """Return a function that runs the command on the bundle and its images."""
    path, pixels = tmp_path / "program.trivit", tmp_path / "images.npy"
    path.write_bytes(bundle.to_bytes())
    np.save(pixels, images)

    def command(*words: str, given: bool = True) -> int:
        parser = argparse.ArgumentParser()
        latency.add_arguments(parser)
        chosen = ("--images", str(pixels)) if given else ()
        line = [str(path), "--backend", "fake", *chosen, *FEW, *words]
        return latency.run(parser.parse_args(line))

    return command


def test_tables_and_files(
    run: Run, device: FakeBackend, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    device.manifest = tmp_path / "trivit.json"
    device.manifest.write_text(json.dumps({"git_commit": "abc", "clock_mhz": 150.0}))
    assert run("--out", str(tmp_path / "out")) == 0
    said = capsys.readouterr()
    assert "cycles counted on the device" in said.out and "images/s overlapped" in said.out
    assert "the largest of them" in said.out
    assert "dense: the oracle computes the first image" in said.err.splitlines()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(NAMES)
    report = read_report(tmp_path / "out" / "latency.json")
    assert report.bitstream == {"git_commit": "abc", "clock_mhz": 150.0}
    assert report.bundle["file"] == "program.trivit" and len(report.bundle["sha256"]) == 64
    assert report.images["source"] == "images.npy" and report.images["count"] == 3
    assert report.latency.settings.batches == (2,)
    assert report.versions["numpy"] == np.__version__


@pytest.mark.parametrize(
    ("keep", "names"),
    [(["0.7"], ["sparse"]), (["0.7", "dense", "sparse"], ["sparse", "dense"])],
)
def test_programs_by_ratio_or_name(
    keep: list[str], names: list[str], run: Run, tmp_path: Path
) -> None:
    assert run("--keep", *keep, "--out", str(tmp_path)) == 0
    found = read_report(tmp_path / "latency.json").latency.programs
    assert [program.name for program in found] == names


def test_wrong_outputs_give_no_table(
    run: Run, device: FakeBackend, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def damage(job: int, output: Int16) -> Int16:
        output[0] ^= 1
        return output

    device.damage = damage
    assert run("--out", str(tmp_path / "out")) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines()[-1].startswith("trivit-board latency: program 'dense': 1 of")
    assert not (tmp_path / "out").exists()
    assert device.record.closed == 1


def test_ctrl_c_leaves_nothing(run: Run, device: FakeBackend, tmp_path: Path) -> None:
    def interrupt(job: int, output: Int16) -> Int16:
        if job == 4:
            raise KeyboardInterrupt
        return output

    device.damage = interrupt
    with pytest.raises(KeyboardInterrupt):
        run("--out", str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()
    assert device.record.closed == device.record.opened == 1
    assert device.record.given_back == device.record.taken == 1


def test_power(
    run: Run, device: FakeBackend, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sysfs = whole_board(tmp_path / "sys")
    (sysfs / "class/hwmon/hwmon3/power1_input").unlink()
    few = ("--power-seconds", "0.15", "--idle-seconds", "0.15")
    device.job_seconds = 0.005
    assert run("--power", *few, "--keep", "dense", "--sysfs", str(sysfs)) == 0
    said = capsys.readouterr().out
    # All 18 draw 17.1 W together; VCCPSAUX, the third, cannot be read.
    assert "all (17 rails)   16.800   16.800" in said
    assert re.search(r"all rails were read \d+\.\d times a second", said)
    assert "average over 4 ms or a time that nothing tells." in said
    assert "Power without VCCPSAUX: hwmon3/power1_input: No such file or directory." in said


def test_power_of_a_simulation_is_left_out(
    run: Run, device: FakeBackend, capsys: pytest.CaptureFixture[str]
) -> None:
    device.reported = device.source = CycleSource.simulated
    assert run("--power") == 0
    said = capsys.readouterr()
    assert "Power is left out: no device drew any." in said.out
    assert "Wall times of a simulation mean nothing" in said.out
    assert "images/s" not in said.out and "mJ" not in said.out
    assert "dense: repetition 2 of 3" in said.err  # each of the jobs, which take minutes


def test_logits_of_an_earlier_report(run: Run, device: FakeBackend, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run("--out", str(out)) == 0
    again = ("--expected", str(out / "latency.json"))
    assert run(*again, "--out", str(tmp_path / "second")) == 0
    found = read_report(tmp_path / "second" / "latency.json").latency.programs
    assert {program.check.against for program in found} == {"the logits of latency.json"}
    entry = json.loads((out / "latency.json").read_text())
    entry["latency"]["programs"][1]["check"]["logits"][0] ^= 1
    (out / "latency.json").write_text(json.dumps(entry))
    assert run(*again) == 1
    entry["bundle"]["sha256"] = "0" * 64
    (out / "latency.json").write_text(json.dumps(entry))
    with pytest.raises(HostError, match="report of another bundle"):
        run(*again)


def test_logits_of_an_array(
    run: Run, bundle: Bundle, images: NDArray[np.uint8], tmp_path: Path
) -> None:
    logits, path = by_oracle(bundle, images[0]).outputs["logits"], tmp_path / "logits.npy"
    np.save(path, logits)
    assert run("--expected", str(path), "--keep", "dense") == 0
    with pytest.raises(HostError, match="2 are measured: add --keep"):
        run("--expected", str(path))
    np.save(path, logits + np.int16(1))
    assert run("--expected", str(path), "--keep", "dense") == 1


REFUSED = [
    (("--keep", "0.5"), "no program with keep ratio 0.5"),
    (("--count", "0"), "--count 0"),
    (("--repetitions", "0"), "repetitions 0"),
    (("--batch", "0"), "batch 0"),
    (("--stream", "-1"), "stream -1"),
    (("--warm-up", "-1"), "warm-up -1"),
    (("--backend", "emulator"), "counts no cycles"),
    (("--power", "--sysfs", "{}/none"), "no power rail can be read"),
    (("--power", "--idle-seconds", "0", "--sysfs", "{}/sys"), "give at least 0.1 s each"),
    (("--out", "{}/images.npy"), "is no folder"),
    (("--expected", "{}/none.json"), "cannot read"),
    (("--expected", "{}/images.npy", "--keep", "dense"), "holds no logits"),
]


@pytest.mark.parametrize(("words", "reason"), REFUSED, ids=[reason for _, reason in REFUSED])
def test_refusals(
    words: tuple[str, ...], reason: str, run: Run, device: FakeBackend, tmp_path: Path
) -> None:
    whole_board(tmp_path / "sys")
    with pytest.raises(HostError) as error:
        run(*(word.format(tmp_path) for word in words))
    assert reason in str(error.value) and "\n" not in str(error.value)
    assert device.record.taken == device.record.given_back
    assert device.record.jobs() == 0 and device.record.opened == device.record.closed


IMAGES = [
    (np.zeros((2, 3), np.uint8), "holds uint8 of shape (2, 3)"),
    (np.zeros((0, 0, 0, 0), np.uint8), "holds uint8 of shape (0, 0, 0, 0)"),
    (np.zeros((1, 1, 1, 1), np.float32), "holds float32"),
]


@pytest.mark.parametrize(("array", "reason"), IMAGES, ids=[reason for _, reason in IMAGES])
def test_images_that_do_not_fit(
    array: NDArray[np.uint8], reason: str, bundle: Bundle, tmp_path: Path
) -> None:
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(HostError) as error:
        read_images(tmp_path / "x.npy", bundle)
    assert reason in str(error.value)


def test_images_of_no_use(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "text.npy").write_text("no array")
    (tmp_path / "folder").mkdir()
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_text("no photo")
    for name, reason in (
        ("none.npy", "cannot read"),
        ("text.npy", "neither a folder of photos nor"),
        ("folder", "no image in it"),
        ("photos", "holds no image"),
    ):
        with pytest.raises(HostError, match=reason):
            read_images(tmp_path / name, bundle)


def test_photos(bundle: Bundle, tmp_path: Path) -> None:
    """They come in the order of their names, grey where the program takes one channel."""
    shape = bundle.preprocessing
    for name, value in (("b.png", 200), ("a.PNG", 100)):
        pixels = np.full((40, 60, 3), value, np.uint8)
        with (tmp_path / name).open("wb") as file:
            Image.fromarray(pixels).save(file, "png")
    found = read_images(tmp_path, bundle)
    assert found.shape == (2, shape.channels, shape.height, shape.width) and found.dtype == np.uint8
    assert (found[0] == 100).all() and (found[1] == 200).all()
    assert len(read_images(tmp_path, bundle, 1)) == 1


def test_noise_is_the_default_and_repeats(
    run: Run, device: FakeBackend, bundle: Bundle, tmp_path: Path
) -> None:
    noise = random_images(bundle, 8)
    assert (noise == random_images(bundle, 8)).all()
    device.learn(bundle, noise)
    assert run("--out", str(tmp_path), given=False) == 0
    report = read_report(tmp_path / "latency.json")
    assert (report.images["source"], report.images["count"]) == ("noise, seed 0", 8)
    with pytest.raises(HostError, match="--random 0"):
        run("--random", "0", given=False)
    with pytest.raises(HostError, match="--count 2: give --images"):
        run("--count", "2", given=False)
