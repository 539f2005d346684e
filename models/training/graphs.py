"""CUDA graphs: the whole work of a step, recorded once for each shape and replayed from then on.

A step launches well over a thousand kernels, and the host needs longer for that than a GPU for a
sparse step. A graph is launched as one. It repeats the recorded kernels with the addresses and the
numbers of the recording, so the work of a step reads and writes only tensors that stay where they
are: weights, their state, counters and sums, and the buffers that hold the inputs.

A ``Recorder`` is the seam behind which tests on a CPU record and replay.
"""

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from trivit.models.augmentation.batches import Batch
from trivit.models.topology import KeepRatios

# Steps before a recording, for what libraries set up when first used (as torch's documentation).
_WARM_UP_STEPS = 3

Work = Callable[[], object]


class Recorder(Protocol):
    """Turns work into something that repeats it."""

    def warm_up(self, work: Work) -> None:
        """Do the work as often as needed before it is recorded."""

    def record(self, work: Work) -> Work:
        """Return what repeats the work; the recording itself may do it once or not at all."""


class CudaRecorder:
    """Records CUDA graphs that share one memory pool.

    They share it because no tensor lives on from one replay to the next: what a step leaves lies
    outside of the pool. So they may be replayed in any order, on one stream.
    """

    def __init__(self, device: torch.device) -> None:
        self._stream = torch.cuda.Stream(device)
        self._pool = torch.cuda.graph_pool_handle()

    def warm_up(self, work: Work) -> None:
        """Do the work some times on the stream that records."""
        current = torch.cuda.current_stream()
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            for _ in range(_WARM_UP_STEPS):
                work()
        current.wait_stream(self._stream)

    def record(self, work: Work) -> Work:
        """Return the replay of a graph. The work is not done.

        Raises:
            RuntimeError: the work waits for the device, or its memory does not suffice.
        """
        current, graph = torch.cuda.current_stream(), torch.cuda.CUDAGraph()
        generator = torch.cuda.default_generators[self._stream.device_index]
        before = generator.clone_state()
        try:
            # Threads that load images go on with calls that are unsafe in this one alone.
            with torch.cuda.graph(
                graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"
            ):
                work()
        except BaseException:
            # Where a capture cannot even end, torch leaves its stream current, its pool open, and
            # a generator that draws in captures alone.
            torch.cuda.set_stream(current)
            with suppress(RuntimeError):  # the pool is closed
                torch._C._cuda_endAllocateToPool(self._stream.device_index, self._pool)
            self._pool = torch.cuda.graph_pool_handle()
            generator.graphsafe_set_state(before)
            raise
        return graph.replay


def recorder_for(wanted: bool, device: torch.device) -> Recorder | None:
    """Return what records steps on ``device``; ``None`` where none are ``wanted`` or can be."""
    return CudaRecorder(device) if wanted and device.type == "cuda" else None


def recorded(work: Work, recorder: Recorder | None) -> Work:
    """Return ``work``, replayed if there is a recorder: for steps on one batch, as in a benchmark.

    Warming up does the work some times.

    Args:
        work: of the device alone; what it reads and writes stays in place for as long as the
            result is used.
        recorder: of this device; several recordings of one recorder share their memory.

    Raises:
        RuntimeError: it cannot be recorded.
    """
    if recorder is None:
        return work
    recorder.warm_up(work)
    gc.collect()
    return recorder.record(work)


def why_not_recorded(error: RuntimeError) -> str:
    """Return in one line why recording has failed, and the remedy where one is known."""
    if isinstance(error, torch.OutOfMemoryError):
        return "the GPU's memory does not hold the graphs, lower training.batch_size"
    lines = str(error).strip().splitlines()
    return f"recording failed, {lines[0] if lines else type(error).__name__}"


class StepInputs(NamedTuple):
    """What differs from step to step.

    Attributes:
        batch: of this process.
        drawn: random draws by the name of the forward pass's argument; ``None``: not drawn.
    """

    batch: Batch
    drawn: Mapping[str, Tensor | None]


class StaticInputs:
    """Buffers for inputs; those of all shapes, since no two steps run at once."""

    def __init__(self) -> None:
        self._buffers: dict[str, Tensor] = {}

    def hold(self, inputs: StepInputs) -> StepInputs:
        """Copy ``inputs`` into the buffers and return these.

        Raises:
            ValueError: an input has another shape or type than it had before.
        """
        batch = {name: self._held(name, value) for name, value in inputs.batch._asdict().items()}
        drawn = {name: self._held(name, value) for name, value in inputs.drawn.items()}
        return StepInputs(Batch(**batch), drawn)  # type: ignore[arg-type]  # None stays None

    def _held(self, name: str, value: Tensor | None) -> Tensor | None:
        if value is None:
            return None
        buffer = self._buffers.get(name)
        if buffer is None:
            buffer = self._buffers[name] = torch.empty_like(value)
        if (buffer.shape, buffer.dtype) != (value.shape, value.dtype):
            raise ValueError(
                f"{name} is {value.dtype} {tuple(value.shape)}, and the steps were recorded with "
                f"{buffer.dtype} {tuple(buffer.shape)}"
            )
        return buffer.copy_(value, non_blocking=True)


class StepGraphs:
    """The work of a training step, recorded for each shape that the schedules visit."""

    def __init__(self, recorder: Recorder, work: Callable[[StepInputs], None]) -> None:
        """Record with ``recorder`` what ``work`` does with its inputs."""
        self._recorder = recorder
        self._work = work
        self._static = StaticInputs()
        self._replays: dict[KeepRatios, Work] = {}

    def warm_up(self, inputs: StepInputs) -> None:
        """Do the work of one shape, which the model has been set to."""
        held = self._static.hold(inputs)
        self._recorder.warm_up(lambda: self._work(held))

    def record(self, shape: KeepRatios, inputs: StepInputs) -> None:
        """Record the work of a shape, which the model has been set to and has warmed up.

        Raises:
            RuntimeError: it cannot be recorded.
        """
        held = self._static.hold(inputs)
        self._replays[shape] = self._recorder.record(lambda: self._work(held))

    def run(self, shape: KeepRatios, inputs: StepInputs) -> None:
        """Make a step of a shape that was recorded."""
        self._static.hold(inputs)
        self._replays[shape]()


@contextmanager
def unchanged(tensors: Iterable[Tensor]) -> Iterator[None]:
    """Give ``tensors`` and the random generators back their state behind the body.

    The copies are on the host, so that the device needs no more memory for them.
    """
    changed = list(tensors)
    saved = [tensor.detach().to("cpu", copy=True) for tensor in changed]
    devices = {tensor.device for tensor in changed if tensor.is_cuda}
    with torch.random.fork_rng(devices=devices):
        try:
            yield
        finally:
            with torch.no_grad():
                for tensor, before in zip(changed, saved, strict=True):
                    tensor.copy_(before)
