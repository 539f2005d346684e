"""Nested settings before they become dataclasses: laid over each other, or from ``--set``."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trivit.models.errors import ModelsError
from trivit.models.yaml_text import parse_value

Path = tuple[str, ...]


def overlay(*trees: Mapping[str, Any]) -> dict[str, Any]:
    """Return copies of nested settings, those of later trees in place of those of earlier ones.

    Sections are merged setting by setting; any other value, a list too, replaces the one before.
    ``null`` may take the place of a section and the reverse.

    Raises:
        ModelsError: a name is a section of settings in one of them and a value in another.
    """
    below: dict[str, Any] = {}
    for above in trees:
        below = _laid_over(below, above, "")
    return below


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any], where: str) -> dict[str, Any]:
    both = dict(below)
    for name, value in above.items():
        other = both.get(name)
        if isinstance(other, Mapping) and isinstance(value, Mapping):
            both[name] = _laid_over(other, value, f"{where}{name}.")
        elif other is not None and value is not None and _is_section(other) != _is_section(value):
            plain = value if _is_section(other) else other
            raise ModelsError(f"{where}{name} is a section and cannot be {plain!r}")
        else:
            both[name] = copy.deepcopy(value)
    return both


def _is_section(value: object) -> bool:
    return isinstance(value, Mapping)


def leaves(tree: Any, where: str = "") -> set[str]:
    """Return the dotted names of all values of nested settings."""
    if not isinstance(tree, dict):
        return {where}
    names: set[str] = set()
    for key, value in tree.items():
        names |= leaves(value, f"{where}.{key}" if where else str(key))
    return names


def read_overrides(overrides: Sequence[str]) -> dict[str, Any]:
    """Return ``a.b=value`` texts (values in YAML) as nested dicts.

    A value may be a section, ``a={b: 1, c: 2}``: it sets those settings and no others.

    Raises:
        ModelsError: a text without ``=``, a value that is no YAML or an empty section, or two texts
            that give one setting different values or take one name for a setting and a section.
    """
    tree: dict[str, Any] = {}
    given: dict[Path, tuple[str, Any]] = {}
    for override in overrides:
        name, equals, text = override.partition("=")
        if not equals or not name.strip():
            raise ModelsError(f"cannot read --set '{override}': write it as key=value, as in a.b=1")
        value = parse_value(text, f"--set '{override}'")
        for path, leaf in _leaves(tuple(name.strip().split(".")), value):
            if leaf == {}:
                raise ModelsError(
                    f"--set '{override}' changes nothing: name the settings to change"
                )
            _refuse_conflict(given, path, leaf, override)
            given[path] = (override, leaf)
            section = tree
            for level in path[:-1]:
                section = section.setdefault(level, {})
            section[path[-1]] = leaf
    return tree


def _leaves(path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _leaves((*path, str(name)), inner)
    else:
        yield path, value


def _refuse_conflict(
    given: dict[Path, tuple[str, Any]], path: Path, value: Any, override: str
) -> None:
    for other, (text, earlier) in given.items():
        shared = min(len(path), len(other))
        if path[:shared] == other[:shared] and (path != other or value != earlier):
            raise ModelsError(
                f"--set '{text}' and --set '{override}' contradict each other: keep one of them"
            )
