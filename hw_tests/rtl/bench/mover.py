"""One port's mover with streams on one side and a memory on the other."""

from __future__ import annotations

import random
from typing import Any

from rtl.bench.memory import Memory
from rtl.bench.signals import Pins, Receiver, Sender, Steps

READ_CAUSES = ("word", "address", "open", "room", "memory", "fence", "idle")
WRITE_CAUSES = ("word", "address", "data", "open", "rows", "memory", "fence", "idle")
LIMITS = {"mover": (16, 16), "least": (4, 2)}  # beats of a burst, bursts under way


def move(
    address: int,
    words: int,
    fence: int = 0,
    ports: int = 0,
    tiles: int = 0,
    *,
    bias: bool = False,
    update: bool = False,
    planes: int = 0,
    plane_stride: int = 0,
) -> int:
    """A command's bits; `address` in words."""
    training = plane_stride << 8 | int(bias) << 4 | int(update) << 3 | planes
    return (
        training << 88 | tiles << 80 | ports << 76 | (fence & 0xFFFF) << 60 | words << 36 | address
    )


class MoverBench:
    """`rows` and `weights` receive, `store` sends; `commands` of each by its name."""

    def __init__(self, dut: Any, name: str, rng: random.Random, pause: float = 0.0) -> None:
        pins = self.pins = Pins(dut, f"{name}_")
        self.rng, self.pause = rng, pause
        self.steps = Steps(pins.clk)
        self.memory = Memory(pins, rng, *LIMITS[name])
        self.memory.pause = pause
        self.cleared = 0

    def _sender(self, name: str) -> Sender:
        data, valid, ready = (getattr(self.pins, name + end) for end in ("", "_valid", "_ready"))
        return Sender(data, valid, ready, self.rng, self.pause)

    def _receiver(self, name: str) -> Receiver:
        word, valid, ready = (
            getattr(self.pins, f"{name}_word{e}") for e in ("", "_valid", "_ready")
        )
        return Receiver(
            lambda: (int(word.value), self.steps.cycle), valid, ready, self.rng, self.pause
        )

    async def reset(self) -> None:
        """Reset the mover, with streams that are empty."""
        self.steps.steps = []
        self.commands = {
            name: self._sender(f"{name}_command") for name in ("weights", "rows", "store")
        }
        self.store = self._sender("store_word")
        self.streams = {name: self._receiver(name) for name in ("weights", "rows")}
        for stream in self.streams.values():
            stream.ready.value = 0
        self.pins.reset.value = 1
        self.pins.halt.value = self.pins.clear_statistics.value = self.pins.others.value = 0
        if not self.steps.cycle:
            self.steps.start()
        await self.steps.run(3)
        self.pins.reset.value = 0
        self.cleared = self.steps.cycle
        self.steps.steps = [
            *(sender.step for sender in self.commands.values()),
            self.store.step,
            *(stream.step for stream in self.streams.values()),
            self.memory.step,
        ]

    def received(self, name: str) -> list[int]:
        """Words of a stream so far."""
        return [word for word, _ in self.streams[name].words]

    @property
    def finished(self) -> int:
        """Write commands whose responses have come."""
        return int(self.pins.own_finished.value)

    def statistics(self) -> tuple[dict[str, int], dict[str, int]]:
        """Cycles of the read and of the write side by cause, since the reset."""
        sides = []
        for pin, causes in (
            (self.pins.read_cycles, READ_CAUSES),
            (self.pins.write_cycles, WRITE_CAUSES),
        ):
            value = int(pin.value)
            sides.append({c: value >> 32 * n & 0xFFFFFFFF for n, c in enumerate(causes)})
        return sides[0], sides[1]
