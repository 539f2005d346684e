"""Batches are made beside the steps: on CUDA, on a stream of their own."""

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


class Beside:
    """A CUDA stream on which the next batch is made while a step runs; nothing on a CPU.

    The caller takes a batch, launches a step with it on the stream that is current, and takes the
    next one. The host does not wait for that step, so the next batch is made while it runs. A batch
    is begun no earlier: not before the step ahead of that one has ended. So no more than two
    batches are in memory, and the host is at most two steps ahead of the device.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None
        # Where the caller's stream was at the last calls: the ends of the last steps.
        self._ends: deque[torch.cuda.Event] = deque()

    @contextmanager
    def making(self) -> Iterator[None]:
        """Put what the body launches onto the stream."""
        if self._stream is None:
            yield
            return
        end = torch.cuda.Event()
        end.record(torch.cuda.current_stream(self._device))
        self._ends.append(end)
        if len(self._ends) > 2:
            # Two steps are still to be done: the device does not run dry meanwhile.
            self._ends.popleft().synchronize()
        self._stream.wait_event(self._ends[0])
        with torch.cuda.stream(self._stream):
            yield

    def hand_over(self, tensors: Iterable[Tensor | None]) -> None:
        """Let the caller's stream wait until these tensors are there, and be their user."""
        if self._stream is None:
            return
        current = torch.cuda.current_stream(self._device)
        current.wait_stream(self._stream)
        for tensor in tensors:
            if tensor is not None:
                # Its memory must not be written to again before the caller's stream has read it.
                tensor.record_stream(current)
