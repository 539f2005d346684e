"""YAML files of settings, each of which may build on another one with ``base: PATH``."""

from pathlib import Path
from typing import Any

from trivit.models.errors import ModelsError
from trivit.models.training.scaling import epochs_of, leaves, scale_schedules
from trivit.models.yaml_text import read_yaml

BASE = "base"


def read_settings(path: Path, children: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Return what the YAML file ``path`` says, laid over what its base says.

    The base is a path relative to the file and may have a base of its own. Sections are merged
    setting by setting; any other value, a list too, replaces the base's. With
    ``training.scale_schedules`` other epochs than the base's scale its schedules.

    Args:
        path: the file.
        children: the files that build on it, for messages.

    Raises:
        ModelsError: a file is missing, empty, no YAML or no mapping, ``base`` is no path, files
            build on each other in a circle, or a section meets a value of the same name.
    """
    if path.resolve() in [child.resolve() for child in children]:
        raise ModelsError(f"config {children[-1]} builds on itself: correct its 'base'")
    try:
        mapping = read_yaml(path)
    except FileNotFoundError:
        remedy = f"correct 'base' in {children[-1]}" if children else "choose one from configs/"
        raise ModelsError(f"config {path} does not exist: {remedy}") from None
    except ModelsError as error:
        raise ModelsError(f"config {error}") from None
    except OSError as error:
        raise ModelsError(f"cannot read config {path}: {error.strerror}") from None
    if mapping is None:
        raise ModelsError(f"config {path} is empty: start it with 'model:'")
    if not isinstance(mapping, dict):
        raise ModelsError(f"config {path} is no mapping of settings: start it with 'model:'")
    if BASE not in mapping:
        return mapping
    base = mapping.pop(BASE)
    if not isinstance(base, str):
        raise ModelsError(f"config {path}: base is {base!r}: give the path of another config")
    below = read_settings(path.parent / base, (*children, path))
    try:
        both = merged(below, mapping)
    except ModelsError as error:
        raise ModelsError(f"config {path}, over its base {base}: {error}") from None
    scale_schedules(both, epochs_of(below), leaves(mapping))
    return both


def merged(below: dict[str, Any], above: dict[str, Any], where: str = "") -> dict[str, Any]:
    """Return nested settings with those of ``above`` in place of those of ``below``.

    ``null`` may take the place of a section and the reverse.

    Raises:
        ModelsError: a name is a section of settings in one of them and a value in the other.
    """
    both = {**below, **above}
    for name in below.keys() & above.keys():
        pair = below[name], above[name]
        if all(isinstance(value, dict) for value in pair):
            both[name] = merged(*pair, f"{where}{name}.")
        elif any(isinstance(value, dict) for value in pair) and None not in pair:
            value = next(value for value in pair if not isinstance(value, dict))
            raise ModelsError(f"{where}{name} is a section and cannot be {value!r}")
    return both
