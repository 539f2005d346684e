"""Names of classes: when two are the same, and when two sets have the same classes."""

import unicodedata
from collections.abc import Sequence

from trivit.models.errors import ModelsError


def normalised(name: str) -> str:
    """Return a name in Unicode's normal form C: macOS names folders in form D."""
    return unicodedata.normalize("NFC", name)


def check_same_classes(
    where: str, found: Sequence[str], run: str, expected: Sequence[str], remedy: str
) -> None:
    """Check that class i of one set is class i of another one.

    Sets whose classes are plain numbers have no names to compare: their number counts alone.

    Args:
        where: what has the classes ``found``.
        found: names of its classes.
        run: what has the classes ``expected``.
        expected: names of its classes.
        remedy: what to do.

    Raises:
        ModelsError: another number of classes, or another name; the first difference is named.
    """
    if len(found) != len(expected):
        raise ModelsError(f"{where} has {len(found)} classes and {run} {len(expected)}: {remedy}")
    number = first_difference(found, expected)
    if number is not None and not are_numbers(found) and not are_numbers(expected):
        raise ModelsError(
            f"class {number} is '{found[number]}' in {where} and '{expected[number]}' in {run}: "
            f"{remedy}"
        )


def first_difference(found: Sequence[str], expected: Sequence[str]) -> int | None:
    """Return the first class whose name differs or is in one list only; ``None``: the same."""
    for number, (here, there) in enumerate(zip(found, expected, strict=False)):
        if normalised(here) != normalised(there):
            return number
    shorter = min(len(found), len(expected))
    return None if len(found) == len(expected) else shorter


def are_numbers(names: Sequence[str]) -> bool:
    """Return whether classes are called 0, 1, 2 and so on, which is no name."""
    return list(names) == [str(number) for number in range(len(names))]
