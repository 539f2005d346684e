"""Running batches side by side, one thread each.

The quantized model is a long chain of small operations. Splitting each of them over threads makes
the threads wait for each other at every one, and wait very long when the machine is shared; whole
batches in parallel never wait.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import Tensor

Result = TypeVar("Result")


@contextmanager
def one_thread_per_operation() -> Iterator[int]:
    """Keep torch from splitting single operations; yields the thread count that returns after."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield threads
    finally:
        torch.set_num_threads(threads)


def map_batches(
    function: Callable[[Tensor], Result], batches: Iterable[Tensor]
) -> Iterator[Result]:
    """Yield ``function(batch)`` of every batch, in order, computed without gradients.

    As many batches are in flight as torch has threads; each is computed with one. ``function``
    runs in worker threads, in inference mode, and must not change what it shares with others.
    """

    def call(batch: Tensor) -> Result:
        with torch.inference_mode():
            return function(batch)

    with one_thread_per_operation() as threads, ThreadPoolExecutor(threads) as pool:
        waiting: list[Future[Result]] = []
        for batch in batches:
            waiting.append(pool.submit(call, batch))
            if len(waiting) > threads:
                yield waiting.pop(0).result()
        for future in waiting:
            yield future.result()
