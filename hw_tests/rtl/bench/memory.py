"""A DDR memory behind one AXI4 port: its time, and a check of every rule that the port promises.

The time is assumed, not measured: a latency, a rate for both directions together, cycles lost when
the direction turns, refreshes. Each channel moves at most a word in a cycle.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

WORD_BYTES = 16
PAGE = 4096
OKAY, SLVERR, DECERR = 0, 2, 3


@dataclass(frozen=True)
class Timing:
    """Cycles of 150 MHz."""

    latency: int = 60
    words_per_cycle: float = 12.8e9 / 150e6 / WORD_BYTES
    turn: int = 20
    refresh: int = 53  # 350 ns
    refresh_every: int = 1170  # 7.8 us
    burst_run: int = 16  # bursts of one direction while the other waits


@dataclass
class _Burst:
    address: int  # in words
    beats: int
    words: list[int] = field(default_factory=list)
    due: int = 0


def first_content(address: int) -> int:
    """What the word at `address` holds before it is written."""
    return (address + 1) * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128


class Memory:
    """Serves the AXI4 signals of `pins`; step it at each falling edge of their clock.

    A write is seen by reads that are asked for after its response only.
    """

    def __init__(self, pins: Any, rng: random.Random, longest: int, most_open: int) -> None:
        self.rng, self.longest, self.most_open = rng, longest, most_open
        self.timing = Timing()
        self.pause = 0.0
        self.response: Callable[[int], int] = lambda address: OKAY  # of a burst, by its address
        self.content: dict[int, int] = {}
        addresses = ("addr", "len", "size", "burst", "valid", "ready")
        names = [channel + name for channel in ("ar", "aw") for name in addresses]
        names += ["rdata", "rresp", "rlast", "rvalid", "rready", "bresp", "bvalid", "bready"]
        names += ["wdata", "wstrb", "wlast", "wvalid", "wready"]
        self.pin = {name: getattr(pins, name) for name in names}
        self.cycle = 0
        self.reads: deque[_Burst] = deque()  # asked for
        self.read_data: deque[_Burst] = deque()  # on their way back
        self.write_addresses: deque[_Burst] = deque()
        self.write_words: list[int] = []
        self.complete_words: deque[list[int]] = deque()
        self.writes: deque[_Burst] = deque()  # address and words are here
        self.responses: deque[_Burst] = deque()
        self.open_reads = self.open_writes = self.beat = 0
        self.most_seen = 0
        self.offered = {"r": False, "b": False}
        self.held: dict[str, tuple[int, ...]] = {}
        self.free_at = 0.0
        self.direction, self.run = "read", 0
        for name in ("arready", "awready", "wready", "rvalid", "bvalid"):
            self.pin[name].value = 0

    @property
    def quiet(self) -> bool:
        """Whether nothing is under way."""
        return not (self.open_reads or self.open_writes or self.write_words or self.complete_words)

    def read(self, address: int) -> int:
        """The word at `address`."""
        return self.content.get(address, first_content(address))

    def step(self) -> None:
        """One cycle."""
        self.cycle += 1
        for channel, queue in (("ar", self.reads), ("aw", self.write_addresses)):
            self._take_address(channel, queue)
        self._take_word()
        self._serve()
        self._send_word()
        self._send_response()

    def _get(self, name: str) -> int:
        return int(self.pin[name].value)

    def _takes(self, channel: str, *payload: str) -> tuple[int, ...] | None:
        """The payload of a transfer at the next rising edge, if there is one."""
        ready = self.rng.random() >= self.pause
        self.pin[f"{channel}ready"].value = int(ready)
        held = self.held.pop(channel, None)
        if not self._get(f"{channel}valid"):
            assert held is None, f"{channel}valid fell before {channel}ready"
            return None
        now = tuple(self._get(channel + name) for name in payload)
        assert held in (None, now), f"{channel} changed while it waited"
        if not ready:
            self.held[channel] = now
            return None
        return now

    def _take_address(self, channel: str, queue: deque[_Burst]) -> None:
        taken = self._takes(channel, "addr", "len", "size", "burst")
        if taken is None:
            return
        address, length, size, kind = taken
        assert (size, kind) == (4, 1), "not an incrementing burst of whole words"
        assert address % WORD_BYTES == 0
        assert length < self.longest
        end = address + WORD_BYTES * (length + 1) - 1
        assert address // PAGE == end // PAGE, f"{address:#x} to {end:#x} crosses 4 KB"
        burst = _Burst(address // WORD_BYTES, length + 1, due=self.cycle)
        if channel == "ar":
            burst.words = [self.read(burst.address + n) for n in range(burst.beats)]
            self.open_reads += 1
        else:
            self.open_writes += 1
        self.most_seen = max(self.most_seen, self.open_reads, self.open_writes)
        assert self.most_seen <= self.most_open
        queue.append(burst)

    def _take_word(self) -> None:
        taken = self._takes("w", "data", "strb", "last")
        if taken is not None:
            data, strobe, last = taken
            assert strobe == 2**WORD_BYTES - 1
            self.write_words.append(data)
            if last:
                self.complete_words.append(self.write_words)
                self.write_words = []
        if self.write_addresses and self.complete_words:
            burst = self.write_addresses.popleft()
            burst.words = self.complete_words.popleft()
            assert len(burst.words) == burst.beats, "wlast does not agree with awlen"
            self.writes.append(burst)

    def _serve(self) -> None:
        timing = self.timing
        if timing.refresh and self.cycle % timing.refresh_every == 0:
            self.free_at = max(self.free_at, self.cycle) + timing.refresh
        while self.free_at <= self.cycle and (self.reads or self.writes):
            this, other = self.reads, self.writes
            if self.direction == "write":
                this, other = other, this
            if not this or (other and self.run >= timing.burst_run):
                this = other
                self.direction = "read" if self.direction == "write" else "write"
                self.run = 0
                self.free_at = max(self.free_at, self.cycle) + timing.turn
            burst = this.popleft()
            self.run += 1
            start = max(self.free_at, self.cycle)
            self.free_at = start + burst.beats / timing.words_per_cycle
            burst.due = int(start) + timing.latency
            (self.read_data if this is self.reads else self.responses).append(burst)

    def _offer(self, channel: str, queue: deque[_Burst]) -> _Burst | None:
        """The burst of which something is offered now."""
        due = bool(queue) and queue[0].due <= self.cycle
        if not self.offered[channel]:
            self.offered[channel] = due and self.rng.random() >= self.pause
        self.pin[f"{channel}valid"].value = int(self.offered[channel])
        return queue[0] if self.offered[channel] else None

    def _send_word(self) -> None:
        burst = self._offer("r", self.read_data)
        if burst is None:
            return
        last = self.beat == burst.beats - 1
        self.pin["rdata"].value = burst.words[self.beat]
        self.pin["rresp"].value = self.response(burst.address)
        self.pin["rlast"].value = int(last)
        if self._get("rready"):
            self.offered["r"] = False
            self.beat = 0 if last else self.beat + 1
            if last:
                self.read_data.popleft()
                self.open_reads -= 1

    def _send_response(self) -> None:
        burst = self._offer("b", self.responses)
        if burst is None:
            return
        code = self.response(burst.address)
        self.pin["bresp"].value = code
        if self._get("bready"):
            self.offered["b"] = False
            self.responses.popleft()
            self.open_writes -= 1
            if code == OKAY:
                self.content.update(enumerate(burst.words, burst.address))
