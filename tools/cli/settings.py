"""``--set KEY=VALUE`` options as a settings dataclass."""

from typing import Any, TypeVar

from trivit.tools.errors import ToolsError

T = TypeVar("T")


def settings_from(kind: type[T], overrides: list[str]) -> T:
    """Build ``kind`` from its defaults and ``overrides``, ``key=value`` with values in YAML.

    Raises:
        ToolsError: an override without ``=`` or with an unreadable value.
        ModelsError: an unknown key, or a value of another type or out of its range.
    """
    import yaml

    from trivit.models.training.mapping import from_mapping

    mapping: dict[str, Any] = {}
    for override in overrides:
        name, equals, text = override.partition("=")
        if not equals or not name.strip():
            raise ToolsError(f"cannot read --set '{override}': write it as key=value")
        try:
            mapping[name.strip()] = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ToolsError(f"cannot read the value of --set '{override}'") from error
    return from_mapping(kind, mapping)
