"""A PYNQ device behind which the simulated board stands: import this and PYNQ finds it.

Everything above is PYNQ's own: Overlay and its parser of the .hwh, MMIO, register maps, Clocks,
PynqBuffer, Interrupt with its controller. Environment variable ``TRIVIT_SIMULATED_BOARD`` names the
folder of the board (board.hardware.server). Only Linux is stood in for: its FPGA manager, its
allocator, and the name of the UIO device.
"""

from __future__ import annotations

import os
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pynq.interrupt
from board.link import Link
from pynq.buffer import PynqBuffer
from pynq.pl_server import embedded_device, global_state
from pynq.pl_server.device import Device
from pynq.ps import ZU_ARCH
from pynqmetadata.frontends import Metadata

FOLDER_VARIABLE = "TRIVIT_SIMULATED_BOARD"
#: The first line of pl_ps_irq0, as the processor counts.
IRQ = 121


def _parser_class() -> Any:
    """Return PYNQ's class for the metadata of a design, where this release has it."""
    try:
        from pynqmetadata.views.runtime import RuntimeMetadataParser
    except ImportError:
        from pynq.metadata.runtime_metadata_parser import RuntimeMetadataParser
    return RuntimeMetadataParser


class SimulatedDevice(Device):
    """PYNQ's view of the simulated board."""

    _probe_priority_ = 1

    @classmethod
    def _probe_(cls) -> list[Any]:
        folder = os.environ.get(FOLDER_VARIABLE)
        return [cls(Path(folder))] if folder else []

    def __init__(self, folder: Path) -> None:
        super().__init__("simulated")
        self.name = "simulated"
        self.arch = ZU_ARCH
        self.capabilities = {"REGISTER_RW": True}
        self.link = Link(folder)
        global_state.STATE_DIR = str(folder)
        uio = self.link.call("uio")
        pynq.interrupt.get_uio_irq = lambda irq: uio if irq == IRQ else None

    def read_registers(self, address: int, length: int) -> bytes:
        """Return words at an address of the processor."""
        words = [self.link.call("read", address + place) for place in range(0, length, 4)]
        return struct.pack(f"<{len(words)}I", *words)

    def write_registers(self, address: int, data: bytes) -> None:
        """Write words at an address of the processor."""
        for place, word in enumerate(struct.unpack(f"<{len(data) // 4}I", bytes(data))):
            self.link.call("write", address + 4 * place, word)

    def allocate(self, shape: Any, dtype: Any, **options: Any) -> PynqBuffer:
        """Return a contiguous buffer, or raise as XRT does when there is no room."""
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        try:
            address, path = self.link.call("allocate", size)
        except MemoryError as error:
            raise RuntimeError(str(error)) from error
        view = np.memmap(path, dtype=np.uint8, mode="r+")
        buffer = PynqBuffer(
            shape, dtype, buffer=view, bo=address, device=self, device_address=address
        )
        # What is freed with the pointer is not unmapped as well.
        buffer.memory, buffer.pointer, buffer.return_to, buffer.freed = self, address, self, True
        return buffer

    def return_pointer(self, address: int) -> None:
        """Free a buffer."""
        with suppress(OSError):  # at the end of the process
            self.link.call("release", address)

    def flush(self, bo: int, offset: int, pointer: int, size: int) -> None:
        """Bring what the processor wrote to DDR."""
        self.link.call("flush", bo + offset, size)

    def invalidate(self, bo: int, offset: int, pointer: int, size: int) -> None:
        """Let the processor see what is in DDR."""
        self.link.call("invalidate", bo + offset, size)

    def get_bitfile_metadata(self, bitfile_name: str, partial: bool = False) -> Any:
        """Return what PYNQ's own parser says of the .hwh."""
        handoff = Path(bitfile_name).with_suffix(".hwh")
        parser = _parser_class()(Metadata(input=handoff))
        parser.refresh_hierarchy_dict()
        return parser

    def download(self, bitstream: Any, parser: Any = None) -> None:
        """Configure the logic from a .bit file, and keep PYNQ's record of it as it does."""
        binary = embedded_device.bit2bin(Path(bitstream.bitfile_name).read_bytes())
        words = np.frombuffer(binary, dtype="<u4").byteswap()
        self.link.call("download", words.tobytes().rstrip(b"\0"))
        global_state.save_global_state(
            global_state.GlobalState(
                bitfile_name=str(bitstream.bitfile_name),
                bitfile_hash=global_state.bitstream_hash(bitstream.bitfile_name),
                timestamp="now",
                active_name=self.name,
            )
        )
        super().post_download(bitstream, parser, self.name)
