"""What the demo must show."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Requirements:
    """Bounds on the figures of ``summary.json``; accuracies are fractions.

    Attributes:
        float_top1: least accuracy of the float model.
        accuracy_loss: most that the quantized model and the emulator may lose against it.
        reference_images: least images compared tensor by tensor.
        emulator_images: least images through the emulator.
    """

    float_top1: float = 0.80
    accuracy_loss: float = 0.005
    reference_images: int = 64
    emulator_images: int = 2000


def failures(summary: Mapping[str, Any], requirements: Requirements) -> list[str]:
    """Return one sentence for each requirement that ``summary`` misses."""
    found = []
    if summary["float_top1"] < requirements.float_top1:
        found.append(
            f"float top-1 {summary['float_top1']:.2%} is below {requirements.float_top1:.0%}"
        )
    # The emulator may have run fewer images than the float model: compare it on its own images.
    for name, base in (
        ("quantized_top1", "float_top1"),
        ("emulator_top1", "float_top1_of_emulator_images"),
    ):
        # Half an image in 10,000 of slack: the fractions are binary floats.
        if abs(summary[name] - summary[base]) > requirements.accuracy_loss + 5e-5:
            found.append(
                f"{name} {summary[name]:.2%} is more than {requirements.accuracy_loss:.1%} "
                f"from the float model's {summary[base]:.2%}"
            )
    for name in ("reference_images", "emulator_images"):
        if summary[name] < getattr(requirements, name):
            found.append(f"{name} {summary[name]} is below {getattr(requirements, name)}")
    if summary["reference_mismatches"]:
        found.append(
            f"{summary['reference_mismatches']} integers differ between reference and emulator, "
            f"first in {summary['reference_differing'][0]}"
        )
    return found
