"""Processes that decode: the same images to the bit, errors in one line, nothing left behind."""

import gc
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from trivit.models.augmentation.batches import epoch_batches
from trivit.models.data import DataConfig, load_dataset
from trivit.models.data.sources import open_source
from trivit.models.data.store import PrepareConfig, StoredImages, images, prepare
from trivit.models.data.store.images import default_processes
from trivit.models.errors import ModelsError

from .conftest import folder_files, write_files


@pytest.fixture(scope="module", params=["uint8", "jpeg"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("store"), request.param)


@pytest.fixture
def jpegs(tmp_path: Path) -> Path:
    return make_store(tmp_path, "jpeg")


def make_store(root: Path, image_format: str) -> Path:
    folder = write_files(root / "images", folder_files(train=20, test=7, kind="jpg", side=16))
    source = open_source(str(folder))
    prepare(source, source, root / "store", PrepareConfig(image_format=image_format))  # type: ignore[arg-type]
    return root / "store"


def opened(store: Path, processes: int) -> tuple[StoredImages, StoredImages]:
    config = DataConfig(dataset="store", path=str(store), processes=processes)
    dataset = load_dataset(config)
    assert isinstance(dataset.train, StoredImages) and isinstance(dataset.test, StoredImages)
    return dataset.train, dataset.test


def running(images: StoredImages) -> list[int]:
    """The numbers of the processes that decode for these images."""
    return [worker.process.pid for worker in images.processes._workers]


def gone(number: int) -> bool:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            os.kill(number, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False


def shared_memory() -> set[str]:
    """Whatever this process or its machine holds of shared memory by a name."""
    return set(os.listdir("/dev/shm")) if os.path.isdir("/dev/shm") else set()


def test_any_number_of_processes_gives_the_same_bits(store: Path) -> None:
    threads = opened(store, 0)
    order = torch.randperm(60, generator=torch.Generator().manual_seed(1))
    # Batches that grow, shrink, are empty, have fewer images than processes, and fill the ring.
    batches = [order[:5], order[5:6], order[6:18], order[:0], order[3:], *order.split(7)]
    expected = [pixels.clone() for pixels in threads[0].stream(batches)]
    before = shared_memory()
    for count in (1, 3):
        train, test = opened(store, count)
        got = list(train.stream(batches))  # kept, so a slot that is used again would show
        for ours, theirs in zip(got, expected, strict=True):
            assert ours.is_contiguous() and torch.equal(ours, theirs)
        numbers = running(train)
        assert len(numbers) == count
        # The test images, and the next epoch, are read by the same processes in the same memory.
        assert torch.equal(test.in_memory().pixels, threads[1].in_memory().pixels)
        assert torch.equal(next(train.stream(batches)), expected[0])
        assert running(train) == numbers
        assert train.processes._memories <= 3
    del train, test
    gc.collect()
    assert all(gone(number) for number in numbers)
    assert shared_memory() == before


def test_an_epoch_continues_in_the_middle(jpegs: Path) -> None:
    config = DataConfig(dataset="store", path=str(jpegs), shift=2, flip=True)
    epochs = []
    for count, first in ((0, 0), (2, 0), (2, 2)):
        train = opened(jpegs, count)[0]
        info = train.index.info
        epochs.append(
            list(epoch_batches(train, info, config, torch.arange(60), 12, 5, first_step=first))
        )
    for step in range(5):
        for batches in (epochs[1], [None, None, *epochs[2]]):
            batch = batches[step]
            if batch is not None:
                assert torch.equal(batch.images, epochs[0][step].images)
                assert torch.equal(batch.indices, epochs[0][step].indices)


def test_an_early_stop_leaves_the_processes_ready(jpegs: Path) -> None:
    train, _ = opened(jpegs, 2)
    asked = 0

    def endless() -> Iterator[Tensor]:
        nonlocal asked
        while True:
            asked += 1
            yield torch.arange(40)

    stream = train.stream(endless())
    next(stream)
    assert 1 < asked < 10  # some are read ahead, not all
    stream.close()  # type: ignore[attr-defined]
    assert not train.processes._open and len(train.processes._free) == 1
    again = next(train.stream(iter([torch.arange(60)])))
    assert torch.equal(again, opened(jpegs, 0)[0].in_memory().pixels)


def test_two_streams_at_once_do_not_mix(jpegs: Path) -> None:
    train, test = opened(jpegs, 2)
    expected = [images.in_memory().pixels for images in opened(jpegs, 0)]
    streams = train.stream(torch.arange(60).split(6)), test.stream(torch.arange(21).split(3))
    for step in range(7):
        for pixels, whole, size in zip(map(next, streams), expected, (6, 3), strict=True):
            assert torch.equal(pixels, whole[size * step : size * (step + 1)])


def test_a_broken_image_is_the_line_that_threads_say(jpegs: Path) -> None:
    path = jpegs / "train" / "images.bin"
    data = bytearray(path.read_bytes())
    lines = []
    for count in (0, 2):
        train, _ = opened(jpegs, count)
        start = int(np.fromfile(jpegs / "train" / "offsets.bin", dtype="<i8")[train.rows[30]])
        path.write_bytes(data[:start] + bytes(40) + data[start + 40 :])  # after the check
        with pytest.raises(ModelsError, match=r"image \d+ cannot be decoded .*data verify") as line:
            list(train.stream(torch.arange(60).split(8)))
        lines.append(str(line.value))
        path.write_bytes(data)
    assert lines[0] == lines[1]
    # The processes have said it and go on: other images are read as before.
    assert len(next(train.stream(iter([torch.arange(8)])))) == 8


def test_a_process_that_is_killed_is_one_line(jpegs: Path) -> None:
    train, _ = opened(jpegs, 2)
    stream = train.stream(torch.arange(60).repeat(50).split(30))
    next(stream)
    os.kill(running(train)[1], signal.SIGKILL)
    line = r"a process that decodes images has ended \(killed by SIGKILL\): .* data.processes"
    with pytest.raises(ModelsError, match=line):
        list(stream)
    with pytest.raises(ModelsError, match=line):  # and so does whoever asks again
        next(train.stream(iter([torch.arange(60)])))


def test_an_interruption_while_waiting_ends_the_stream(jpegs: Path) -> None:
    train = opened(jpegs, 2)[0]
    stream = train.stream(torch.arange(60).split(12))
    next(stream)
    numbers = running(train)
    for number in numbers:
        os.kill(number, signal.SIGSTOP)  # so that the host has to wait

    def interrupted(*_: object) -> None:
        for number in numbers:
            os.kill(number, signal.SIGCONT)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupted)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(KeyboardInterrupt):
            list(stream)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert not train.processes._open
    del train, stream
    gc.collect()
    assert all(gone(number) for number in numbers)


def test_processes_end_with_the_one_that_trains_however_it_ends(jpegs: Path) -> None:
    before = shared_memory()
    ours, theirs = os.pipe()
    trainer = os.fork()
    if trainer == 0:  # no pytest from here on: it waits to be killed
        train = opened(jpegs, 2)[0]
        stream = train.stream(torch.arange(60).split(6))
        next(stream)
        os.write(theirs, " ".join(map(str, running(train))).encode())
        while True:
            signal.pause()
    os.close(theirs)
    numbers = [int(word) for word in os.read(ours, 100).split()]
    os.kill(trainer, signal.SIGKILL)
    os.waitpid(trainer, 0)
    os.close(ours)
    assert len(numbers) == 2 and all(gone(number) for number in numbers)
    assert shared_memory() == before


def test_processes_that_decode_load_no_torch() -> None:
    program = (
        "import sys; import trivit.models.decoding.worker, PIL.JpegImagePlugin; "
        "print([name for name in ('torch', 'scipy', 'pandas', 'rich') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


def test_a_process_that_cannot_be_started_is_one_line(
    jpegs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/no/python")
    train, _ = opened(jpegs, 2)
    with pytest.raises(ModelsError, match=r"process 1 of 2 that decode images \(No such file"):
        train.in_memory()


@pytest.mark.parametrize(
    ("image_format", "cores", "workers", "count"),
    [("uint8", 16, None, 0), ("jpeg", 4, None, 0), ("jpeg", 16, None, 15), ("jpeg", 8, 3, 3)],
)
def test_processes_decode_jpeg_on_machines_with_cores(
    image_format: str,
    cores: int,
    workers: int | None,
    count: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(images, "default_workers", lambda: cores)
    assert default_processes(image_format, workers) == count


def test_the_setting_is_checked() -> None:
    with pytest.raises(ModelsError, match=r"data.processes is -1: use 0 to \d+, or null"):
        DataConfig(processes=-1)
