"""Nested settings laid over each other."""

import copy
from collections.abc import Mapping
from typing import Any


def overlay(*trees: Mapping[str, Any]) -> dict[str, Any]:
    """Return one tree of mappings; where several give a value, the last one's counts."""
    result: dict[str, Any] = {}
    for tree in trees:
        for key, value in tree.items():
            if isinstance(value, Mapping):
                result[key] = overlay(result.get(key) or {}, value)
            else:
                result[key] = copy.deepcopy(value)
    return result
