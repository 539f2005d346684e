"""The board of the accelerator: the section of ``hls/kernel.yaml`` and its files."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trivit.tools.errors import ToolsError
from trivit.tools.kernel.registers import MAP_BYTES

#: 128-bit ports of a Zynq UltraScale+ PS into DDR: two coherent ones, four others.
PS_PORTS = ("hpc0", "hpc1", "hp0", "hp1", "hp2", "hp3")
_NAMES = ("name", "part", "board_part", "cell", "module")
_WINDOWS = ("control", "interrupts")


@dataclass(frozen=True, kw_only=True)
class Window:
    """A range of the processor's addresses: first byte and size."""

    address: int
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Board:
    """Part, names in the block design, address map, and the PS port of each AXI4 master."""

    name: str
    part: str
    board_part: str
    cell: str
    module: str
    control: Window
    interrupts: Window
    memory: dict[str, str]


def read_board(path: Path, raw: dict[str, Any]) -> Board:
    """Return the checked section ``board``.

    Raises:
        ToolsError: another entry, a window that is not aligned to its size or overlaps, or a PS
            port that does not exist or serves two masters.
    """
    unknown = set(raw) - {*_NAMES, *_WINDOWS, "memory"}
    if unknown:
        raise ToolsError(f"{path}: board has an unknown entry '{min(unknown)}'")
    windows = {name: Window(**raw[name]) for name in _WINDOWS}
    for name, window in windows.items():
        size = window.bytes
        if size < MAP_BYTES or size & (size - 1) or window.address % size:
            raise ToolsError(
                f"{path}: board: {name}: {window.address:#x} is no multiple of its size {size:#x}, "
                f"or that is no power of two of at least {MAP_BYTES}"
            )
    control, interrupts = windows.values()
    if (
        control.address < interrupts.address + interrupts.bytes
        and interrupts.address < control.address + control.bytes
    ):
        raise ToolsError(f"{path}: board: control and interrupts overlap")
    memory = dict(raw["memory"])
    for master, port in memory.items():
        if port not in PS_PORTS or [*memory.values()].count(port) > 1:
            raise ToolsError(
                f"{path}: board: memory: {master}: {port} is taken or not one of "
                f"{', '.join(PS_PORTS)}"
            )
    return Board(
        name=str(raw["name"]),
        part=str(raw["part"]),
        board_part=str(raw["board_part"]),
        cell=str(raw["cell"]),
        module=str(raw["module"]),
        control=control,
        interrupts=interrupts,
        memory=memory,
    )


def python_board(board: Board, clock_mhz: int, notice: str) -> str:
    """Return host/generated/board.py: what the driver compares with the bitstream."""
    lines = [f'"""The board that the accelerator is built for. {notice}"""', ""]
    lines += [f'{name.upper()} = "{getattr(board, name)}"' for name in _NAMES]
    for name in _WINDOWS:
        window = getattr(board, name)
        lines.append(f"{name.upper()}_ADDRESS = {window.address:#x}")
        lines.append(f"{name.upper()}_BYTES = {window.bytes:#x}")
    lines.append(f"CLOCK_MHZ = {clock_mhz}")
    lines += ["#: PS port of each AXI4 master.", "MEMORY = {"]
    lines += [f'    "{master}": "{port}",' for master, port in board.memory.items()]
    return "\n".join([*lines, "}"]) + "\n"


def tcl_board(board: Board, clock_mhz: int, version: int, notice: str) -> str:
    """Return hls/generated/board.tcl: the same for the block design."""
    lines = [f"# {notice}", "namespace eval trivit::board {"]
    lines += [f"    variable {name} {getattr(board, name)}" for name in _NAMES]
    for name in _WINDOWS:
        window = getattr(board, name)
        lines.append(f"    variable {name}_address {window.address:#x}")
        lines.append(f"    variable {name}_bytes {window.bytes:#x}")
    memory = " ".join(f"{master} {port}" for master, port in board.memory.items())
    lines += [
        f"    variable clock_mhz {clock_mhz}",
        f"    variable kernel_version {version}",
        f"    variable memory {{{memory}}}",
    ]
    return "\n".join([*lines, "}"]) + "\n"
