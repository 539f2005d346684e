"""Run the same program on two backends and compare every intermediate tensor."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from trivit.host.backends import Backend
from trivit.host.bundle import Bundle
from trivit.host.tracing import with_trace


@dataclass(kw_only=True)
class Comparison:
    """What a comparison found.

    Attributes:
        images: images run on both backends.
        tensors: named tensors compared for each image.
        values: integers compared.
        mismatches: integers that differ; saturation counters that differ count as well.
        differing: names of what differed, in program order.
    """

    images: int = 0
    tensors: int = 0
    values: int = 0
    mismatches: int = 0
    differing: list[str] = field(default_factory=list)


def compare_backends(
    bundle: Bundle,
    images: np.ndarray,
    expected: Backend,
    actual: Backend,
    *,
    batch_size: int = 16,
    advance: Callable[[int], None] = lambda steps: None,
) -> Comparison:
    """Compare all named tensors of ``bundle`` on ``images`` (uint8 [N, C, H, W]), bit for bit.

    Raises:
        HostError: the images do not fit, or a backend stopped with an error.
    """
    traced = with_trace(bundle)
    comparison = Comparison(tensors=len(traced.outputs))
    for start in range(0, len(images), batch_size):
        batch = images[start : start + batch_size]
        wanted, found = expected.run(traced, batch), actual.run(traced, batch)
        for name, tensor in wanted.tensors.items():
            _count(comparison, name, tensor, found.tensors[name])
        _count(comparison, "saturations", wanted.saturations, found.saturations)
        comparison.images += len(batch)
        advance(len(batch))
    return comparison


def _count(comparison: Comparison, name: str, wanted: np.ndarray, found: np.ndarray) -> None:
    if wanted.shape != found.shape:
        different = max(wanted.size, found.size)
    else:
        different = int(np.count_nonzero(wanted != found))
    comparison.values += wanted.size
    comparison.mismatches += different
    if different and name not in comparison.differing:
        comparison.differing.append(name)
