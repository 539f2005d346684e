"""Settings of a command line, ``--set a.b=value``, as nested settings."""

from collections.abc import Iterator, Sequence
from typing import Any

from trivit.models.errors import ModelsError
from trivit.models.yaml_text import parse_value

Path = tuple[str, ...]


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
