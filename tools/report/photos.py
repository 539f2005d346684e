"""What a model sees in each photo, for people and as JSON."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from trivit.host.backends import Result
from trivit.tools.errors import ToolsError
from trivit.tools.photos import Photos

TOP = 5
_NAMED = 3


def photo_report(photos: Photos, result: Result, class_names: Sequence[str]) -> dict[str, Any]:
    """Return each photo's best classes, and the files without a class.

    Args:
        photos: as they were run.
        result: of the run.
        class_names: of the bundle; classes without a name get their number.
    """
    logits = result.logits
    values = np.ldexp(logits.astype(np.float64), -result.logits_frac)
    values = np.exp(values - values.max(axis=1, keepdims=True))
    shares = values / values.sum(axis=1, keepdims=True)
    best = np.argsort(-logits.astype(np.int32), axis=1, kind="stable")[:, :TOP]
    rows = [
        {
            "file": str(file),
            "top": [
                {"class": int(k), "name": _name(class_names, k), "probability": float(share[k])}
                for k in classes
            ],
        }
        for file, classes, share in zip(photos.files, best, shares, strict=True)
    ]
    return {"photos": rows, **rest_report(photos)}


def rest_report(photos: Photos) -> dict[str, Any]:
    """Return the files that are not among the photos."""
    return {
        "unreadable": [{"file": str(file), "reason": why} for file, why in photos.unreadable],
        "left_out": [str(file) for file in photos.left_out],
    }


def photo_lines(report: dict[str, Any]) -> Iterator[str]:
    """Yield a line for each photo of a report and for each file without a class."""
    for row in report.get("photos", []):
        guesses = [f"{guess['name']} {100 * guess['probability']:.1f} %" for guess in row["top"]]
        yield f"{row['file']}: {', '.join(guesses)}"
    for row in report.get("unreadable", []):
        yield f"{row['file']}: cannot be read ({row['reason']})"
    if left_out := report.get("left_out"):
        more = f" and {len(left_out) - _NAMED} more" if len(left_out) > _NAMED else ""
        named = ", ".join(left_out[:_NAMED])
        yield f"left out {len(left_out)} files that are no photos by their name: {named}{more}"


def refuse_unreadable(photos: Photos) -> None:
    """End the command as failed when a photo could not be read.

    Raises:
        ToolsError: with their number and the first of them.
    """
    if bad := photos.unreadable:
        named = ", ".join(f"{file} ({reason})" for file, reason in bad[:_NAMED])
        more = f" and {len(bad) - _NAMED} more" if len(bad) > _NAMED else ""
        total = len(bad) + len(photos.files)
        raise ToolsError(f"{len(bad)} of {total} photos could not be read: {named}{more}")


def _name(names: Sequence[str], number: int) -> str:
    return names[number] if number < len(names) else f"class {number}"
