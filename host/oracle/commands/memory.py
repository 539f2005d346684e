"""DDR and the movers of its ports: what is stored, and loads behind fences."""

from collections import Counter, deque
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from trivit.host.commands import Command
from trivit.host.fixed_point import Int16
from trivit.host.generated.spec import PARAM_PORTS, TILE_DEPTH
from trivit.host.oracle.commands.clocks import THREADS, Clock, OrderError, Thread
from trivit.host.oracle.commands.streams import Stream
from trivit.host.oracle.commands.update import interleave, separate

OUTPUT, PARAMS = "output", "params"
_REGIONS = (PARAMS, "images", OUTPUT)
#: Streams of the words that loads bring.
_LOADED = tuple(f"{kind}{p}" for kind in ("weights", "rows", "planes") for p in range(PARAM_PORTS))


class Memory:
    """The three regions, and the ports' queues of moves.

    A move of rows may read what was stored only behind a fence: then all stores before it are
    finished, and the rows carry what the stores knew. All those stores must be able to finish with
    the commands before it, since the sequencer may not come to those behind it.

    A store of parameters may replace what loads have brought to somebody of whom it knows: what is
    stored was made behind that.
    """

    def __init__(
        self, params: Int16, images: Int16, output_words: int, streams: Mapping[str, Stream]
    ) -> None:
        output: Int16 = np.zeros(output_words * TILE_DEPTH, dtype=np.int16)
        self.regions = {PARAMS: params.copy(), "images": images, OUTPUT: output}
        self._streams = streams
        self._stores: deque[Command] = deque()
        self._mover = Thread("mover")
        # Of each port what is known behind its last fence, and which words were stored before.
        self._fences: dict[int, tuple[Clock, dict[str, NDArray[np.bool_]]]] = {}
        self._finished: Clock = np.zeros(len(THREADS), dtype=np.int32)
        sizes = {name: region.size // TILE_DEPTH for name, region in self.regions.items()}
        self._stored = {name: np.zeros(size, dtype=bool) for name, size in sizes.items()}
        # Words of a stream up to the one that a word of DDR was, for each word; 0: it was in none.
        self._loaded: dict[str, NDArray[np.int64]] = {
            name: np.zeros((len(_LOADED), size), dtype=np.int64) for name, size in sizes.items()
        }

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
        none: Clock = np.zeros(len(THREADS), dtype=np.int32)
        update = bool(f.get("update", 0))
        kind = "weights" if command.unit == "move_weights" else "planes" if update else "rows"
        if fenced:
            stored = {name: words.copy() for name, words in self._stored.items()}
            for port in range(PARAM_PORTS):
                if f["ports"] >> port & 1:
                    self._fences[port] = self._finished, stored
        moved: dict[int, list[Int16]] = {}
        for port, first, end in self._ranges(command):
            behind = self._fences.get(port) if kind != "weights" else None
            words = self._load(command, first, end, behind[1] if behind else {})
            stream = self._streams[f"{kind}{port}"]
            before = stream.sent + sum(map(len, moved.get(port, [])))
            places = np.arange(before + 1, before + 1 + len(words))
            if update:  # planes come in turn: a word counts as read with the last one
                places[:] = stream.sent + max(1, f["planes"]) * len(words)
            loaded = self._loaded[_REGIONS[f["base"]]][_LOADED.index(stream.name), first:end]
            np.maximum(loaded, places, out=loaded)
            moved.setdefault(port, []).append(words)
        for port, parts in moved.items():
            words = interleave(np.stack(parts)) if update else np.concatenate(parts)
            behind = self._fences.get(port) if kind != "weights" else None
            self._streams[f"{kind}{port}"].send(words, behind[0] if behind else none)

    def write(self) -> None:
        """Finish the stores whose rows are there, in their order."""
        while self._stores:
            command = self._stores[0]
            ranges = list(self._ranges(command))
            f = command.fields
            kind = "matrix" if f.get("groups", 0) else "updated" if f["update"] else "stored"
            wanted: Counter[str] = Counter()
            for port, first, end in ranges:
                wanted[f"{kind}{port}"] += end - first
            if any(self._streams[name].waiting < words for name, words in wanted.items()):
                return
            self._stores.popleft()
            taken = {
                name: self._streams[name].take_now(words, self._mover)
                for name, words in wanted.items()
            }
            if f["update"]:
                planes = max(1, f["planes"])
                taken = {n: separate(w, planes).reshape(-1, TILE_DEPTH) for n, w in taken.items()}
            for port, first, end in ranges:
                words = taken[f"{kind}{port}"]
                taken[f"{kind}{port}"] = words[end - first :]
                self._write(command, words[: end - first], first, end)
            self._finished = self._mover.tell()

    def _load(
        self, command: Command, first: int, end: int, finished: Mapping[str, NDArray[np.bool_]]
    ) -> Int16:
        """Return words (n, 8) of a region; ``finished`` are those stored before the port's fence.

        Raises:
            OrderError: they were stored in this program and no fence is before them, or they are
                output that nobody stored.
        """
        name = _REGIONS[command.fields["base"]]
        what = f"words {first}..{end - 1} of {name}"
        stored = self._stored[name][first:end]
        passed = finished.get(name, np.zeros_like(self._stored[name]))[first:end]
        if (name == OUTPUT and not finished) or (stored & ~passed).any():
            raise OrderError("mover", command.tag, f"loads {what} in front of no fence")
        if name == OUTPUT and not stored.all():
            raise OrderError("mover", command.tag, f"loads {what}, which no store before it wrote")
        words = self.regions[name][first * TILE_DEPTH : end * TILE_DEPTH]
        return words.reshape(-1, TILE_DEPTH).copy()

    def _write(self, command: Command, words: Int16, first: int, end: int) -> None:
        name = _REGIONS[command.fields["base"]]
        if name not in (OUTPUT, PARAMS):
            raise OrderError("mover", command.tag, "stores rows where no output is")
        for stream, places in zip(_LOADED, self._loaded[name][:, first:end], strict=True):
            last = int(places.max(initial=0))
            known = name == PARAMS and self._streams[stream].taken(last, self._mover)
            if last and not known:
                raise OrderError(
                    "mover",
                    command.tag,
                    f"stores words {first}..{end - 1} that a load may read before",
                )
        if name == PARAMS and self._stored[name][first:end].any():
            raise OrderError("mover", command.tag, f"stores words {first}..{end - 1} again")
        self.regions[name][first * TILE_DEPTH : end * TILE_DEPTH] = words.reshape(-1)
        self._stored[name][first:end] = True

    def _ranges(self, command: Command) -> Iterator[tuple[int, int, int]]:
        """Yield the ports of a move with first word and the one behind the last of what lies there.

        Of a matrix by columns, each port has pieces (hls/rtl/README.md); of planes, each plane is
        one.
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
        planes = max(1, f["planes"]) if f.get("update", 0) else 1
        for plane in range(planes):
            yield address + plane * f.get("plane_stride", 0), row
    for first in range(0, row, PARAM_PORTS) if tiles else ():
        bias = f.get("bias", 0) if first == 0 else 0
        for tile in range(tiles):
            start = address + tile * (TILE_DEPTH * row + 1) + TILE_DEPTH * first
            yield start - bias, TILE_DEPTH * min(PARAM_PORTS, row - first) + bias
