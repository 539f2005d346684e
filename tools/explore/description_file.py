"""``hls/kernel.yaml`` with other numbers, its comments and order kept."""

import re
from collections.abc import Mapping
from dataclasses import replace

from trivit.tools.errors import ToolsError
from trivit.tools.kernel.description import KernelDescription

#: Sections that hold the numbers of a candidate.
SECTIONS = ("limits", "engine", "timing")


def with_values(kernel: KernelDescription, values: Mapping[str, int]) -> KernelDescription:
    """Return ``kernel`` with ``values`` by key; a key lies in limits, engine or timing.

    Raises:
        ToolsError: a key that the description does not have.
    """
    changed: dict[str, dict[str, int]] = {}
    rest = dict(values)
    for section in SECTIONS:
        numbers = dict(getattr(kernel, section))
        numbers |= {key: rest.pop(key) for key in list(rest) if key in numbers}
        changed[section] = numbers
    if rest:
        raise ToolsError(f"the kernel description has no {', '.join(sorted(rest))}")
    return replace(
        kernel,
        limits=changed["limits"],
        engine=changed["engine"],
        timing=changed["timing"],
    )


def rewrite(text: str, values: Mapping[str, int]) -> str:
    """Return the text of a kernel.yaml with ``values`` in their places.

    Raises:
        ToolsError: a key that the text does not have exactly once.
    """
    for key, value in values.items():
        text, count = re.subn(rf"(?m)^(  {re.escape(key)}: +)-?\d+", rf"\g<1>{value}", text)
        if count != 1:
            raise ToolsError(f"kernel.yaml has {count} lines for {key}: one is needed")
    return text
