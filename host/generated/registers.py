"""AXI4-Lite registers of the accelerator. Generated from hls/kernel.yaml by `python -m trivit.tools.kernel`; do not edit."""

from typing import NamedTuple


class RegisterSpec(NamedTuple):
    """Byte offset, size, whether it can be written, lowest bit of each part by name."""

    offset: int
    bits: int
    writable: bool
    fields: dict[str, int]


MAP_BYTES = 4096
REGISTERS: dict[str, RegisterSpec] = {
    "control": RegisterSpec(0x00, 32, True, {'start': 0, 'done': 1, 'idle': 2, 'overrun': 3, 'abort': 4, 'interrupt': 9}),
    "gier": RegisterSpec(0x04, 32, True, {'enable': 0}),
    "ier": RegisterSpec(0x08, 32, True, {'done': 0, 'error': 1}),
    "isr": RegisterSpec(0x0c, 32, True, {'done': 0, 'error': 1}),
    "status": RegisterSpec(0x10, 32, False, {'code': 0, 'tag': 16}),
    "faults": RegisterSpec(0x14, 32, False, {}),
    "version": RegisterSpec(0x18, 32, False, {}),
    "geometry": RegisterSpec(0x1c, 32, False, {'tokens': 0, 'outputs': 8, 'depth': 16, 'ports': 24}),
    "clock_khz": RegisterSpec(0x20, 32, False, {}),
    "bank_words": RegisterSpec(0x24, 32, False, {}),
    "cycles": RegisterSpec(0x28, 64, False, {}),
    "job_cycles": RegisterSpec(0x30, 64, False, {}),
    "program": RegisterSpec(0x40, 64, True, {}),
    "params": RegisterSpec(0x48, 64, True, {}),
    "input": RegisterSpec(0x50, 64, True, {}),
    "output": RegisterSpec(0x58, 64, True, {}),
    "log": RegisterSpec(0x60, 64, True, {}),
    "commands": RegisterSpec(0x68, 32, True, {}),
    "reports": RegisterSpec(0x6c, 32, True, {}),
}
