"""Every memory of the kernel that the resource model describes: shape, division and kind.

No source declares them any more: the C++ is an emulator, and the accelerator's RTL is counted by
Yosys (docs/benchmarks/rtl.md). Sizes follow ``hls/kernel.yaml``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Literal

from trivit.host.tiles import ceil_div
from trivit.tools.estimate import primitives
from trivit.tools.kernel.description import KernelDescription

#: auto: registers, distributed RAM or BRAM, whichever its size asks for.
Kind = Literal["auto", "bram", "true_dual_port", "lutram"]

#: Memories up to this many bits go to distributed RAM when the C++ does not say otherwise.
SMALL_BITS = 1024

WORD = 128
ACCUMULATOR = 48

# Line memories and transfer buffers are sized in C++, not in the description.
_BURST_WORDS = 64
_BURST_BEATS = 64
_PARAM_BURSTS = 4
_CONTROL_BURSTS = 4
_MAX_SIDE = 4096
_MAX_PATCH = 64
_MASK_BITS = 16


@dataclass(frozen=True, kw_only=True)
class Memory:
    """An array of ``shape`` elements of ``bits`` bits.

    ``divided`` maps a dimension (0-based) to the number of separate memories along it; 0 stands
    for all. ``lanes``: the elements of a word are memories of their own. ``copies`` counts equal
    arrays (double buffers that a dataflow channel adds, tables of parallel lanes). ``rom``:
    contents are constant.
    """

    unit: str
    name: str
    shape: tuple[int, ...]
    bits: int
    divided: Mapping[int, int] = field(default_factory=dict)
    kind: Kind = "auto"
    lanes: int = 1
    copies: int = 1
    rom: bool = False

    @property
    def total_bits(self) -> int:
        """Bits of the array and its copies."""
        return prod(self.shape) * self.bits * self.copies

    @property
    def pieces(self) -> int:
        """Separate memories, copies included."""
        divisions = ((parts or self.shape[dimension]) for dimension, parts in self.divided.items())
        return prod(divisions) * self.lanes * self.copies

    @property
    def depth(self) -> int:
        """Words of each piece."""
        rest = (
            ceil_div(size, self.divided[d] or size) if d in self.divided else size
            for d, size in enumerate(self.shape)
        )
        return prod(rest)

    @property
    def width(self) -> int:
        """Bits of a word of a piece."""
        return self.bits // self.lanes

    @property
    def place(self) -> Literal["ff", "lut", "bram"]:
        """What holds it."""
        if self.kind in ("bram", "true_dual_port"):
            return "bram"
        if self.depth == 1:
            return "ff"
        return "lut" if self.kind == "lutram" or self.depth * self.width <= SMALL_BITS else "bram"

    @property
    def bram36(self) -> float:
        """BRAM36 of all pieces."""
        if self.place != "bram":
            return 0.0
        both = self.kind == "true_dual_port" or self.rom
        return self.pieces * primitives.bram36(self.depth, self.width, true_dual_port=both)

    @property
    def lut(self) -> int:
        """LUTs of all pieces."""
        if self.place != "lut":
            return 0
        if self.rom:
            return self.pieces * 2 * primitives.rom_luts(self.depth, self.width)
        return self.pieces * primitives.lutram_luts(self.depth, self.width)

    @property
    def ff(self) -> int:
        """Flip-flops of all pieces."""
        return self.total_bits if self.place == "ff" else 0


def kernel_memories(kernel: KernelDescription) -> tuple[Memory, ...]:
    """Return all memories of a kernel: state, tables and transfer buffers."""
    return (*_state(kernel), *_tables(kernel), *_buffers(kernel))


def _state(kernel: KernelDescription) -> Iterator[Memory]:
    """The members of ``KernelState``; names are ``structure.member``."""
    banks, outputs, lanes = (kernel.geometry[k] for k in ("tokens", "outputs", "depth"))
    limits, timing = kernel.limits, kernel.timing
    tokens, row = limits["max_tokens"], limits["max_depth_words"]
    groups, keys, tile = tokens // banks, ceil_div(tokens, lanes), outputs // lanes
    key_tiles = ceil_div(tokens, outputs)
    value_tiles = ceil_div(limits["max_head_words"] * lanes, outputs)
    select_lanes = timing["select_lanes"]
    select_words = ceil_div(tokens, select_lanes)
    softmax_rows, buffers = timing["softmax_rows"], timing["softmax_buffers"]
    mask_words = ceil_div(tokens, _MASK_BITS * lanes)
    line = _MAX_SIDE // banks + _MAX_PATCH
    every = {0: 0, 1: 0}

    yield Memory(
        unit="activations",
        name="activation.bank",
        shape=(banks, limits["activation_depth"]),
        bits=WORD,
        divided={0: 0},
        lanes=lanes,
        kind="true_dual_port",
    )
    yield Memory(
        unit="weights",
        name="weights.word",
        shape=(outputs, limits["weight_depth"]),
        bits=WORD,
        divided={0: 0},
        kind="true_dual_port",
    )
    yield Memory(
        unit="weights",
        name="weights.bias",
        shape=(limits["weight_tiles"], tile),
        bits=WORD,
        divided={1: 0},
        kind="lutram",
    )
    yield Memory(
        unit="softmax",
        name="probability.bank",
        shape=(banks, (timing["attention_lag"] + 1) * keys),
        bits=WORD,
        divided={0: 0},
        kind="lutram",
    )
    # The array fills one copy while the epilogue empties the other: a dataflow channel.
    yield Memory(
        unit="array",
        name="sums.value",
        shape=(banks, outputs),
        bits=ACCUMULATOR,
        divided=every,
        copies=2,
    )
    for vector in ("gamma", "beta"):
        yield Memory(
            unit="normalise", name=f"normalise.{vector}", shape=(2, row), bits=WORD, divided={0: 0}
        )
    for name, bits in (
        ("normalise.scale", 96),
        ("row_statistics.sum", 32),
        ("row_statistics.squares", 64),
    ):
        yield Memory(
            unit="normalise",
            name=name,
            shape=(banks, groups),
            bits=bits,
            divided={0: 0},
            kind="lutram",
        )
    for unit, plan in (("epilogue", "compaction"), ("selection", "select.plan")):
        for name, bits in (("kept", 8), ("first", 16)):
            yield Memory(
                unit=unit, name=f"{plan}.{name}", shape=(groups,), bits=bits, divided={0: 0}
            )
    yield Memory(
        unit="softmax",
        name="softmax.score",
        shape=(buffers, banks, keys),
        bits=WORD,
        divided=every,
        kind="lutram",
    )
    yield Memory(
        unit="softmax", name="softmax.open", shape=(buffers, banks, keys), bits=8, divided=every
    )
    yield Memory(
        unit="softmax", name="softmax.peak", shape=(buffers, banks), bits=16, divided=every
    )
    yield Memory(
        unit="softmax",
        name="softmax.exponential",
        shape=(buffers, banks, keys, lanes),
        bits=32,
        divided={0: 0, 1: softmax_rows, 3: 0},
        kind="lutram",
    )
    yield Memory(
        unit="softmax",
        name="softmax.live",
        shape=(buffers, banks, keys),
        bits=8,
        divided={0: 0, 1: softmax_rows},
    )
    yield Memory(unit="softmax", name="softmax.sum", shape=(buffers, banks), bits=64, divided=every)
    yield Memory(
        unit="attention",
        name="attention.mask",
        shape=(banks, groups * mask_words),
        bits=WORD,
        divided={0: 0},
        kind="lutram",
    )
    for name, tiles in (("scores", key_tiles), ("context", value_tiles)):
        yield Memory(
            unit="attention",
            name=f"attention.{name}.value",
            shape=(2, tiles, banks, outputs),
            bits=ACCUMULATOR,
            divided={2: 0, 3: 0},
            kind="lutram",
        )
    yield Memory(
        unit="selection",
        name="scores.sum",
        shape=(tokens, tokens),
        bits=32,
        divided={0: softmax_rows, 1: lanes},
    )
    yield Memory(
        unit="selection",
        name="select.score",
        shape=(2, banks, select_words, select_lanes),
        bits=32,
        divided={0: 0, 3: 0},
        kind="lutram",
    )
    yield Memory(
        unit="selection",
        name="select.mask",
        shape=(banks, groups * mask_words),
        bits=WORD,
        divided={0: 0},
        lanes=lanes,
        kind="lutram",
    )
    for name in ("threshold", "above"):
        yield Memory(
            unit="selection", name=f"select.{name}", shape=(banks,), bits=32, divided={0: 0}
        )
    yield Memory(
        unit="selection", name="select.index.row", shape=(tokens,), bits=16, divided={0: lanes}
    )
    yield Memory(
        unit="patches",
        name="lines.pixel",
        shape=(limits["param_ports"], banks, line),
        bits=16,
        divided={0: 0, 1: 0, 2: lanes},
        kind="lutram",
    )
    for name in ("saturations", "cycles"):
        yield Memory(
            unit="control", name=f"statistics.{name}", shape=(limits["max_instructions"],), bits=64
        )


def _tables(kernel: KernelDescription) -> Iterator[Memory]:
    """Read-only tables; a lane that reads two entries per cycle owns one."""
    lanes = kernel.geometry["depth"]
    softmax_rows, rounding_rows = kernel.timing["softmax_rows"], kernel.timing["rounding_rows"]
    tables: tuple[tuple[str, str, int, int, int, Kind], ...] = (
        ("epilogue", "kGeluTable", 1025, 18, rounding_rows * lanes, "auto"),
        ("softmax", "kExp2Table", 257, 23, softmax_rows * lanes, "lutram"),
        ("softmax", "kRecipTable", 513, 25, softmax_rows, "auto"),
        ("normalise", "kRsqrtTable", 3073, 25, 1, "auto"),
    )
    for unit, name, entries, bits, copies, kind in tables:
        yield Memory(
            unit=unit, name=name, shape=(entries,), bits=bits, copies=copies, kind=kind, rom=True
        )


def _buffers(kernel: KernelDescription) -> Iterator[Memory]:
    """Bursts between the memory ports and the units, twice each (dataflow), and port FIFOs."""
    ports = kernel.limits["param_ports"]
    for unit, name in (
        ("weights", "load_tile"),
        ("normalise", "load_vectors"),
        ("activations", "load_rows"),
        ("patches", "patchify_lines"),
        ("patches", "patchify_stream"),
    ):
        yield Memory(
            unit=unit,
            name=f"{name}.chunk",
            shape=(ports, 2 * _BURST_WORDS),
            bits=WORD,
            divided={0: 0},
            kind="lutram",
        )
    for unit, name in (("activations", "store_rows"), ("control", "statistics")):
        yield Memory(
            unit=unit, name=f"{name}.chunk", shape=(2 * _BURST_WORDS,), bits=WORD, kind="lutram"
        )
    # An m_axi adapter holds what may be outstanding: bursts times beats.
    for port in kernel.ports:
        bursts = _PARAM_BURSTS if port != "gmem0" else _CONTROL_BURSTS
        yield Memory(unit="ports", name=f"{port}.read", shape=(bursts * _BURST_BEATS,), bits=WORD)
    yield Memory(
        unit="ports", name="gmem0.write", shape=(_CONTROL_BURSTS * _BURST_BEATS,), bits=WORD
    )
