"""The commands, as they describe themselves."""

import textwrap
from collections.abc import Iterator

import typer
from typer.core import TyperCommand, TyperGroup

from trivit.tools.cli.app import build_app
from trivit.tools.document.tables import table_row

_WIDTH = 100

Command = TyperCommand | TyperGroup


def command_reference() -> str:
    """Return a list of all commands, and for each its usage, help, arguments and options."""
    app = typer.main.get_command(build_app())
    assert isinstance(app, TyperGroup)
    found = list(_commands(app, "trivit"))
    lines = [table_row(("command", "")), table_row(("---", "---"))]
    for path, command in found:
        link = f"[`{path}`](#{path.replace(' ', '-')})"
        lines.append(table_row((link, _help(command)[0])))
    return "\n".join([*lines, *(_section(path, command) for path, command in found)])


def _commands(group: TyperGroup, path: str) -> Iterator[tuple[str, Command]]:
    """Yield the commands of a group and of the groups in it, with the words that call them."""
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from _commands(command, f"{path} {name}")
        else:
            assert isinstance(command, TyperCommand)
            yield f"{path} {name}", command


def _section(path: str, command: Command) -> str:
    context = command.make_context(path, [], resilient_parsing=True)
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    lines = ["", f"## `{path}`", "", "```", usage, "```"]
    for paragraph in _help(command):
        lines += ["", textwrap.fill(paragraph, _WIDTH)]
    records = [parameter.get_help_record(context) for parameter in command.params]
    rows = [(f"`{name}`", " ".join(text.split())) for name, text in filter(None, records)]
    if rows:
        lines += ["", table_row(("", "")), table_row(("---", "---")), *map(table_row, rows)]
    return "\n".join(lines)


def _help(command: Command) -> list[str]:
    """Return the paragraphs of a command's help, each on one line."""
    return [" ".join(part.split()) for part in (command.help or "").split("\n\n")]
