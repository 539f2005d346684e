"""What the demo must show."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Requirements:
    """Bounds on the figures of ``summary.json``; accuracies in percent.

    Attributes:
        float_top1: least accuracy of the float model.
        accuracy_loss: most points between it and the quantized model or the emulator.
        agreement: least percentage of images that emulator and quantized model class alike.
        reference_images: least images compared tensor by tensor.
        emulator_images: least images through the emulator.
    """

    float_top1: float = 80.0
    accuracy_loss: float = 0.5
    agreement: float = 99.5
    reference_images: int = 64
    emulator_images: int = 2000


def failures(summary: Mapping[str, Any], requirements: Requirements) -> list[str]:
    """Return one sentence for each requirement that ``summary`` misses."""
    found = []
    if summary["float_top1"] < requirements.float_top1:
        found.append(
            f"float top-1 {summary['float_top1']:.2f} % is below {requirements.float_top1:.0f} %"
        )
    # The emulator may have run fewer images than the float model: each against its own images.
    for name, base in (
        ("quantized_top1", "float_top1"),
        ("emulator_top1", "float_top1_on_emulator_images"),
    ):
        if abs(summary[name] - summary[base]) > requirements.accuracy_loss + 1e-9:
            found.append(
                f"{name} {summary[name]:.2f} % is more than {requirements.accuracy_loss} points "
                f"from the float model's {summary[base]:.2f} %"
            )
    if summary["emulator_quantized_agreement"] < requirements.agreement:
        found.append(
            "emulator and quantized model agree on "
            f"{summary['emulator_quantized_agreement']:.2f} % of the images, "
            f"fewer than {requirements.agreement} %"
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
