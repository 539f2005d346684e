"""Model families, one file each, and the models by name.

A family's file defines a configuration (its ``layers`` describe the topology), the model, and
registers both with its named configurations. Nothing else lists families.
"""

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from trivit.models.errors import ModelsError
from trivit.models.layers.sparse_transformer import SparseTransformer
from trivit.models.model_config import ModelConfig
from trivit.models.registry import Registry, nearest
from trivit.models.settings import from_mapping


@dataclass(frozen=True)
class _Entry:
    config: ModelConfig
    model: type[SparseTransformer]


_MODELS: Registry[_Entry] = Registry("model.name", __name__)
_CLASSES: dict[type[ModelConfig], type[SparseTransformer]] = {}


def register(
    model: type[SparseTransformer],
    config: type[ModelConfig],
    configurations: Mapping[str, ModelConfig],
) -> None:
    """Add a family.

    Args:
        model: built from one of its configurations.
        config: class of its configurations.
        configurations: by name.
    """
    _CLASSES[config] = model
    for name, named in configurations.items():
        _MODELS.add(name, _Entry(replace(named, name=name), model))


def list_models(pattern: str = "*") -> list[str]:
    """Return the names of all models, or of those that match ``pattern``: ``deit_*_384``."""
    return fnmatch.filter(_MODELS.names(), pattern)


def model_config(name: str, **changes: Any) -> ModelConfig:
    """Return the configuration called ``name`` with some settings changed.

    Raises:
        ModelsError: unknown name or setting, or the changed values do not fit together.
    """
    known = list_models()
    if name not in known:
        raise ModelsError(
            f"unknown model '{name}': did you mean '{nearest(name, known)}'? "
            f"(known: {', '.join(known)})"
        )
    config = _MODELS[name].config
    settings = [field.name for field in fields(config)]
    for key in changes:
        if key not in settings:
            near = nearest(key, settings)
            raise ModelsError(f"unknown model setting '{key}': did you mean '{near}'?")
    return replace(config, **changes)


def build_model(model: str | ModelConfig, **changes: Any) -> SparseTransformer:
    """Return a model with new weights, from a name or a configuration.

    The weights follow from PyTorch's global generator.

    Args:
        model: see ``list_models``, or a configuration.
        changes: settings of it to change.

    Raises:
        ModelsError: see ``model_config``.
    """
    config = model_config(model, **changes) if isinstance(model, str) else replace(model, **changes)
    return _CLASSES[type(config)](config)


def parse_model(mapping: Mapping[str, Any], where: str) -> ModelConfig:
    """Return the configuration of a config's section: a name, and what differs from its model.

    A setting that is ``null`` is the named model's.

    Raises:
        ModelsError: no name, an unknown one, or settings that do not fit.
    """
    if "name" not in mapping:
        raise ModelsError(f"setting '{where}.name' is missing: add it to the config")
    if not isinstance(mapping["name"], str):
        raise ModelsError(f"{where}.name is {mapping['name']!r}: expected a text")
    named = model_config(mapping["name"])
    known = {field.name for field in fields(named)}
    given = {key: v for key, v in mapping.items() if v is not None or key not in known}
    return from_mapping(type(named), given, where, base=named)
