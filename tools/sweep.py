"""Accuracy against work: every program of a bundle on the same images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trivit.host.backends import Backend
from trivit.host.bundle import Bundle
from trivit.tools.estimate.image_cycles import image_cycles


@dataclass(frozen=True, kw_only=True)
class SweepPoint:
    """One program on some images.

    ``top1`` is in percent, None without labels; ``cycles`` are those of one image, by ``evidence``
    simulated or modelled, and ``latency_ms`` follows from them at the kernel's clock; both are None
    where the program cannot be scheduled (``reason``); ``macs`` are the multiply-accumulates of one
    image, None if the bundle does not say.
    """

    name: str
    token_keep_ratio: float
    attention_keep_ratio: float
    top1: float | None
    cycles: int | None
    latency_ms: float | None
    evidence: str
    reason: str | None
    macs: int | None
    saturations: int
    images_per_second: float


def sweep(
    bundle: Bundle,
    backend: Backend,
    images: NDArray[np.uint8],
    labels: NDArray[np.int64] | None,
    *,
    batch_size: int = 64,
    progress: Callable[[int], None] | None = None,
) -> list[SweepPoint]:
    """Run every program on uint8 images [N, C, H, W]; the most tokens come first.

    Raises:
        HostError: the images do not fit, or a backend stopped with an error.
    """
    points = []
    for program in sorted(bundle.programs, key=lambda p: -p.token_keep_ratio):
        result = backend.run(
            bundle, images, program=program.name, batch_size=batch_size, progress=progress
        )
        classes = result.logits.argmax(axis=1)
        counted = image_cycles(bundle.choose(program.name), backend, result)
        points.append(
            SweepPoint(
                name=program.name,
                token_keep_ratio=program.token_keep_ratio,
                attention_keep_ratio=program.attention_keep_ratio,
                top1=None if labels is None else 100.0 * float((classes == labels).mean()),
                cycles=counted.cycles,
                latency_ms=counted.latency_ms,
                evidence=counted.evidence,
                reason=counted.reason,
                macs=program.info.get("macs"),
                saturations=int(result.saturations.sum()),
                images_per_second=round(len(classes) / max(result.seconds, 1e-9), 2),
            )
        )
    return points
