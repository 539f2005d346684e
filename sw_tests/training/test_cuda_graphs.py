"""Steps as CUDA graphs: how ``CudaRecorder`` asks for them, and, on a GPU, what they compute."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
import torch

from trivit.models.training import loop, train
from trivit.models.training.graphs import CudaRecorder, recorded, recorder_for

from ..models.composition import experiment
from .conftest import assert_same_bits, computed
from .test_graphs import EVERY, Everything, meeting_all_levels, settings

gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
CUDA = "training.device=cuda"


class FakeCuda:
    """Streams and graphs that note what happens, as far as ``CudaRecorder`` knows them."""

    def __init__(self) -> None:
        self.current = "main"
        self.events: list[str] = []
        self.fails = False

    def install(self, patch: pytest.MonkeyPatch) -> None:
        fake = self

        class Stream:
            def __init__(self, name: object) -> None:
                self.name = "main" if name == "main" else "side"
                self.device_index = 0

            def wait_stream(self, other: "Stream") -> None:
                fake.events.append(f"{self.name} waits for {other.name}")

        class Generator:
            def clone_state(self) -> str:
                return "state before"

            def graphsafe_set_state(self, state: str) -> None:
                fake.events.append(f"generator in its {state}")

        class Graph:
            def replay(self) -> None:
                fake.events.append("replay")

        @contextmanager
        def stream(chosen: Stream) -> Iterator[None]:
            before, fake.current = fake.current, chosen.name
            yield
            fake.current = before

        @contextmanager
        def graph(
            made: Graph, pool: str, stream: Stream, capture_error_mode: str
        ) -> Iterator[None]:
            fake.events.append(f"{pool}, {stream.name}, {capture_error_mode}")
            fake.current = stream.name  # as torch's, whose end raises before it gives it back
            yield
            if fake.fails:
                raise RuntimeError("capture_end")
            fake.current = "main"

        def set_stream(chosen: Stream) -> None:
            fake.current = chosen.name

        def end(device: int, pool: str) -> None:
            fake.events.append(f"{pool} closed")

        patch.setattr(torch._C, "_cuda_endAllocateToPool", end)
        patch.setattr(torch.cuda, "Stream", Stream)
        patch.setattr(torch.cuda, "CUDAGraph", Graph)
        pools = (f"pool {number}" for number in count(1))
        patch.setattr(torch.cuda, "default_generators", (Generator(),))
        patch.setattr(torch.cuda, "graph_pool_handle", lambda: next(pools))
        patch.setattr(torch.cuda, "current_stream", lambda: Stream(fake.current))
        patch.setattr(torch.cuda, "set_stream", set_stream)
        patch.setattr(torch.cuda, "stream", stream)
        patch.setattr(torch.cuda, "graph", graph)


def test_a_graph_is_recorded_beside_the_stream_that_replays_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cuda = FakeCuda()
    cuda.install(monkeypatch)
    assert recorder_for(True, torch.device("cpu")) is None
    assert recorder_for(False, torch.device("cuda")) is None
    recorder = recorder_for(True, torch.device("cuda"))
    replay = recorded(lambda: cuda.events.append(f"work on {cuda.current}"), recorder)
    replay()
    work = "work on side"
    warm_up = ["side waits for main", work, work, work, "main waits for side"]
    assert cuda.events == [*warm_up, "pool 1, side, thread_local", work, "replay"]
    cuda.fails = True
    with pytest.raises(RuntimeError, match="capture_end"):
        recorded(lambda: None, recorder)
    assert cuda.current == "main"
    assert cuda.events[-2:] == ["pool 1 closed", "generator in its state before"]
    cuda.fails = False
    recorded(lambda: None, recorder)
    assert cuda.events[-1] == "pool 2, side, thread_local"


@pytest.mark.gpu
@gpu
@pytest.mark.parametrize("choice", meeting_all_levels(), ids=lambda c: "-".join(c.values()))
def test_cuda_graphs_have_the_bits_of_launched_kernels(
    choice: dict[str, str], tmp_path: Path
) -> None:
    config = experiment(choice, *settings(choice), CUDA)
    launched = replace(config, training=replace(config.training, cuda_graphs=False))
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        train(launched, tmp_path / "launched")
        summary = train(config, tmp_path / "replayed")
    finally:
        torch.use_deterministic_algorithms(False)
    assert summary["cuda_graphs"] > 0
    assert_same_bits(tmp_path / "launched", tmp_path / "replayed")
    assert computed(tmp_path / "launched") == computed(tmp_path / "replayed")


@pytest.mark.gpu
@gpu
def test_cuda_graphs_go_on_in_the_middle_of_an_epoch(
    everything: Everything, tmp_path: Path
) -> None:
    config = everything(CUDA, EVERY)
    original, steps = loop.StepGraphs.run, 0

    def stopping(self: loop.StepGraphs, *arguments: object) -> None:
        nonlocal steps
        steps += 1
        if steps == 16:
            raise InterruptedError
        original(self, *arguments)  # type: ignore[arg-type]

    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        train(config, tmp_path / "whole")
        with pytest.MonkeyPatch.context() as patch, pytest.raises(InterruptedError):
            patch.setattr(loop.StepGraphs, "run", stopping)
            train(config, tmp_path / "resumed")
        train(config, tmp_path / "resumed", resume=True)
    finally:
        torch.use_deterministic_algorithms(False)
    assert_same_bits(tmp_path / "whole", tmp_path / "resumed")


@pytest.mark.gpu
@gpu
def test_replays_do_not_wait_for_the_device(
    everything: Everything, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = loop.StepGraphs.run

    def watched(self: loop.StepGraphs, *arguments: object) -> None:
        torch.cuda.set_sync_debug_mode("error")
        try:
            original(self, *arguments)  # type: ignore[arg-type]
        finally:
            torch.cuda.set_sync_debug_mode("default")

    monkeypatch.setattr(loop.StepGraphs, "run", watched)
    summary = train(everything(CUDA, "training.timing_rounds=1"), tmp_path)
    assert set(summary["step_seconds_by_part"]) == {"data", "step", "bookkeeping"}
    assert summary["sparse_step_speedup"] > 0


@pytest.mark.gpu
@gpu
def test_what_cuda_cannot_record_leaves_the_stream_as_it_was() -> None:
    recorder = CudaRecorder(torch.device("cuda"))
    values = torch.arange(3.0, device="cuda")
    before = torch.cuda.current_stream()
    with pytest.raises(RuntimeError):
        recorder.record(lambda: values.sum().item())
    assert torch.cuda.current_stream() == before
    torch.manual_seed(1)
    drawn = torch.randn(3, device="cuda")
    torch.manual_seed(1)
    assert torch.equal(torch.randn(3, device="cuda"), drawn)
    replay = recorded(lambda: values.add_(1.0), recorder)
    torch.cuda.synchronize()
    warm = values.clone()
    replay()
    assert torch.equal(values, warm + 1)
