"""ReaL: reassessed labels of ImageNet's validation images, any number of right classes for each.

A prediction counts when it is one of an image's labels; images without any are left out.

Shape suffixes: B images, C classes.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from trivit.models.errors import ModelsError

_NUMBER = re.compile(r"ILSVRC2012_val_(\d{8})\.")


@dataclass(frozen=True)
class MultiLabels:
    """Which classes are right for each image.

    Attributes:
        allowed: bool (B, C), on the device of the predictions.
    """

    allowed: Tensor

    def __len__(self) -> int:
        return len(self.allowed)

    def to(self, device: torch.device) -> "MultiLabels":
        """Return the same labels on ``device``."""
        return replace(self, allowed=self.allowed.to(device))

    def first(self, count: int) -> "MultiLabels":
        """Return those of the first ``count`` images."""
        return replace(self, allowed=self.allowed[:count])

    def hits(self, predicted_B: Tensor) -> Tensor:
        """Return whether each predicted class, int64 (B,), is right: bool (B,)."""
        return self.allowed.gather(1, predicted_B.unsqueeze(1)).squeeze(1)

    def counted(self) -> Tensor:
        """Return whether each image has any label: bool (B,)."""
        return self.allowed.any(dim=1)

    def top1(self, predicted_B: Tensor) -> float:
        """Return the percentage of right predictions among the images with a label."""
        return 100.0 * int(self.hits(predicted_B).sum()) / int(self.counted().sum())


def load_real_labels(path: Path | str, names: Sequence[str], classes: int) -> MultiLabels:
    """Read ``real.json`` for the images ``names``, as `StoredImages.names` gives them.

    The file has a list of classes for each of ``ILSVRC2012_val_00000001`` and so on, so an image is
    found by the number in its name, in whatever order the images are.

    Raises:
        ModelsError: not such a file, a name without a number or beyond the file, or a class that
            the model has not.
    """
    path = Path(path)
    try:
        lists = json.loads(path.read_text(encoding="utf-8-sig"))
        if not isinstance(lists, list) or not all(isinstance(entry, list) for entry in lists):
            raise ValueError("it is no list of lists")
        values = [value for entry in lists for value in entry]
        if not all(type(value) is int for value in values):
            raise ValueError("a label is no whole number")
    except (OSError, ValueError) as error:
        raise ModelsError(f"cannot read ReaL labels {path} ({error}): fetch it again") from None
    for value in values:
        if not 0 <= value < classes:
            raise ModelsError(f"{path} has label {value} and the data set {classes} classes")
    allowed = torch.zeros(len(names), classes, dtype=torch.bool)
    for row, name in enumerate(names):
        match = _NUMBER.search(name)
        if match is None or not 1 <= int(match[1]) <= len(lists):
            raise ModelsError(
                f"{path} has no entry for {name}: ReaL labels are for the {len(lists)} images "
                "ILSVRC2012_val_*"
            )
        allowed[row, lists[int(match[1]) - 1]] = True
    if not bool(allowed.any()):
        raise ModelsError(f"{path} has no label for any of the {len(names)} images")
    return MultiLabels(allowed)
