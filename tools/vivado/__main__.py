"""``python -m trivit.tools.vivado hls|bitstream|reports``."""

import argparse
import json
import os
import sys
from pathlib import Path

from trivit.models.files import atomic_write
from trivit.tools.errors import ToolsError
from trivit.tools.kernel import ROOT
from trivit.tools.vivado.bitstream import build_bitstream
from trivit.tools.vivado.blocks import block_names, build_block
from trivit.tools.vivado.compare import gather
from trivit.tools.vivado.releases import Program, find_program
from trivit.tools.vivado.show import print_figures, slow_loops


def _program(kind: str) -> Program:
    program, warning = find_program(kind)
    if warning:
        print(f"trivit: {warning}", file=sys.stderr)
    return program


def _hls(options: argparse.Namespace) -> None:
    program = _program("hls")
    names = options.block or block_names()
    for name in names:
        if name not in block_names():
            raise ToolsError(f"no HLS block {name}; there are {', '.join(block_names())}")
    for name in names:
        print(f"{name}: {program.name} {program.release}", flush=True)
        print(f"{name}: {build_block(name, program, options.build)}", flush=True)


def _bitstream(options: argparse.Namespace) -> None:
    program = _program("vivado")
    print(f"{program.name} {program.release}: output in {options.build}/vivado.log", flush=True)
    folder = build_bitstream(program, options.build, options.jobs)
    manifest = json.loads((folder / "trivit.json").read_text(encoding="utf-8"))
    print(f"{folder}: slack {manifest['slack_ns']:+.3f} ns, {manifest['utilisation']}")


def _reports(options: argparse.Namespace) -> None:
    figures = gather(options.build)
    path = options.build / "reports.json"
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print_figures(figures)
    print(f"all figures: {path}")
    slack = figures.get("timing", {}).get("slack_ns", 0.0)
    if slack < 0:
        raise ToolsError(f"timing is not met: slack {slack:g} ns (docs/vitis.md)")
    if slow := slow_loops(figures):
        raise ToolsError(f"loops are slower than simulated: {', '.join(slow)} (docs/vitis.md)")


def main(arguments: list[str]) -> int:
    """Run one of the three; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m trivit.tools.vivado")
    parser.add_argument("--build", type=Path, default=ROOT / "build", help="folder of results")
    commands = parser.add_subparsers(dest="command", required=True)
    hls = commands.add_parser("hls", help="simulate, synthesise and export HLS blocks")
    hls.add_argument("block", nargs="*", help="all, if none is named")
    hls.set_defaults(run=_hls)
    bitstream = commands.add_parser("bitstream", help="build the bitstream from the blocks and RTL")
    bitstream.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    bitstream.set_defaults(run=_bitstream)
    reports = commands.add_parser("reports", help="read the tools' reports")
    reports.set_defaults(run=_reports)
    options = parser.parse_args(arguments)
    try:
        options.run(options)
    except ToolsError as error:
        print(f"trivit: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
