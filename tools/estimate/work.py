"""Traffic of a program, and what the array can do in a cycle."""

from trivit.host.commands import decode, from_words
from trivit.host.generated.commands import COMMAND_BITS
from trivit.host.generated.spec import TILE_DEPTH, TILE_OUTPUTS, TILE_TOKENS
from trivit.host.schedule import Schedule

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
    traffic = [0] * schedule.tags
    for word in from_words(schedule.commands):
        command = decode(word)
        traffic[command.tag] += _COMMAND_BYTES + _REPORT_BYTES * command.reports
        if command.unit in _MOVES:
            ports = command.fields["ports"].bit_count()
            traffic[command.tag] += ports * command.fields["words"] * WORD_BYTES
    return traffic
