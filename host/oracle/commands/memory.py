"""DDR and the movers of its ports: what is stored, and loads behind fences."""

from collections import Counter, deque
from collections.abc import Iterator, Mapping

import numpy as np

from trivit.host.commands import Command
from trivit.host.fixed_point import Int16
from trivit.host.generated.spec import PARAM_PORTS, TILE_DEPTH
from trivit.host.oracle.commands.clocks import THREADS, Clock, OrderError, Thread
from trivit.host.oracle.commands.streams import Stream

OUTPUT = "output"
_REGIONS = ("params", "images", OUTPUT)


class Memory:
    """The three regions, and the ports' queues of moves.

    A move of rows may read what was stored only behind a fence: then all stores before it are
    finished, and the rows carry what the stores knew. All those stores must be able to finish with
    the commands before it, since the sequencer may not come to those behind it.
    """

    def __init__(
        self, params: Int16, images: Int16, output_words: int, streams: Mapping[str, Stream]
    ) -> None:
        output: Int16 = np.zeros(output_words * TILE_DEPTH, dtype=np.int16)
        self.regions = {"params": params, "images": images, OUTPUT: output}
        self._streams = streams
        self._stores: deque[Command] = deque()
        self._mover = Thread("mover")
        self._finished: Clock = np.zeros(len(THREADS), dtype=np.int32)
        self._stored = np.zeros(output_words, dtype=bool)
        self._loaded = np.zeros(output_words, dtype=bool)

    @property
    def waiting(self) -> int:
        """Moves to DDR whose rows have not come."""
        return len(self._stores)

    def move(self, command: Command) -> None:
        """Obey a move: words of DDR go to the streams of its ports, a store waits for its rows.

        Raises:
            OrderError: words outside of the region, or a load that may come before its store.
        """
        if command.unit == "move_store":
            self._stores.append(command)
            return
        f = command.fields
        fenced = bool(f.get("fenced", 0))
        if fenced and self._stores:
            raise OrderError(
                "mover", command.tag, "waits for stores that wait for others behind it"
            )
        known = self._finished if fenced else np.zeros(len(THREADS), dtype=np.int32)
        stream = "weights" if command.unit == "move_weights" else "rows"
        for port, first, end in self._ranges(command):
            if _REGIONS[f["base"]] == OUTPUT:
                self._check_stored(command.tag, first, end, fenced)
            words = self.regions[_REGIONS[f["base"]]][first * TILE_DEPTH : end * TILE_DEPTH]
            self._streams[f"{stream}{port}"].send(words.copy(), known)

    def write(self) -> None:
        """Finish the stores whose rows are there, in their order."""
        while self._stores:
            command = self._stores[0]
            ranges = list(self._ranges(command))
            kind = "matrix" if command.fields.get("groups", 0) else "stored"
            wanted: Counter[str] = Counter()
            for port, first, end in ranges:
                wanted[f"{kind}{port}"] += end - first
            if any(self._streams[name].waiting < words for name, words in wanted.items()):
                return
            self._stores.popleft()
            for port, first, end in ranges:
                self._write(command, f"{kind}{port}", first, end)
            self._finished = self._mover.tell()

    def _write(self, command: Command, stream: str, first: int, end: int) -> None:
        if _REGIONS[command.fields["base"]] != OUTPUT:
            raise OrderError("mover", command.tag, "stores rows where no output is")
        if self._loaded[first:end].any():
            raise OrderError(
                "mover", command.tag, f"stores words {first}..{end - 1} that a load may read before"
            )
        words = self._streams[stream].take_now(end - first, self._mover)
        self.regions[OUTPUT][first * TILE_DEPTH : end * TILE_DEPTH] = words.reshape(-1)
        self._stored[first:end] = True

    def _check_stored(self, tag: int, first: int, end: int, fenced: bool) -> None:
        what = f"words {first}..{end - 1} of {OUTPUT}"
        if not fenced:
            raise OrderError("mover", tag, f"loads {what} in front of no fence")
        if not self._stored[first:end].all():
            raise OrderError("mover", tag, f"loads {what}, which no store before it wrote")
        self._loaded[first:end] = True

    def _ranges(self, command: Command) -> Iterator[tuple[int, int, int]]:
        """Yield the ports of a move with first word and the one behind the last of what lies there.

        Of a matrix by columns, each port has pieces (hls/rtl/README.md).
        """
        f = command.fields
        size = self.regions[_REGIONS[f["base"]]].size // TILE_DEPTH
        for port in range(PARAM_PORTS):
            if not f["ports"] >> port & 1:
                continue
            for first, words in _pieces(f, port):
                if first + words > size:
                    raise OrderError(
                        "mover",
                        command.tag,
                        f"words {first}..{first + words - 1} are not in {_REGIONS[f['base']]}",
                    )
                yield port, first, first + words


def _pieces(f: dict[str, int], port: int) -> Iterator[tuple[int, int]]:
    """Where the words of a port lie, and how many."""
    address, row = f["address"] + port * f["port_stride"], f["words"]
    tiles = len(range(port, f.get("groups", 0), PARAM_PORTS))
    if not f.get("groups", 0):
        yield address, row
    for first in range(0, row, PARAM_PORTS) if tiles else ():
        for tile in range(tiles):
            start = address + tile * (TILE_DEPTH * row + 1) + TILE_DEPTH * first
            yield start, TILE_DEPTH * min(PARAM_PORTS, row - first)
