"""Compile each HLS block with Xilinx's types and run its bench, clocked and as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
HLS = HERE.parents[1] / "hls"
HEADERS = HLS / "include" / "trivit" / "blocks"

BENCHES = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.cpp"))
SOURCES = sorted(
    path for path in (HLS / "src").glob("*.cpp") if "trivit/blocks/" in path.read_text("utf-8")
)
BLOCKS = [path.stem for path in SOURCES]

#: Xilinx's types are initialised by reading what they initialise; g++ says so wherever it inlines.
WARNINGS = (
    *("-std=c++14", "-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas"),
    *("-Wno-uninitialized", "-Wno-maybe-uninitialized"),
)


@pytest.fixture(scope="session")
def ap_types() -> Path:
    """Return the folder of ``ap_int.h``."""
    named = os.environ.get("TRIVIT_AP_TYPES")
    wheel = Path(sys.prefix) / "hls4ml" / "hls4ml" / "templates" / "vivado" / "ap_types"
    folder = Path(named) if named else wheel
    if not (folder / "ap_int.h").is_file():
        pytest.fail(
            f"no ap_int.h in {folder}: run `make install`, or name the folder of Xilinx's ap_types "
            "in TRIVIT_AP_TYPES"
        )
    return folder


def compile_cpp(arguments: list[str | Path], ap_types: Path, include: Path | None = None) -> None:
    """Run g++ with the paths of the blocks; ours come first, for hls_stream.h is not Xilinx's."""
    paths = [f"-I{include or HLS / 'include'}", f"-I{HERE}", f"-I{HERE / 'simulator'}"]
    command = [os.environ.get("CXX", "g++"), *WARNINGS, *paths, "-isystem", ap_types, *arguments]
    result = subprocess.run([*map(str, command)], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[:8000]


def run_bench(bench: str, flags: list[str | Path], ap_types: Path, folder: Path) -> None:
    # One translation unit for bench and block: the types take seconds to read.
    source = HLS / "src" / f"{bench}.cpp"
    block: list[str | Path] = ["-include", source] if source.is_file() else []
    binary = folder / bench
    compile_cpp([*flags, *block, HERE / f"bench_{bench}.cpp", "-o", binary], ap_types)
    result = subprocess.run([str(binary)], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-4000:]
    assert result.stderr == "", "the types warn of widths that do not match"


def test_every_block_has_a_bench() -> None:
    assert BLOCKS and sorted([*BLOCKS, "rules"]) == BENCHES


@pytest.mark.parametrize("bench", BENCHES)
def test_clocked(bench: str, ap_types: Path, tmp_path: Path) -> None:
    run_bench(bench, ["-O1", "-DTRIVIT_SIMULATION"], ap_types, tmp_path)


@pytest.mark.parametrize("block", BLOCKS)
def test_synthesis_branch(block: str, ap_types: Path, tmp_path: Path) -> None:
    """The bench compares the same integers there, but no clocks, as in vendor co-simulation."""
    run_bench(block, ["-O1", "-include", HERE / "synthesis.hpp"], ap_types, tmp_path)


PRAGMA = re.compile(r"^#pragma HLS .*?\b(?:variable|port) = (\S+)", re.MULTILINE)


def with_types_of_pragmas(text: str) -> str:
    """Add a declaration behind each pragma that names an expression: it must compile there."""

    def declare(match: re.Match[str]) -> str:
        expression = match.group(1)
        if expression == "return":
            return match.group(0)
        number = match.start()
        line = text[match.start() : text.index("\n", match.start())]
        rest = line[len(match.group(0)) :]
        return (
            f"typedef decltype({expression}) pragma_{number} __attribute__((unused));\n"
            f"{match.group(0)}{rest}\n//"
        )

    return PRAGMA.sub(declare, text)


def copy_with_types(folder: Path) -> Path:
    """Copy what the blocks include, pragma expressions declared, and return the include folder."""
    for source in (HLS / "generated").glob("*.hpp"):
        target = folder / "hls" / "generated" / source.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(source.read_text("utf-8"), "utf-8")
    for source in [*HEADERS.glob("*.hpp"), *SOURCES]:
        target = folder / "hls" / source.relative_to(HLS)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(with_types_of_pragmas(source.read_text("utf-8")), "utf-8")
    return folder / "hls" / "include"


def test_expressions_of_pragmas_compile(ap_types: Path, tmp_path: Path) -> None:
    include = copy_with_types(tmp_path)
    copies = sorted((tmp_path / "hls" / "src").glob("*.cpp"))
    assert all("pragma_" in path.read_text("utf-8") for path in copies)
    compile_cpp(["-fsyntax-only", "-include", HERE / "synthesis.hpp", *copies], ap_types, include)


def test_a_wrong_expression_of_a_pragma_does_not_compile(ap_types: Path, tmp_path: Path) -> None:
    source = tmp_path / "wrong.cpp"
    text = "struct S { int a[2]; };\nvoid f(S s) {\n#pragma HLS STREAM variable = s.a.value\n}\n"
    source.write_text(with_types_of_pragmas(text), "utf-8")
    with pytest.raises(AssertionError, match="value"):
        compile_cpp(["-fsyntax-only", source], ap_types)


@pytest.mark.parametrize("source", SOURCES, ids=BLOCKS)
def test_every_loop_of_a_process_is_flp_at_ii_1(source: Path) -> None:
    """The simulator takes pipelines for flp at II=1: that must be what Vitis HLS is told."""
    text = source.read_text("utf-8")
    loops = re.findall(
        r"do \{\n#pragma HLS PIPELINE II = 1 style = flp\n +running = pipeline\(", text
    )
    assert loops and len(loops) == text.count("pipeline(") == text.count("PIPELINE")
