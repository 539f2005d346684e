"""An experiment from YAML files and ``--set``, and back into a file.

A file may build on another one with ``base: PATH``.
"""

from pathlib import Path
from typing import Any

from trivit.models.errors import ModelsError
from trivit.models.experiment.config import ExperimentConfig
from trivit.models.experiment.scaling import epochs_of, scale_schedules
from trivit.models.files import atomic_write
from trivit.models.nested_settings import leaves, overlay, read_overrides
from trivit.models.settings import from_mapping, to_mapping
from trivit.models.yaml_text import dump_yaml, read_yaml

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
        both = overlay(below, mapping)
    except ModelsError as error:
        raise ModelsError(f"config {path}, over its base {base}: {error}") from None
    scale_schedules(both, epochs_of(below), leaves(mapping))
    return both


def parse_config(mapping: object, overrides: list[str] | None = None) -> ExperimentConfig:
    """Build the configuration from nested mappings and ``a.b=value`` overrides (values in YAML).

    Raises:
        ModelsError: unknown key, wrong type, value out of range, or overrides that cannot be read
            or contradict each other.
    """
    if not isinstance(mapping, dict):
        raise ModelsError("the config is no mapping of settings: start it with 'model:'")
    given = read_overrides(overrides or [])
    tree = overlay(mapping, given)
    scale_schedules(tree, epochs_of(mapping), leaves(given))
    return from_mapping(ExperimentConfig, tree)


def load_config(path: Path | str, overrides: list[str] | None = None) -> ExperimentConfig:
    """Read an experiment from a YAML file, over its ``base``, and apply ``a.b=value`` overrides.

    Raises:
        ModelsError: a file is missing or no YAML, or its settings are refused.
    """
    path = Path(path)
    mapping = read_settings(path)
    try:
        return parse_config(mapping, overrides)
    except ModelsError as error:
        raise ModelsError(f"{path}: {error}") from None


def save_config(config: ExperimentConfig, path: Path) -> None:
    """Write the resolved configuration; ``load_config`` reads the same one back."""
    with atomic_write(path) as temporary:
        temporary.write_text(dump_yaml(to_mapping(config)), encoding="utf-8")
