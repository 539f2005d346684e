"""Latencies and sizes of the accelerator, in cycles; where they come from beside each.

The times of the engine are those of hls/rtl/README.md, section Time, for the full geometry. The
others are fitted to the simulation of random networks and of two blocks of DeiT-T
(hw_tests/accelerator/test_timeline.py) near what the READMEs of blocks and agents state.
"""

from trivit.host.generated.spec import (
    ENGINE_COMMANDS,
    ENGINE_STREAM_ROWS,
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
#: Rows that the row stream holds, and those in softmax's two queues of scores.
STREAM_ROWS = ENGINE_STREAM_ROWS
SCORE_ROWS = 2 * 128
#: Of the memory that the simulation assumes; START and END hold it.
MEMORY_LATENCY = 60
#: From the job's start to the engine's first command: DDR's latency, the sequencer, queues.
START = 140
#: From then to the first word of rows at the load unit; moves stand before the engine's commands.
FIRST_WORD = 55
#: From the last stored word to the first word of a load that waits for it: both DDR's latencies.
FENCED = 150
#: Of so many words of a port, memory's refreshes delay one: 53 cycles of 1,170, mostly bridged.
REFRESHED = 100
#: Cycles of a load for so many words of a port: results and residuals of the patch product take
#: port B of the banks meanwhile.
LOAD_CYCLES, LOAD_WORDS = 28, 25
#: From a load's last word to the next load's first one.
LOAD_REST = 8
#: From the beginning of the product that announces a load to its first word, which waits there.
LOAD_ANNOUNCED = TILE_TOKENS + 5
#: From a load's last word of a row group until a product can read the row group.
LOADED = 6
#: Softmax, normalisation and their writers take two rows at a time, a word of each in a clock.
SOFTMAX_ROWS = 2
#: Softmax: from its last scores to the first exponentials, and behind the last of those.
SOFTMAX_PEAKS = 20
SOFTMAX_REST = 33
#: GELU and its writer, or the writer alone, behind the row stream.
GELU_REST = 32
WRITER_REST = 8
#: Normalisation: from a complete row group to its reader's first word; behind the sums; to the
#: banks.
READER = 15
NORM_SUMS = 68
NORM_REST = 12
#: Selection, from the [CLS] row's last probability: its passes over the words of scores, and the
#: rest of them, with the list's way into the row writer.
SELECT_WORDS = 10
SELECT_REST = 102
#: Store: from a complete row group to its first word.
STORE_FIRST = 14
#: From the last stored word to the end of the program: its burst and the log's are in memory.
END = 79
#: Blocks of training (hls/include/trivit/blocks/README.md): clocks of gelu_backward for a row, and
#: behind the last one; behind the last words of softmax_backward and cross_entropy.
GELU_GRADIENT_CLOCKS = 2
GELU_GRADIENT_REST = 29
SOFTMAX_GRADIENT_REST = 35
LOSS_REST = 79
#: normalise_backward: its first row group passes in so many times the clocks of a row group (24
#: words 1,164 clocks, 48 words 2,220), and behind that; dgamma behind its words.
NORM_GRADIENT_STAGES = 2.75
NORM_GRADIENT_FIRST = 108
NORM_GRADIENT_REST = 40
#: From a row group's last row until the first word of its piece leaves for DDR.
PIECE_REST = 12
#: Clocks of `update` for a word of a port, and from its first word to the first result.
UPDATE_CLOCKS = 4
UPDATE_FIRST = 114
#: Words of all ports that DDR moves in a cycle, at 12.8 GB/s and 150 MHz, refreshes left out.
MEMORY_WORDS = 12.8e9 / 150e6 / 16
MEMORY_TURN = 20
REFRESH_SHARE = 53 / 1170
#: Single words of vectors, one command each: cycles of a port for a word.
VECTOR_WORD = 2
#: Weights by columns take so many cycles more than straight ones.
COLUMNS_REST = 24
