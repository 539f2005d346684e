"""What pragmas say of arrays and streams: that they fit them, and that their ports are enough."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from clang import cindex

from trivit.tools.hls_lint.accesses import (
    DEFAULT_PORTS,
    PORTS,
    Accesses,
    Division,
    are_registers,
    too_many,
)
from trivit.tools.hls_lint.pragmas import Pragma
from trivit.tools.hls_lint.syntax import array_of, is_stream
from trivit.tools.hls_lint.values import Place

_DIVISIONS = ("ARRAY_PARTITION", "ARRAY_RESHAPE")
_ARRAYS = (*_DIVISIONS, "DEPENDENCE")
_ARRAYS_OR_STREAMS = ("BIND_STORAGE", "STREAM")
_STREAM_PORTS = (1, 1, 2)


def number(pragma: Pragma, option: str, default: int = 0) -> int:
    """Return an option whose constants are resolved."""
    given = pragma.options.get(option, "")
    return int(given) if given.isdigit() else default


class Directives:
    """Divisions and storage of what a top function uses, and the loops to hold against them."""

    def __init__(self, find: Callable[[Any, str], None]) -> None:
        self._find = find
        self._divisions: dict[Place, list[Division]] = {}
        self._storage: dict[Place, str] = {}
        self._pipelined: list[tuple[Pragma, Accesses]] = []
        self.streams: set[Place] = set()
        #: Arrays with an index that is known at synthesis only: the others become registers.
        self.addressed: set[Place] = set()

    def apply(self, pragma: Pragma, cursor: Any, place: Place | None, inputs: set[str]) -> None:
        """Take a pragma of a body; ``cursor`` is its marker, ``inputs`` are parameters."""
        type_ = cursor.underlying_typedef_type.get_canonical()
        dims, element = array_of(type_)
        what = f"{pragma.directive} variable = {pragma.expression}"
        pointer = type_.kind == cindex.TypeKind.POINTER  # a parameter: its size is not known
        if pragma.directive == "INTERFACE" and pragma.expression:
            if place is None or place.path or place.name not in inputs:
                self._find(pragma, f"INTERFACE port = {pragma.expression}: not a parameter")
            return
        if pragma.directive in _ARRAYS and not dims and not pointer:
            self._find(pragma, f"{what}: no array")
        elif pragma.directive in _ARRAYS_OR_STREAMS and not (dims or pointer or is_stream(element)):
            self._find(pragma, f"{what}: neither an array nor a stream")
        elif pragma.directive in _DIVISIONS and dims and place is not None:
            self._divide(pragma, what, place, dims)
        elif pragma.directive == "BIND_STORAGE" and place is not None:
            kind = pragma.options.get("type", "")
            if (kind == "fifo") != is_stream(element):
                self._find(pragma, f"{what}: type = fifo is for streams, and for nothing else")
            self._storage[place.array] = kind

    def _divide(self, pragma: Pragma, what: str, place: Place, dims: tuple[int, ...]) -> None:
        options = pragma.options
        kind = options.get("type") or next(
            (name for name in ("block", "cyclic") if name in options), "complete"
        )
        dim, factor = number(pragma, "dim", 1), number(pragma, "factor")
        if dim > len(dims):
            self._find(pragma, f"{what}: dim = {dim} of an array of {len(dims)}")
            return
        if (kind == "complete") == ("factor" in options):
            needs = "complete takes no factor" if kind == "complete" else f"{kind} needs a factor"
            self._find(pragma, f"{what}: {needs}")
            return
        for number_of, size in enumerate(dims, start=1):
            if kind != "complete" and dim in (0, number_of) and (not factor or size % factor):
                text = f"{what}: factor = {factor} does not divide {size}, dimension {number_of}"
                self._find(pragma, text)
                return
        division = Division(kind, dim, factor, dims, len(place.indices))
        self._divisions.setdefault(place.array, []).append(division)

    def pipelined(self, pragma: Pragma, accesses: Accesses) -> None:
        """Take what an iteration of a pipelined loop, or a pipelined function, accesses."""
        self._pipelined.append((pragma, accesses))

    def finish(self) -> None:
        """Report ports that do not suffice: now all pragmas and all accesses are known."""
        for pragma, accesses in self._pipelined:
            ii = number(pragma, "II", 1)
            for array, paths in accesses.alternatives.items():
                parts = array.holders
                divisions = [one for part in parts for one in self._divisions.get(part, [])]
                if array in self.streams:
                    ports = _STREAM_PORTS
                elif array not in self.addressed:
                    continue
                else:
                    rank = max(len(index) for path in paths for some in path for index in some)
                    if are_registers(rank, divisions):
                        continue
                    storage = [self._storage[part] for part in parts if part in self._storage]
                    ports = PORTS.get(storage[-1], DEFAULT_PORTS) if storage else DEFAULT_PORTS
                said = too_many(paths, ports, divisions, ii)
                if said:
                    path, line = accesses.first[array]
                    clocks = "a clock" if ii == 1 else f"{ii} clocks"
                    text = f"{array}: {said} in {clocks}, the first at {path}:{line}"
                    self._find(pragma, text)
