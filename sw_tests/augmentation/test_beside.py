"""Batches made beside the steps: what waits for what."""

from contextlib import nullcontext
from typing import Any

import pytest
import torch

from trivit.models.augmentation.batches import Batch, epoch_batches
from trivit.models.augmentation.beside import Beside
from trivit.models.data import DataConfig, Images

from .images import COLOUR, make_images
from .test_batches import RECIPE


class FakeEvent:
    """Knows how many steps had been launched when it was recorded."""

    log: list[tuple[str, int]]
    launched: int

    def record(self, stream: Any = None) -> None:
        self.after = FakeEvent.launched

    def synchronize(self) -> None:
        FakeEvent.log.append(("host", self.after))


class FakeStream:
    def __init__(self, name: str) -> None:
        self.name = name

    def wait_event(self, event: FakeEvent) -> None:
        FakeEvent.log.append((self.name, event.after))

    def wait_stream(self, other: "FakeStream") -> None:
        FakeEvent.log.append((f"{self.name} for {other.name}", FakeEvent.launched))


def test_a_batch_is_made_while_the_step_before_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeEvent.log, FakeEvent.launched = [], 0
    steps = FakeStream("steps")
    monkeypatch.setattr(torch.cuda, "Event", FakeEvent)
    monkeypatch.setattr(torch.cuda, "Stream", lambda device: FakeStream("batches"))
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: steps)
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: nullcontext())
    beside = Beside(torch.device("cuda"))
    waits = []
    for _ in range(5):
        with beside.making():
            pass
        beside.hand_over([None])
        FakeEvent.launched += 1  # the step with this batch
        waits.append(tuple(FakeEvent.log))
        FakeEvent.log.clear()
    for number, log in enumerate(waits):
        made_after = ("batches", max(0, number - 1))  # not after the step just launched
        assert made_after in log
        assert log[-1] == ("steps for batches", number)
        # The host waits for a step only when two others are still to be done.
        assert [w for w in log if w[0] == "host"] == ([("host", number - 2)] if number > 1 else [])


def test_on_a_cpu_nothing_is_done() -> None:
    beside = Beside(torch.device("cpu"))
    with beside.making():
        batch = torch.ones(2)
    beside.hand_over([batch, None])
    assert batch.tolist() == [1, 1]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_steps_on_a_gpu_see_whole_batches() -> None:
    """A batch that is written while it is read, or too early, differs from one made alone."""
    cuda = torch.device("cuda")
    images = Images(make_images(512, 3, 64, 64), torch.arange(512) % 7).to(cuda)

    def batches() -> Any:
        return epoch_batches(
            images,
            COLOUR,
            DataConfig(),
            torch.arange(512),
            32,
            3,
            augmentation=RECIPE,
            image_size=64,
        )

    def copied(batch: Batch) -> list[torch.Tensor]:
        return [t.clone() for t in batch if t is not None]

    alone = []
    for batch in batches():
        alone.append(copied(batch))
        torch.cuda.synchronize()
    busy = torch.randn(4096, 4096, device=cuda)
    beside = []
    for batch in batches():
        for _ in range(20):  # a step that takes longer than the next batch
            busy = torch.tanh(busy @ busy)
        beside.append(copied(batch))
        del batch
    for one, other in zip(alone, beside, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
