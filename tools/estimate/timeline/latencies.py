"""Latencies and sizes of the next kernel's structure, in cycles; where they come from beside each.

The times of the engine are those of hls/rtl/README.md, section Time, for the full geometry.
"""

from trivit.host.generated.spec import (
    ENGINE_COMMANDS,
    TILE_DEPTH,
    TILE_OUTPUTS,
    TILE_TOKENS,
    WEIGHT_DEPTH,
)

PORTS = TILE_OUTPUTS // TILE_DEPTH
RING_WORDS = WEIGHT_DEPTH
#: From the issue of a row group's last depth word until a read that is issued sees the result.
SEEN = TILE_DEPTH + PORTS + 12
#: ... until the result's first row is in the queue of the row stream.
STREAMED = TILE_DEPTH + PORTS + 10
#: ... until the product's report is in its queue.
REPORTED = TILE_DEPTH + PORTS + 18
#: From the release of a ring word until it is filled again at the earliest.
RELEASE = PORTS + TILE_DEPTH + 1
#: A command passes the guard in so many cycles, and begins so much later at the earliest.
GUARD = 4
QUEUED = 3
#: Products that wait in the engine's queue.
QUEUE = ENGINE_COMMANDS
#: Row groups begin, and end, so far apart at least.
APART = TILE_TOKENS
#: From a read of the placer until the ring's word can be issued.
PLACED = 14
#: Rows that the row stream and softmax's two queues of scores hold.
SCORE_ROWS = 64 + 2 * 64
#: From the job's start to the first command; from a read command to its first word.
START = 90
FIRST_WORD = 70
#: Softmax: from its last scores to the first exponentials, and behind the last of those.
SOFTMAX_PEAKS = 20
SOFTMAX_REST = 40
#: GELU and its writer, or the writer alone, behind the row stream.
GELU_REST = 32
WRITER_REST = 8
#: Normalisation: from a complete row group to its reader's first word; behind the sums; to the
#: banks.
READER = 10
NORM_SUMS = 60
NORM_REST = 12
#: From the last report to the end of the program: the log's last burst is written.
END = 120
