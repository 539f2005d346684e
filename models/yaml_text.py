"""YAML as this project reads and writes it: YAML 1.2's plain values, and nothing lost unsaid.

PyYAML follows YAML 1.1, which takes ``off`` for false, ``010`` for eight, ``1:30`` for ninety and
``3e-3`` for a text, and keeps the last of two equal keys. Here ``true`` and ``false`` alone are
truth values, ``3e-3`` is a number, and what two readers would read differently is refused.
"""

import re
from pathlib import Path
from typing import Any

import yaml

from trivit.models.errors import ModelsError

_RESOLVERS: tuple[tuple[str, str, str], ...] = (  # tag, pattern, first characters
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", "~nN"),
    ("merge", r"<<", "<"),
    ("int", r"[-+]?[0-9][0-9_]*|[-+]?0x[0-9a-fA-F_]+|[-+]?0o[0-7_]+", "-+0123456789"),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?"
        r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
    ),
)


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


class _Dumper(yaml.SafeDumper):
    """Puts in quotes what either version of YAML would not read as the same text."""


for _tag, _pattern, _first in _RESOLVERS:
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(
            f"tag:yaml.org,2002:{_tag}",
            re.compile(rf"(?:{_pattern})\Z"),
            [*_first, ""] if _tag == "null" else list(_first),
        )


def _whole_number(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    text = str(loader.construct_scalar(node))
    try:
        return int(text, 0)
    except ValueError:
        problem = f"{text} is no clear whole number: write it without leading zeros, or in quotes"
        raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from None


_Loader.add_constructor("tag:yaml.org,2002:int", _whole_number)


def read_yaml(path: Path) -> Any:
    """Return the contents of a YAML file; ``None`` when there are none.

    Raises:
        ModelsError: not UTF-8, or as for `parse_yaml`.
        OSError: the file cannot be read.
    """
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ModelsError(
            f"{path} line {line} is not UTF-8 (byte {data[error.start]:#04x}): save it as UTF-8"
        ) from None
    return parse_yaml(text, str(path))


def parse_yaml(text: str, source: str) -> Any:
    """Return what ``text`` says; ``source`` names it in messages.

    Raises:
        ModelsError: no YAML, a key that stands twice in a mapping (both lines are named), a key
            that is no plain text, an alias inside of what it stands for, or a whole number that
            versions of YAML read differently.
    """
    return _parsed(text, source)[0]


def parse_value(text: str, source: str) -> Any:
    """Return the value that ``text`` of a command line stands for.

    Raises:
        ModelsError: as for `parse_yaml`, or YAML would cut a comment off.
    """
    value, end = _parsed(text, source)
    if comment := text[end:].strip():
        raise ModelsError(f"{source}: YAML skips '{comment}' as a comment: put the value in quotes")
    return value


def _parsed(text: str, source: str) -> tuple[Any, int]:
    """Return the value and where its text ends."""
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return None, 0
        _check(node, source, "", [], set())
        return loader.construct_document(node), node.end_mark.index
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "not YAML"
        if r"'\t'" in problem:
            problem += "; indent with spaces, not with tabs"
        raise ModelsError(f"{source}{line} is not valid YAML: {problem}") from None
    except RecursionError:
        raise ModelsError(f"{source} is not valid YAML: nested too deeply") from None


def dump_yaml(tree: Any) -> str:
    """Return nested dicts, lists and scalars as text that `parse_yaml` reads back unchanged."""
    return yaml.dump(tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def _check(
    node: yaml.Node, source: str, place: str, above: list[yaml.Node], seen: set[yaml.Node]
) -> None:
    """Look for keys that stand twice and for circles, in every mapping below ``node``."""
    if any(node is other for other in above):
        line = node.start_mark.line + 1
        raise ModelsError(f"{source} line {line}: the anchor contains an alias of itself")
    if node in seen:
        return
    seen.add(node)
    above.append(node)
    if isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise ModelsError(f"{source} line {line}: the name of a setting must be a text")
            name = f"{place}.{key.value}" if place else key.value
            if key.value in lines:
                raise ModelsError(
                    f"{source}: '{name}' stands twice, on lines {lines[key.value]} and {line}: "
                    "keep one of them"
                )
            lines[key.value] = line
            _check(value, source, name, above, seen)
    elif isinstance(node, yaml.SequenceNode):
        for i, item in enumerate(node.value):
            _check(item, source, f"{place}[{i}]", above, seen)
    above.pop()
