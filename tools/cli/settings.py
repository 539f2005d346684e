"""Options as values: ``--set KEY=VALUE`` as settings, ``--keep`` as ratios, ``--grid`` as sizes."""

import re
from collections.abc import Callable
from typing import TypeVar

from trivit.tools.errors import ToolsError

T = TypeVar("T")


def keep_ratios(text: str | None) -> tuple[float, ...]:
    """Read token keep ratios such as ``1.0,0.9,0.8``; none gives an empty tuple.

    Raises:
        ToolsError: a word that is no number above 0 and at most 1.
    """
    ratios = []
    for word in (text or "").split(",") if text is not None else []:
        try:
            ratio = float(word)
        except ValueError:
            ratio = 0.0
        if not 0 < ratio <= 1:
            raise ToolsError(
                f"--keep {text}: '{word.strip()}' is no ratio above 0 and at most 1; "
                "write it as 1.0,0.9,0.8"
            )
        ratios.append(ratio)
    return tuple(ratios)


def patch_grid(text: str) -> tuple[int, int]:
    """Read rows and columns such as ``6x4``.

    Raises:
        ToolsError: something else.
    """
    match = re.fullmatch(r"\s*([1-9]\d*)\s*[x×]\s*([1-9]\d*)\s*", text, re.IGNORECASE)
    if match is None:
        raise ToolsError(f"--grid is '{text}': write it as ROWSxCOLUMNS, such as 6x4")
    return int(match[1]), int(match[2])


def settings_from(kind: type[T], overrides: list[str]) -> T:
    """Build ``kind`` from its defaults and ``overrides``, ``key=value`` with values in YAML.

    Raises:
        ModelsError: overrides that cannot be read or contradict each other, an unknown key, or a
            value of another type or out of its range.
    """
    from trivit.models.nested_settings import read_overrides
    from trivit.models.settings import from_mapping

    return from_mapping(kind, read_overrides(overrides))


def numbers(
    option: str, text: str | None, kind: Callable[[str], T], count: int | None = None
) -> tuple[T, ...]:
    """Read numbers such as ``1,2.5``; none gives an empty tuple.

    Args:
        option: its name, for the message.
        text: as given.
        kind: int or float.
        count: how many there must be.

    Raises:
        ToolsError: a word that is no such number, or another count of them.
    """
    if text is None:
        return ()
    try:
        found = tuple(kind(word) for word in text.split(","))
    except ValueError:
        found = ()
    if not found or count not in (None, len(found)):
        wanted = "numbers" if count is None else f"{count} numbers"
        raise ToolsError(f"{option} {text}: write {wanted} with commas between them")
    return found
