"""The accelerator's part of the demo: emulator, oracle and the two programs' cycles."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trivit.host.backends import Backend, Result
from trivit.host.bundle import Bundle
from trivit.host.generated.spec import TIMING
from trivit.tools.demo.settings import DemoSettings
from trivit.tools.estimate import estimate_bundle

BATCH = 64

Advance = Callable[[int], None]


@dataclass(frozen=True)
class EmulatorRun:
    """Logits int16 [N, classes] of the first N test images, and the seconds in the kernel."""

    logits: NDArray[np.int16]
    saturations: int
    seconds: float

    @property
    def classes(self) -> NDArray[np.int64]:
        """Predicted class of each image."""
        return self.logits.argmax(axis=1)

    def top1(self, labels: NDArray[np.int64]) -> float:
        """Percentage of images whose predicted class is the label."""
        return 100.0 * float((self.classes == labels[: len(self.logits)]).mean())


def run_emulator(
    emulator: Backend,
    bundle: Bundle,
    images: NDArray[np.uint8],
    settings: DemoSettings,
    advance: Advance,
) -> EmulatorRun:
    """Run the sparse program on the first images, and on all when the time budget allows it."""
    least = min(settings.emulator_images, len(images))
    results: list[Result] = []
    done, seconds = 0, 0.0
    while done < len(images):
        if done >= least and seconds / done * len(images) > settings.emulator_seconds:
            break
        result = emulator.run(bundle, images[done : done + BATCH], batch_size=BATCH)
        results.append(result)
        done += len(result.logits)
        seconds += result.seconds
        advance(len(result.logits))
    return EmulatorRun(
        logits=np.concatenate([r.logits for r in results]),
        saturations=sum(int(r.saturations.sum()) for r in results),
        seconds=seconds,
    )


def cycles_per_image(emulator: Backend, bundle: Bundle, images: NDArray[np.uint8]) -> int:
    """Return the kernel's modelled cycles for one image of the bundle's first program."""
    result = emulator.run(bundle, images, batch_size=BATCH)
    return round(int(result.cycles.sum()) / len(images))


def cycle_figures(
    emulator: Backend, bundle: Bundle, names: Sequence[str], images: NDArray[np.uint8]
) -> dict[str, Any]:
    """Return cycles, latency and work of the named programs of ``bundle``.

    ``modelled_cycles`` is the kernel's own count, ``estimated_cycles`` the formulas' of
    docs/cycles.md; ``open_macs`` leaves out masked connections, which the kernel computes.
    """
    clock_mhz = TIMING["clock_mhz"]
    programs = {name: bundle.choose(name) for name in names}
    cycles = {name: cycles_per_image(emulator, b, images) for name, b in programs.items()}
    estimates = {name: estimate_bundle(program) for name, program in programs.items()}
    return {
        "clock_mhz": clock_mhz,
        "modelled_cycles": cycles,
        "estimated_cycles": {name: e.cycles for name, e in estimates.items()},
        "modelled_latency_ms": {name: c / (clock_mhz * 1e3) for name, c in cycles.items()},
        "macs": {name: e.macs for name, e in estimates.items()},
        "open_macs": {name: e.open_macs for name, e in estimates.items()},
    }
