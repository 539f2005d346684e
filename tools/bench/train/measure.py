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

Times = Mapping[str, Sequence[float]]


def time_rounds(
    steps: Mapping[str, Step],
    device: torch.device,
    *,
    rounds: int,
    steps_each: int,
    clock: str = "wall",
    advance: Callable[[int], None] = lambda count: None,
) -> dict[str, list[float]]:
    """Return the seconds of a step, for each round, of steps that have been warmed up.

    In a round all take their turn, so that whatever slows the machine for a while slows all of
    them, in an order of its own. Each begins with a step that is not timed: in a training the step
    before has the same shape, and the allocator and the caches are used to it.
    """
    order = random.Random(0)
    now = time.process_time if clock == "processor" else time.perf_counter
    names = list(steps)
    times: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in order.sample(names, len(names)):
            run = steps[name].run
            run()
            with Stopwatch(device, now) as watch:
                for _ in range(steps_each):
                    run()
            times[name].append(watch.seconds / steps_each)
            advance(1)
    return times


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return the median and the quartiles."""
    if len(values) < 2:
        return {"median": values[0], "low": values[0], "high": values[0]}
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return {"median": median, "low": low, "high": high}


def mixed(times: Times, weights: Mapping[str, float]) -> list[float]:
    """Return for each round the mean step of a mix of shapes."""
    columns = [[weight * value for value in times[name]] for name, weight in weights.items()]
    return [sum(values) for values in zip(*columns, strict=True)]


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


def bookkeeping(
    example: Step, times: Times, batch: Batch, *, repeats: int = 20
) -> dict[str, float | int]:
    """Return what the example level costs beside the training itself.

    ``share`` compares whole steps with and without it, round by round, so it holds the [CLS] row
    and is as noisy as the machine; ``record_ms`` and ``update_ms`` are timed alone.
    """
    device = batch.images.device
    pairs = zip(times["example"], times["dense"], strict=True)
    shares = spread([1.0 - without / with_it for with_it, without in pairs])
    outcome_B = batch.labels % 2 == 0
    variance_B = torch.rand(len(outcome_B), device=device)
    record = _median_seconds(
        lambda: example.examples.statistics.record(batch.indices, outcome_B, variance_B),
        device,
        repeats,
    )
    update = statistics.median(_update_seconds(example.examples, device) for _ in range(5))
    settings = example.config.sparsity.examples
    in_play = int(example.examples.count * settings.keep_ratio)
    steps = in_play // len(outcome_B) * settings.period_epochs
    step = statistics.median(times["example"])
    return {
        "share": shares["median"],
        "share_low": shares["low"],
        "share_high": shares["high"],
        "record_ms": 1e3 * record,
        "record_share": record / step,
        "update_ms": 1e3 * update,
        "update_share": update / (steps * step),
        "steps_between_updates": steps,
    }


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
