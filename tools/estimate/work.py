"""Traffic of a program, and what the array can do in a cycle."""

from collections.abc import Iterable

from trivit.host.commands import Command, decode, from_words
from trivit.host.generated.commands import COMMAND_BITS
from trivit.host.generated.spec import PARAM_PORTS, TILE_DEPTH, TILE_OUTPUTS, TILE_TOKENS
from trivit.host.schedule import Schedule
from trivit.host.tiles import ceil_div

#: Products of the array in a cycle.
ARRAY_MACS = TILE_TOKENS * TILE_OUTPUTS * TILE_DEPTH
WORD_BYTES = 2 * TILE_DEPTH
_COMMAND_BYTES = COMMAND_BITS // 8
_MOVES = ("move_weights", "move_rows", "move_store")
_REPORT_BYTES = WORD_BYTES


def ddr_bytes(schedule: Schedule) -> list[int]:
    """Return for each instruction the bytes between DDR and the chip for one image.

    Those that its moves bring and take, its commands, and their reports in the log.
    """
    return command_bytes(map(decode, from_words(schedule.commands)), schedule.tags)


def command_bytes(commands: Iterable[Command], tags: int) -> list[int]:
    """Return the bytes between DDR and the chip by the tags of ``commands``."""
    traffic = [0] * tags
    for command in commands:
        traffic[command.tag] += _COMMAND_BYTES + _REPORT_BYTES * command.reports
        if command.unit in _MOVES:
            traffic[command.tag] += sum(moved_words(command)) * WORD_BYTES
    return traffic


def moved_words(command: Command) -> list[int]:
    """Return the words that each port moves for a move."""
    fields = command.fields
    words = []
    for port in range(PARAM_PORTS):
        each = fields["words"] if fields["ports"] >> port & 1 else 0
        if fields.get("groups"):  # `words` of each group of eight outputs, groups in turn
            groups = ceil_div(fields["groups"] - port, PARAM_PORTS)
            each *= TILE_DEPTH * groups
            if fields.get("bias"):
                each += groups if each else 0
        words.append(each * max(1, fields.get("planes", 0)))
    return words
