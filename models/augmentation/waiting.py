"""What steps wait for when they wait for a batch."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from trivit.models.clock import StepClock


class WaitingClock:
    """Times the making of batches, without making the device wait.

    Reading is the time that the host waits for images. On a CPU, where nothing else goes on
    meanwhile, augmenting is the time that it takes. On CUDA copying and augmenting are the times
    that they take in their stream, beside the steps: how much of them steps wait for, `causes`
    derives.
    """

    def __init__(self, device: torch.device) -> None:
        self._reading = 0.0
        self._parts = {"fetching": 0.0, "augmenting": 0.0}
        self._clock = StepClock(device, self._parts)

    @contextmanager
    def fetching(self) -> Iterator[None]:
        """Time the body as the host's waiting for images, and their copy in the present stream."""
        self._clock.start()
        started = time.perf_counter()
        yield
        self._reading += time.perf_counter() - started
        self._clock.mark("fetching")

    @contextmanager
    def augmenting(self) -> Iterator[None]:
        """Time the body as augmentation; it follows `fetching`."""
        yield
        self._clock.mark("augmenting")

    def causes(self, waited: float) -> dict[str, float]:
        """Return the seconds that steps have ``waited`` for batches by cause, and begin again.

        Of what they waited, reading is as much as the host did. Copying and augmenting share the
        rest as their own times are, up to these times; what is left then is other work.
        """
        self._clock.finish()
        reading = min(self._reading, waited)
        copying = max(0.0, self._parts["fetching"] - self._reading)
        augmenting = self._parts["augmenting"]
        rest = waited - reading
        share = min(1.0, rest / ((copying + augmenting) or 1.0))
        self._reading = 0.0
        self._parts.update(fetching=0.0, augmenting=0.0)
        return {
            "reading": reading,
            "copying": share * copying,
            "augmenting": share * augmenting,
            "other": max(0.0, rest - share * (copying + augmenting)),
        }
