"""Batches fetched ahead by threads and copied to the device beside its work.

Shape suffixes: B images, C channels, H height, W width.
"""

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Fetch = Callable[[NDArray[np.int64], NDArray[np.uint8]], None]

_AHEAD = 3


def prefetched(
    *,
    pool: Executor,
    batches: Iterable[Tensor],
    fetch: Fetch,
    slices: int,
    shape: tuple[int, int, int],
    device: torch.device,
    channels_last: bool,
) -> Iterator[Tensor]:
    """Yield uint8 (B, C, H, W) on ``device`` for each batch of indices, in order.

    ``batches`` is read on the caller's thread, three batches ahead.

    Args:
        pool: the threads.
        batches: int64 (B,) on the CPU.
        fetch: writes the images of some indices into an array (number of indices, *shape).
        slices: into how many tasks a batch is cut.
        shape: of one fetched image.
        device: where the batches go; on CUDA through pinned memory and a stream of its own.
        channels_last: whether ``shape`` is (H, W, C) rather than (C, H, W).
    """
    send = _to_cuda(device) if device.type == "cuda" else _keep
    pending: deque[tuple[Tensor, list[Future[None]]]] = deque()
    remaining = iter(batches)
    try:
        while True:
            while len(pending) <= _AHEAD and (indices := next(remaining, None)) is not None:
                pending.append(_submit(pool, fetch, indices, slices, shape, device))
            if not pending:
                return
            host, futures = pending.popleft()
            for future in futures:
                future.result()
            pixels = send(host)
            del host
            yield pixels.permute(0, 3, 1, 2).contiguous() if channels_last else pixels
    finally:
        # A consumer that stops early waits for tasks that run already, and for no others.
        for _, futures in pending:
            for future in futures:
                future.cancel()


def _submit(
    pool: Executor,
    fetch: Fetch,
    indices: Tensor,
    slices: int,
    shape: tuple[int, int, int],
    device: torch.device,
) -> tuple[Tensor, list[Future[None]]]:
    # PyTorch reuses pinned blocks, once the copies out of them are through.
    host = torch.empty((len(indices), *shape), dtype=torch.uint8, pin_memory=device.type == "cuda")
    array, rows = host.numpy(), indices.cpu().numpy()
    bounds = np.linspace(0, len(rows), min(slices, max(len(rows), 1)) + 1).astype(int)
    tasks = [
        pool.submit(fetch, rows[start:end], array[start:end])
        for start, end in itertools.pairwise(bounds)
    ]
    return host, tasks


def _keep(host: Tensor) -> Tensor:
    return host


def _to_cuda(device: torch.device) -> Callable[[Tensor], Tensor]:
    copies = torch.cuda.Stream(device)

    def send(host: Tensor) -> Tensor:
        with torch.cuda.stream(copies):
            pixels = host.to(device, non_blocking=True)
        current = torch.cuda.current_stream(device)
        current.wait_stream(copies)
        pixels.record_stream(current)  # its memory must not be reused before this stream is done
        return pixels

    return send
