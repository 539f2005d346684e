"""What differs between a bitstream's files and the kernel that this host was made for."""

from trivit.host.board.bitfile import BitHeader
from trivit.host.board.hwh import Handoff
from trivit.host.board.manifest import Manifest
from trivit.host.commands import layout_digest
from trivit.host.generated import board
from trivit.host.generated.registers import MAP_BYTES, REGISTERS
from trivit.host.generated.spec import KERNEL_VERSION

#: Interfaces of the accelerator's cell: AXI4-Lite and the AXI4 ports, bits of data each.
CONTROL = "s_axi_control"
_INTERFACES = {CONTROL: 32, **{f"m_axi_{port}": 128 for port in board.MEMORY}}
#: Of a foreign design a few cells are enough to know it by.
_CELLS_SHOWN = 6
#: The name of its AXI interrupt controller.
INTERRUPTS = "interrupts"
#: Clocks that differ by less are the same: the PS divides in whole steps.
CLOCK_TOLERANCE = 0.01


def part_difference(header: BitHeader) -> list[str]:
    """Return what is wrong with the part of a .bit file."""
    if header.part.lower() == board.PART:
        return []
    return [f"it is for the part {header.part}, the board has {board.PART}"]


def manifest_differences(manifest: Manifest) -> list[str]:
    """Return each difference between a manifest and this host."""
    found = []
    if manifest.kernel_version != KERNEL_VERSION:
        found.append(f"kernel version {manifest.kernel_version}, here {KERNEL_VERSION}")
    if manifest.layout != layout_digest():
        found.append(
            f"commands of layout {manifest.layout[:12]}, here {layout_digest()[:12]}",
        )
    if not same_clock(manifest.clock_mhz, board.CLOCK_MHZ):
        found.append(f"clock {manifest.clock_mhz:g} MHz, here {board.CLOCK_MHZ:g}")
    if manifest.part.lower() != board.PART:
        found.append(f"part {manifest.part}, here {board.PART}")
    return found


def handoff_differences(handoff: Handoff) -> list[str]:
    """Return each difference between a block design and the one that this host expects."""
    cell = handoff.cells.get(board.CELL)
    if cell is None:
        known = ", ".join(sorted(handoff.cells)[:_CELLS_SHOWN]) or "none"
        if len(handoff.cells) > _CELLS_SHOWN:
            known += f" and {len(handoff.cells) - _CELLS_SHOWN} more"
        return [f"no cell {board.CELL!r} (its cells: {known})"]
    found = []
    if not board.PART.startswith(handoff.part.lower()):
        found.append(f"part {handoff.part}, here {board.PART}")
    if cell.module != board.MODULE:
        found.append(f"the cell {board.CELL} is a {cell.module}, here {board.MODULE}")
    for name, bits in _INTERFACES.items():
        interface = cell.interfaces.get(name)
        if interface is None:
            found.append(f"the cell {board.CELL} has no interface {name}")
        elif interface.bits not in (0, bits):
            found.append(f"{name} is {interface.bits} bits wide, here {bits}")
    found += _range(handoff, board.CELL, CONTROL, board.CONTROL_ADDRESS, board.CONTROL_BYTES)
    controller = handoff.cells.get(INTERRUPTS)
    if controller is None:
        found.append(f"no interrupt controller {INTERRUPTS!r}")
    else:
        for name in controller.interfaces:
            if (INTERRUPTS, name) in handoff.ranges:
                found += _range(
                    handoff,
                    INTERRUPTS,
                    name,
                    board.INTERRUPTS_ADDRESS,
                    board.INTERRUPTS_BYTES,
                )
    for name, offset in cell.registers.items():
        spec = REGISTERS.get(name.lower())
        if spec is not None and spec.offset != offset:
            found.append(f"register {name} at {offset:#x}, here {spec.offset:#x}")
    clock = cell.clocks.get("ap_clk")
    if clock is not None and not same_clock(clock / 1e6, board.CLOCK_MHZ):
        found.append(f"clock {clock / 1e6:g} MHz, here {board.CLOCK_MHZ:g}")
    return found


def same_clock(one: float, other: float) -> bool:
    """Return whether two clocks in MHz are the same but for the divider's steps."""
    return abs(one - other) <= CLOCK_TOLERANCE * other


def _range(handoff: Handoff, cell: str, interface: str, base: int, size: int) -> list[str]:
    found = handoff.ranges.get((cell, interface))
    where = f"{cell}/{interface}"
    if found is None:
        return [f"the processor does not reach {where}"]
    if found.base != base:
        return [f"{where} at {found.base:#x}, here {base:#x}"]
    if found.bytes < min(size, MAP_BYTES):
        return [f"{where} has {found.bytes:#x} bytes, here {size:#x}"]
    return []
