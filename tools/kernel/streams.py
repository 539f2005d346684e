"""AXI4-Stream channels between the accelerator's RTL and its HLS blocks."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trivit.tools.errors import ToolsError

#: Who stands for the RTL as the sender or taker of a channel.
RTL = "rtl"
_LEAST_DEPTH = 4


@dataclass(frozen=True, kw_only=True)
class Stream:
    """A channel of ``bits``; ``source`` and ``sink`` are ``block.port``, or ``rtl``.

    ``training``: only a design with the blocks of training has it.
    """

    name: str
    bits: int
    source: str
    sink: str
    depth: int
    training: bool

    @property
    def port_bits(self) -> int:
        """Width of TDATA: whole bytes."""
        return -(-self.bits // 8) * 8


def read_streams(path: Path, raw: dict[str, Any]) -> tuple[Stream, ...]:
    """Return the checked section ``streams``.

    Raises:
        ToolsError: an end that is no port, a port with two channels, or a width that is none.
    """
    streams = []
    used: set[str] = set()
    for name, entry in raw.items():
        stream = Stream(
            name=name,
            bits=entry["bits"],
            source=entry["from"],
            sink=entry["to"],
            depth=entry.get("depth", _LEAST_DEPTH),
            training=bool(entry.get("training", False)),
        )
        for value in (stream.bits, stream.depth):
            if type(value) is not int or value < 1:
                raise ToolsError(f"{path}: streams: {name}: {value!r} is no number above 0")
        for end in (stream.source, stream.sink):
            if end == RTL:
                continue
            if len(end.split(".")) != 2 or end in used:
                raise ToolsError(f"{path}: streams: {name}: {end} is no port that is free")
            used.add(end)
        streams.append(stream)
    return tuple(streams)


def hls_blocks(streams: tuple[Stream, ...]) -> tuple[str, ...]:
    """Return the HLS blocks that have a channel, in the order in which channels name them."""
    ends = (end for stream in streams for end in (stream.source, stream.sink) if end != RTL)
    return tuple(dict.fromkeys(end.partition(".")[0] for end in ends))


def _listed(name: str, streams: list[Stream]) -> list[str]:
    lines = [f"    variable {name} {{"]
    lines += [
        f"        {s.name} {{bytes {s.port_bits // 8} depth {s.depth} from {s.source} to {s.sink}}}"
        for s in streams
    ]
    return [*lines, "    }"]


def tcl_streams(streams: tuple[Stream, ...], notice: str) -> str:
    """Return hls/generated/streams.tcl: blocks and channels for Vitis HLS and the block design."""
    lines = [
        f"# {notice}",
        "# Of each channel: bytes of TDATA, words that it holds at least, and its ends.",
        "namespace eval trivit::streams {",
    ]
    for prefix, training in (("", False), ("training_", True)):
        here = [stream for stream in streams if stream.training == training]
        blocks = " ".join(hls_blocks(tuple(here)))
        lines += [f"    variable {prefix}blocks {{{blocks}}}"]
        lines += _listed(f"{prefix}streams", here)
    return "\n".join([*lines, "}"]) + "\n"
