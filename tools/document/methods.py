"""The registered methods as a table."""

import inspect
import re

from trivit.models.methods.connections.patterns import ConnectionPattern
from trivit.models.methods.table import REGISTRIES
from trivit.models.methods.tokens.selection import TokenScore
from trivit.tools.document.tables import table_row

_COLUMNS = ("kind", "setting", "what it does", "accelerator", "compared as")


def method_table() -> str:
    """Return a line for each method: kind, setting, first line of its docstring, and the rest."""
    lines = [table_row(_COLUMNS), table_row("---" for _ in _COLUMNS)]
    for registry in REGISTRIES:
        for name in registry.names():
            method = registry[name]
            lines.append(
                table_row(
                    (
                        _kind(type(method)),
                        f"`{registry.setting}: {name}`",
                        _first_line(type(method)),
                        _on_accelerator(method),
                        ", ".join(f"`{row.name}`" for row in method.rows),
                    )
                )
            )
    return "\n".join(lines)


def _kind(method: type) -> str:
    """Return what the base class of a method is called: ``TokenScore`` is a token score."""
    base = method.__mro__[-2].__name__
    return re.sub(r"(?<!^)([A-Z])", r" \1", base).lower()


def _first_line(method: type) -> str:
    return (inspect.getdoc(method) or "").partition("\n")[0].replace("``", "`")


def _on_accelerator(method: object) -> str:
    if isinstance(method, TokenScore | ConnectionPattern):
        return "yes" if method.on_accelerator else "no"
    return "training alone"
