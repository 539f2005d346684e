"""The other end of `cosim.server`: does what a client asks for, until it is gone."""

from __future__ import annotations

import os
from multiprocessing.connection import Connection, Listener
from typing import Any

import cocotb
from cosim.bench.memory import OKAY, Memory, Timing
from cosim.bench.system import SystemBench
from cosim.server import MEMORY_VARIABLE, SOCKET_VARIABLE


class RefusedError(Exception):
    """What a client asked for cannot be had."""


class Board:
    """A method for each request."""

    def __init__(self, bench: SystemBench) -> None:
        self.bench, self.memory = bench, bench.memory

    async def read_register(self, offset: int) -> int:
        answer = await self.bench.control.read(offset)
        if answer.code != OKAY:
            raise RefusedError(f"register {offset:#x} cannot be read")
        return answer.value

    async def write_register(self, offset: int, value: int) -> None:
        answer = await self.bench.control.write(offset, value)
        if answer.code != OKAY:
            raise RefusedError(f"register {offset:#x} cannot be written")

    async def read_memory(self, address: int, size: int) -> bytes:
        return self.memory.read(address, size)

    async def write_memory(self, address: int, data: bytes) -> None:
        self.memory.write(address, data)

    async def answer(self, address: int, size: int, to_reads: int, to_writes: int) -> None:
        self.memory.answer(address, size, to_reads, to_writes)

    async def wait_interrupt(self, cycles: int) -> bool:
        return await self.bench.wait_interrupt(cycles)

    async def advance(self, cycles: int) -> None:
        await self.bench.cycles(cycles)

    async def reset(self) -> None:
        await self.bench.reset()


async def answer(board: Board, connection: Connection) -> None:
    """Answer requests until there are no more."""
    while True:
        try:
            name, *arguments = connection.recv()
        except EOFError:
            return
        try:
            value = await getattr(board, name)(*arguments)
        except (RefusedError, IndexError) as error:
            connection.send((False, str(error)))
        else:
            connection.send((True, value))


@cocotb.test
async def serve(dut: Any) -> None:
    """While it waits for a request, no simulated time passes."""
    base, size, refresh = map(int, os.environ[MEMORY_VARIABLE].split())
    bench = SystemBench(dut, Memory(Timing(refresh=refresh), base=base, size=size))
    await bench.start()
    board = Board(bench)
    with (
        Listener(os.environ[SOCKET_VARIABLE], "AF_UNIX") as listener,
        listener.accept() as connection,
    ):
        await answer(board, connection)
