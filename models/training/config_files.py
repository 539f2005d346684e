"""YAML files of settings, each of which may build on another one with ``base: PATH``."""

from pathlib import Path
from typing import Any

import yaml

from trivit.models.errors import ModelsError
from trivit.models.training.scaling import epochs_of, leaves, scale_schedules

BASE = "base"


def read_settings(path: Path, children: tuple[Path, ...] = ()) -> Any:
    """Return what the YAML file ``path`` says, laid over what its base says.

    The base is a path relative to the file and may have a base of its own. Sections are merged
    setting by setting; any other value, a list too, replaces the base's. With
    ``training.scale_schedules`` other epochs than the base's scale its schedules.

    Args:
        path: the file.
        children: the files that build on it, for messages.

    Raises:
        ModelsError: a file is missing or no YAML, ``base`` is no path, or files build on each
            other in a circle.
    """
    if path.resolve() in [child.resolve() for child in children]:
        raise ModelsError(f"config {children[-1]} builds on itself: correct its 'base'")
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        remedy = f"correct 'base' in {children[-1]}" if children else "choose one from configs/"
        raise ModelsError(f"config {path} does not exist: {remedy}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ModelsError(f"cannot read config {path}: {error}") from None
    try:
        mapping = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "not YAML"
        raise ModelsError(f"config {path}{line} is not valid YAML: {problem}") from None
    if not isinstance(mapping, dict) or BASE not in mapping:
        return mapping
    base = mapping.pop(BASE)
    if not isinstance(base, str):
        raise ModelsError(f"config {path}: base is {base!r}: give the path of another config")
    below = read_settings(path.parent / base, (*children, path))
    both = merged(below if below is not None else {}, mapping)
    if isinstance(both, dict):
        scale_schedules(both, epochs_of(below), leaves(mapping))
    return both


def merged(below: Any, above: Any) -> Any:
    """Return nested settings with those of ``above`` in place of those of ``below``."""
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    both = {**below, **above}
    return {
        name: merged(below[name], above[name]) if name in below and name in above else both[name]
        for name in both
    }
