"""Cycles of an image for a report: counted by device or simulation, else modelled, else why not."""

from dataclasses import dataclass
from typing import Any

from trivit.host.backends import Backend, Result
from trivit.host.backends.session import CycleSource
from trivit.host.bundle import Bundle
from trivit.tools.errors import ToolsError
from trivit.tools.estimate.estimate import milliseconds, modelled_cycles

MODELLED = CycleSource.modelled.name


@dataclass(frozen=True, kw_only=True)
class ImageCycles:
    """Cycles of one image, where they come from, and ``reason`` if there are none."""

    cycles: int | None
    evidence: str
    reason: str | None = None

    @property
    def latency_ms(self) -> float | None:
        """Milliseconds at the kernel's clock."""
        return None if self.cycles is None else milliseconds(self.cycles)

    def figures(self) -> dict[str, Any]:
        """Return cycles and latency by names that say what they are, or the reason."""
        if self.cycles is None:
            return {f"no_{self.evidence}_cycles": self.reason}
        return {
            f"{self.evidence}_cycles": self.cycles,
            f"{self.evidence}_latency_ms": self.latency_ms,
        }


def model_cycles(bundle: Bundle) -> ImageCycles:
    """Return the modelled cycles of the bundle's first program, or why it cannot be scheduled."""
    try:
        return ImageCycles(cycles=modelled_cycles(bundle), evidence=MODELLED)
    except ToolsError as error:
        return ImageCycles(cycles=None, evidence=MODELLED, reason=str(error))


def image_cycles(bundle: Bundle, backend: Backend, result: Result) -> ImageCycles:
    """Return what the backend counted for the bundle's first program, or its modelled cycles."""
    if backend.source is not None:
        counted = int(result.cycles.sum()) // len(result.logits)
        return ImageCycles(cycles=counted, evidence=backend.source.name)
    return model_cycles(bundle)
