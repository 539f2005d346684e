"""Times training steps in interleaved rounds, and the memory that each needs."""

import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from trivit.models.augmentation.batches import Batch
from trivit.models.clock import Stopwatch, timed
from trivit.models.methods.examples.selector import ExampleSelector
from trivit.tools.bench.train.steps import Step

_MIB = 1 << 20

#: Seconds of a step by shape.
Round = Mapping[str, float]


def time_round(
    steps: Mapping[str, Step],
    device: torch.device,
    order: random.Random,
    *,
    steps_each: int,
    clock: str = "wall",
) -> dict[str, float]:
    """Return the seconds of a step, of steps that have been warmed up.

    All take their turn, so that whatever slows the machine for a while slows all of them, in an
    order that ``order`` draws. Each begins with a step that is not timed: in a training the step
    before has the same shape, and the allocator and the caches are used to it.
    """
    now = time.process_time if clock == "processor" else time.perf_counter
    times: dict[str, float] = {}
    for name in order.sample(list(steps), len(steps)):
        run = steps[name].run
        run()
        with Stopwatch(device, now) as watch:
            for _ in range(steps_each):
                run()
        times[name] = watch.seconds / steps_each
    return times


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return the median and the quartiles."""
    if len(values) < 2:
        return {"median": values[0], "low": values[0], "high": values[0]}
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return {"median": median, "low": low, "high": high}


def mixed(rounds: Sequence[Round], weights: Mapping[str, float]) -> dict[int, float]:
    """Return the mean step of a mix of shapes, for each round that has them all, by its number."""
    return {
        index: sum(weight * times[name] for name, weight in weights.items())
        for index, times in enumerate(rounds)
        if weights.keys() <= times.keys()
    }


def memory_mib(step: Step, device: torch.device) -> dict[str, Any]:
    """Return what one step needs, after a first one: MiB, and of what.

    On CUDA: parameters, optimizer state and the highest that the step allocates beside them. On a
    CPU, where the allocator keeps what was freed: parameters, optimizer state and the tensors that
    the forward pass keeps for the backward pass.
    """
    state = step.weights.held_bytes()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        step.run()
        torch.cuda.synchronize(device)
        extra = torch.cuda.max_memory_allocated(device) - before
        return {"mib": (state + extra) / _MIB, "of": "weights, optimizer and step, peak"}
    with kept_for_backward(step) as kept:
        step.run()
    return {"mib": (state + kept()) / _MIB, "of": "weights, optimizer and what backward needs"}


@contextmanager
def kept_for_backward(step: Step) -> Iterator[Callable[[], int]]:
    """Yield a function that returns the bytes that were kept, each storage once, no parameters."""
    parameters = {p.untyped_storage().data_ptr() for p in step.weights.runs.parameters()}
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        # Kept tensors live until the backward pass, so no address is used twice before it.
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in parameters:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        yield lambda: sum(kept.values())


def bookkeeping(example: Step, batch: Batch, *, repeats: int = 20) -> dict[str, float]:
    """Return the seconds of the example level's work alone: to record a batch, and of an update."""
    device = batch.images.device
    outcome_B = batch.labels % 2 == 0
    variance_B = torch.rand(len(outcome_B), device=device)
    record = _median_seconds(
        lambda: example.examples.record(batch.indices, outcome_B, variance_B),
        device,
        repeats,
    )
    update = statistics.median(_update_seconds(example.examples, device) for _ in range(5))
    return {"record": record, "update": update}


def _update_seconds(selector: ExampleSelector, device: torch.device) -> float:
    """Return the time of an update after a period in which all examples fared differently."""
    count = selector.count
    selector.statistics.presentations.fill_(30)
    selector.statistics.learned.fill_(True)
    selector.statistics.forgotten.copy_(torch.randint(0, 5, (count,)))
    selector.statistics.variance_sum.copy_(torch.rand(count))
    return timed(selector.update, device)


def _median_seconds(work: Callable[[], object], device: torch.device, repeats: int) -> float:
    seconds = [timed(work, device) for _ in range(repeats + 1)]
    return statistics.median(seconds[1:])  # the first one warms up
