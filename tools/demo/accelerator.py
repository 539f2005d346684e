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
from trivit.tools.estimate.image_cycles import model_cycles

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


def cycle_figures(bundle: Bundle, names: Sequence[str]) -> dict[str, Any]:
    """Return modelled cycles, latency and work of the named programs of ``bundle``.

    Cycles are None where a program cannot be scheduled, with the reason in ``no_cycles_because``;
    ``open_macs`` leaves out masked connections, which the array computes.
    """
    programs = {name: bundle.choose(name) for name in names}
    counted = {name: model_cycles(program) for name, program in programs.items()}
    work = {name: program.first.info for name, program in programs.items()}
    return {
        "clock_mhz": TIMING["clock_mhz"],
        "modelled_cycles": {name: c.cycles for name, c in counted.items()},
        "modelled_latency_ms": {name: c.latency_ms for name, c in counted.items()},
        "no_cycles_because": {name: c.reason for name, c in counted.items() if c.reason},
        "macs": {name: info["macs"] for name, info in work.items()},
        "open_macs": {name: info["open_macs"] for name, info in work.items()},
    }
