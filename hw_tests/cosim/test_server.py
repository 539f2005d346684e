"""The simulated accelerator as a device for a Python outside of the simulation."""

from __future__ import annotations

import numpy as np
import pytest
from accelerator.tiny import load_product_store
from cosim.server import SimulatedBoard, SimulatedBoardError

from trivit.host.generated.registers import REGISTERS
from trivit.host.generated.spec import KERNEL_VERSION


def test_a_job_from_outside() -> None:
    """As a driver would: buffers, registers, start, interrupt; and what is not there is told."""
    tiny = load_product_store(np.random.default_rng(1), rows=20, images=1)
    program = tiny.program
    regions = {
        "program": program.commands.astype("<u8").tobytes(),
        "params": program.params.astype("<i2").tobytes(),
        "input": tiny.images.astype("<i2").tobytes(),
        "output": bytes(program.output_words * 16),
        "log": bytes(program.reports * 16),
    }
    offsets = {name: register.offset for name, register in REGISTERS.items()}
    with SimulatedBoard(memory_base=0x8_0000_0000, memory_bytes=1 << 20) as board:
        assert board.read_register(offsets["version"]) == KERNEL_VERSION
        address = 0x8_0000_0000
        for name, content in regions.items():
            board.write_memory(address, content)
            board.write_register(offsets[name], address & 0xFFFFFFFF)
            board.write_register(offsets[name] + 4, address >> 32)
            if name == "output":
                output = address
            address += -(-len(content) // 4096) * 4096
        board.write_register(offsets["commands"], len(program.commands))
        board.write_register(offsets["reports"], program.reports)
        board.write_register(offsets["gier"], 1)
        board.write_register(offsets["ier"], 3)
        board.write_register(offsets["control"], 1)
        assert not board.wait_interrupt(10)
        assert board.wait_interrupt(20_000)
        got = np.frombuffer(board.read_memory(output, len(regions["output"])), "<i2")
        assert np.array_equal(got, tiny.expected[0].reshape(-1))
        before = board.read_register(offsets["cycles"])
        board.advance(1000)
        assert 1000 <= board.read_register(offsets["cycles"]) - before < 1020
        with pytest.raises(SimulatedBoardError, match="register 0x18 cannot be written"):
            board.write_register(offsets["version"], 1)
        with pytest.raises(SimulatedBoardError, match="16 bytes at 0x100: not in the memory"):
            board.read_memory(0x100, 16)
        board.reset()
        assert board.read_register(offsets["commands"]) == 0
    with pytest.raises(SimulatedBoardError, match="was closed"):
        board.advance(1)
