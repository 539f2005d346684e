"""Several processes that train one model (torchrun): each takes its part of every batch.

Every process keeps the same subset, counters and schedules: what it draws comes from the seed and
covers the whole batch, and statistics are exchanged in the order of the ranks, which is the order
of the batch. So a run does not depend on the number of processes, up to rounding.

What one process cannot do none goes on with: its error ends all, and is told once.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from trivit.models.errors import ModelsError
from trivit.models.layers.sparse_transformer import ForwardDetails, SparseTransformer

#: Time for gloo's threads to let go of tensors before the group ends.
_LAST_WORK_SECONDS = 0.2

#: Of a process that another one's error ends.
_STATUS = 2


class World(NamedTuple):
    """This process's place: ``rank`` of ``size`` processes."""

    rank: int
    size: int


def world() -> World:
    """Return this process's place; without a process group it is alone."""
    if dist.is_available() and dist.is_initialized():
        return World(dist.get_rank(), dist.get_world_size())
    return World(0, 1)


def is_first_process() -> bool:
    """Return whether this is the process that speaks for all, also outside of the group."""
    return int(os.environ.get("RANK", "0")) == 0


@contextmanager
def process_group(device: str) -> Iterator[None]:
    """Join the processes that torchrun started, over nccl or gloo; does nothing when alone.

    Args:
        device: the setting ``training.device``.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or world().size > 1:
        yield
        return
    on_cuda = device != "cpu" and torch.cuda.is_available()
    if on_cuda:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    dist.init_process_group("nccl" if on_cuda else "gloo")
    try:
        yield
    finally:
        # A gloo thread that still lets go of the last tensor needs the interpreter's lock. The
        # group's destructor waits for that thread while holding the lock: for ever. So pause here.
        time.sleep(_LAST_WORK_SECONDS)
        dist.destroy_process_group()


def barrier() -> None:
    """Wait for all processes."""
    if world().size > 1:
        dist.barrier()


def all_sum(tensor: Tensor) -> Tensor:
    """Return the sum over all processes, in place."""
    if world().size > 1:
        dist.all_reduce(tensor)
    return tensor


def all_mean(tensor: Tensor) -> Tensor:
    """Return the mean over all processes, in place."""
    size = world().size
    return all_sum(tensor.div_(size)) if size > 1 else tensor


def in_rank_order(tensor: Tensor) -> Tensor:
    """Return the equally long tensors of all processes, one after the other."""
    size = world().size
    if size == 1:
        return tensor
    parts = [torch.empty_like(tensor) for _ in range(size)]
    dist.all_gather(parts, tensor.contiguous())
    return torch.cat(parts)


def part_of_batch(batch_size: int) -> slice:
    """Return which images of a batch this process takes.

    Raises:
        ModelsError: the processes cannot share the batch equally.
    """
    rank, size = world()
    if batch_size % size:
        raise ModelsError(
            f"training.batch_size is {batch_size}: choose a multiple of the {size} processes"
        )
    own = batch_size // size
    return slice(rank * own, (rank + 1) * own)


def any_process(value: bool) -> bool:
    """Return whether ``value`` is true in any process. All processes call it."""
    values: list[bool] = [value] * world().size
    if len(values) > 1:
        dist.all_gather_object(values, value)
    return any(values)


class StoppedByAnotherError(SystemExit):
    """Ends this process with exit status 2 and no message: the process that failed has told it."""


@contextmanager
def all_or_none() -> Iterator[None]:
    """Run the body in all processes and wait for all; if it fails in one, all of them stop.

    The first process that failed raises its error, every other one ``StoppedByAnotherError``. The
    body must exchange nothing, as a process that failed does not answer.
    """
    place = world()
    if place.size == 1:
        yield
        return
    error: Exception | None = None
    try:
        yield
    except Exception as raised:
        error = raised
    failed: list[bool] = [False] * place.size
    dist.all_gather_object(failed, error is not None)
    if not any(failed):
        return
    if error is not None and failed.index(True) == place.rank:
        raise error
    raise StoppedByAnotherError(_STATUS)


@contextmanager
def told_when_others_stop() -> Iterator[None]:
    """Turn what an exchange with a process that is gone raises into one line.

    Raises:
        ModelsError: another process stopped between two exchanges.
    """
    try:
        yield
    except RuntimeError as error:
        if world().size > 1 and (isinstance(error, dist.DistError) or "gloo" in str(error)):
            raise ModelsError(
                "another process of this run stopped: its message, or torchrun's, says why"
            ) from error
        raise


class _Details(nn.Module):
    """Gives the forward pass that training uses the name that DDP calls."""

    def __init__(self, model: SparseTransformer) -> None:
        super().__init__()
        self.model = model

    def forward(self, *arguments: Any, **settings: Any) -> ForwardDetails:
        """Return ``forward_details`` of the model."""
        return self.model.forward_details(*arguments, **settings)


def shared_forward(model: SparseTransformer, device: torch.device) -> Callable[..., ForwardDetails]:
    """Return the model's ``forward_details``, which averages gradients over the processes."""
    if world().size == 1:
        return model.forward_details
    devices = [torch.cuda.current_device()] if device.type == "cuda" else None
    return DistributedDataParallel(_Details(model), device_ids=devices, broadcast_buffers=False)
