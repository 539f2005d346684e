"""Write the generated files and tell which are stale."""

from pathlib import Path

from trivit.models.files import atomic_write
from trivit.tools.kernel import (
    board,
    commands,
    emit,
    operands_code,
    registers,
    streams,
    system,
    top,
)
from trivit.tools.kernel.description import load_description

#: The project's root: the generator serves developers, who work in a checkout.
ROOT = Path(__file__).resolve().parents[2]


def generate(root: Path = ROOT) -> dict[Path, str]:
    """Return the text of every generated file by its path.

    Raises:
        ToolsError: ``hls/kernel.yaml`` is missing or wrong.
    """
    description = load_description(root / "hls" / "kernel.yaml")
    clock_mhz = description.timing["clock_mhz"]
    return {
        root / "hls/generated/kernel_spec.hpp": emit.cpp_spec(description),
        root / "hls/generated/checks.hpp": operands_code.cpp_checks(description, emit.NOTICE),
        root / "hls/generated/tables.hpp": emit.cpp_tables(),
        root / "hls/generated/step_tables.hpp": emit.cpp_step_tables(),
        root / "hls/generated/registers.hpp": registers.cpp_registers(
            description.registers, emit.NOTICE
        ),
        root / "hls/generated/trivit_registers.sv": registers.verilog_registers(
            description.registers, emit.NOTICE
        ),
        root / "hls/generated/trivit_top.v": top.verilog_top(description, emit.NOTICE),
        root / "hls/generated/trivit_system.sv": system.verilog_system(description, emit.NOTICE),
        root / "hls/generated/trivit_training_top.v": top.verilog_top(
            description, emit.NOTICE, training=True
        ),
        root / "hls/generated/trivit_training_system.sv": system.verilog_system(
            description, emit.NOTICE, training=True
        ),
        root / "hls/generated/block_ports.hpp": system.cpp_block_ports(description, emit.NOTICE),
        **{
            root / f"hls/generated/dpi/trivit_{block}.sv": system.verilog_block(
                description, block, emit.NOTICE
            )
            for block in system.block_ports(description)
        },
        root / "hls/generated/trivit_spec.sv": emit.verilog_spec(description),
        root / "hls/generated/commands.hpp": commands.cpp_commands(
            description.commands, emit.NOTICE
        ),
        root / "hls/generated/trivit_commands.sv": commands.verilog_commands(
            description.commands, emit.NOTICE
        ),
        root / "hls/generated/board.tcl": board.tcl_board(
            description.board, clock_mhz, description.version, emit.NOTICE
        ),
        root / "hls/generated/streams.tcl": streams.tcl_streams(description.streams, emit.NOTICE),
        root / "host/generated/board.py": board.python_board(
            description.board, clock_mhz, emit.NOTICE
        ),
        root / "host/generated/commands.py": commands.python_commands(
            description.commands, emit.NOTICE
        ),
        root / "host/generated/registers.py": registers.python_registers(
            description.registers, emit.NOTICE
        ),
        root / "host/generated/__init__.py": '"""Files generated from hls/kernel.yaml."""\n',
        root / "host/generated/operands.py": operands_code.python_operands(
            description, emit.NOTICE
        ),
        root / "host/generated/spec.py": emit.python_spec(description),
        root / "host/generated/tables.py": emit.python_tables(),
    }


def stale(root: Path = ROOT) -> list[Path]:
    """Return the generated files that differ from what would be written now."""
    return [
        path
        for path, text in generate(root).items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]


def write(root: Path = ROOT) -> list[Path]:
    """Write the files that are stale and return their paths."""
    paths = stale(root)
    texts = generate(root)
    for path in paths:
        with atomic_write(path) as temporary:
            temporary.write_text(texts[path], encoding="utf-8")
    return paths
