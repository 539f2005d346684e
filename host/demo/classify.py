"""One image after the other through a backend: classes, kept tokens, cycles, time."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trivit.host.backends import Backend
from trivit.host.bundle import Bundle
from trivit.host.demo.images import Picture
from trivit.host.generated.board import CLOCK_MHZ
from trivit.host.kept_tokens import kept_positions, list_names
from trivit.host.tracing import with_trace

#: Backends that run instructions, so that any tensor can be brought back.
_TRACING = ("reference", "emulator")


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A picture and what the accelerator makes of it.

    ``classes`` are the best ones with their probabilities; ``kept`` the patches that each selector
    keeps, (K,) each; ``cycles`` 0 where the backend counts none, ``device_ms`` what they are at the
    design's clock; ``wall_ms`` is preprocessing and run together, on this machine.
    """

    picture: Picture
    classes: tuple[tuple[str, float], ...]
    kept: tuple[NDArray[np.int64], ...]
    cycles: int
    wall_ms: float

    @property
    def device_ms(self) -> float:
        """Milliseconds that the cycles take."""
        return self.cycles / (1000 * CLOCK_MHZ)


def shows_kept_tokens(bundle: Bundle, backend: Backend) -> tuple[Bundle, bool]:
    """Return the bundle to run, and whether its results hold the lists of kept tokens."""
    names = set(list_names(bundle.first))
    if not names:
        return bundle, False
    if names <= {output.name for output in bundle.outputs}:
        return bundle, True
    if backend.name in _TRACING:
        return with_trace(bundle, names), True
    return bundle, False


def classify(
    bundle: Bundle, backend: Backend, pictures: Iterable[Picture], *, best: int = 3
) -> Iterator[Seen]:
    """Yield what the bundle's first program makes of each picture.

    Raises:
        HostError: the backend fails.
    """
    bundle, kept = shows_kept_tokens(bundle.choose(), backend)
    for picture in pictures:
        begin = time.perf_counter()
        result = backend.run(bundle, picture.pixels[None])
        seconds = time.perf_counter() - begin
        share = probabilities(result.logits[0], result.logits_frac)
        order = np.argsort(-share, kind="stable")[:best]
        positions = kept_positions(bundle, result.tensors) if kept else []
        yield Seen(
            picture=picture,
            classes=tuple((bundle.class_names[i], float(share[i])) for i in order),
            kept=tuple(found[0] for found in positions),
            cycles=int(result.cycles.sum()),
            wall_ms=1000 * seconds,
        )


def probabilities(logits: NDArray[np.int16], frac: int) -> NDArray[np.float64]:
    """Return softmax of (classes,) integers with ``frac`` fraction bits."""
    values = logits.astype(np.float64) * 2.0**-frac
    shares = np.exp(values - values.max())
    return np.asarray(shares / shares.sum())
