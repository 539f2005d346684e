"""Run the benches of the HLS blocks on Xilinx's types: clocked, and as Vitis HLS compiles them."""

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
CLOCKED = HLS / "simulation" / "clocked"

#: Stands in front of a source and is no header of the benches.
SYNTHESIS = HERE / "synthesis.hpp"
#: Has an hls_stream.h with no more than the vendor's.
VENDOR = HERE / "vendor"

BENCHES = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.cpp"))
SOURCES = sorted(
    path for path in (HLS / "src").glob("*.cpp") if "trivit/blocks/" in path.read_text("utf-8")
)
BLOCKS = [path.stem for path in SOURCES]

#: Benches of several blocks.
TOGETHER = ["attention", "program"]

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


def compile_cpp(arguments: list[str | Path], ap_types: Path) -> None:
    """Run g++ with the paths of the blocks, which ``arguments`` give an hls_stream.h."""
    folders = [HLS / "include", HERE, HLS / "simulation"]
    paths = [f"-I{folder}" for folder in folders]
    command = [os.environ.get("CXX", "g++"), *WARNINGS, *paths, "-isystem", ap_types, *arguments]
    result = subprocess.run([*map(str, command)], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[:8000]


def one_program(benches: list[str], path: Path) -> Path:
    """Write a program of the blocks and all benches that runs the bench it is told.

    Each bench is a program of its own as well; together they compile in a fraction of the time,
    because types and blocks are read once. Headers come first, so that the namespaces hold benches
    alone.
    """
    lines = ["#include <cmath>", f'#include "{HERE.parent / "csim" / "direct.hpp"}"']
    headers = sorted(path.name for path in HERE.glob("*.hpp") if path != SYNTHESIS)
    lines += [f'#include "{name}"' for name in headers]
    lines += [f'#include "trivit/blocks/{name.name}"' for name in sorted(HEADERS.glob("*.hpp"))]
    lines += [f'#include "{HLS / "src" / block}.cpp"' for block in BLOCKS]
    for bench in benches:
        source = HERE / f"bench_{bench}.cpp"
        lines += [f"namespace bench_{bench} {{", f'#include "{source}"', "}"]
    lines.append("int main(int, char** argv) {")
    lines += [
        f'    if (std::string(argv[1]) == "{bench}") return bench_{bench}::main();'
        for bench in benches
    ]
    lines += ["    return 2;", "}", ""]
    path.write_text("\n".join(lines), "utf-8")
    return path


def run_bench(program: Path, bench: str) -> None:
    result = subprocess.run([program, bench], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-4000:]
    assert result.stderr == "", "the types warn of widths that do not match"


@pytest.fixture(scope="module")
def clocked(ap_types: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clocked")
    source = one_program(BENCHES, folder / "benches.cpp")
    flags: list[str | Path] = ["-O1", "-DTRIVIT_SIMULATION", f"-I{CLOCKED}"]
    compile_cpp([*flags, source, "-o", folder / "benches"], ap_types)
    return folder / "benches"


@pytest.fixture(scope="module")
def synthesis_branch(ap_types: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the benches as C simulation has them, with ``__SYNTHESIS__`` on top."""
    folder = tmp_path_factory.mktemp("synthesis")
    source = one_program([*BLOCKS, *TOGETHER], folder / "benches.cpp")
    flags: list[str | Path] = ["-O1", f"-I{VENDOR}", "-include", SYNTHESIS]
    compile_cpp([*flags, source, "-o", folder / "benches"], ap_types)
    return folder / "benches"


def test_every_block_has_a_bench() -> None:
    assert BLOCKS and sorted([*BLOCKS, *TOGETHER, "rules"]) == BENCHES


@pytest.mark.parametrize("bench", BENCHES)
def test_clocked(bench: str, clocked: Path) -> None:
    run_bench(clocked, bench)


@pytest.mark.parametrize("bench", [*BLOCKS, *TOGETHER])
def test_synthesis_branch(bench: str, synthesis_branch: Path) -> None:
    """The bench compares the same integers there, but no clocks, as in vendor co-simulation."""
    run_bench(synthesis_branch, bench)


@pytest.mark.parametrize("source", SOURCES, ids=BLOCKS)
def test_every_loop_of_a_process_is_flp_at_ii_1(source: Path) -> None:
    """The simulator takes pipelines for flp at II=1: that must be what Vitis HLS is told."""
    text = source.read_text("utf-8")
    loops = re.findall(
        r"do \{\n#pragma HLS PIPELINE II = 1 style = flp\n +running =\s+pipeline\(", text
    )
    assert loops and len(loops) == text.count("pipeline(") == text.count("PIPELINE")


@pytest.mark.parametrize("source", SOURCES, ids=BLOCKS)
def test_distances_of_memories_are_those_of_the_pragmas(source: Path) -> None:
    """A memory's distance holds in the simulation because Vitis HLS is told the same one."""
    header = (HEADERS / f"{source.stem}.hpp").read_text("utf-8")
    text = source.read_text("utf-8")
    for process in re.split(r"^struct ", header, flags=re.MULTILINE)[1:]:
        name = process.split(" ")[0]
        for memory in re.findall(r"Memory<.*, kDistance> (\w+);", process):
            found = re.search(r"kDistance = (\d+);", process)
            assert found, name
            body = text[text.index(f"{name} process;") :]
            told = re.search(
                rf"DEPENDENCE variable = process\.{memory}\.value inter RAW distance = (\d+) true",
                body[: body.index("do {")],
            )
            assert told and told.group(1) == found.group(1), f"{name}: {memory}"


PROCESS = re.compile(
    r'name\(\) \{ return "(\w+)"; \}\n((?: +//.*\n)+) +static const int kDepth = (\d+);'
)


def test_depths_of_pipelines_are_the_sums_of_their_stages() -> None:
    """A depth is an assumption: its reasons stand beside it and in the table of README.md."""
    text = (HEADERS / "README.md").read_text("utf-8")
    table = dict(re.findall(r"^\| ([a-z]\w*) \| \w+ \| (\d+ \| .*) \|$", text, re.MULTILINE))
    source = "".join(header.read_text("utf-8") for header in HEADERS.glob("*.hpp"))
    found = {}
    for name, comment, depth in PROCESS.findall(source):
        stages = " ".join(line.strip(" /") for line in comment.splitlines())
        assert sum(map(int, re.findall(r"\d+", stages))) == int(depth), name
        found[name] = f"{depth} | {stages[0].lower()}{stages[1:-1]}"
    assert found == table and len(found) == source.count("kDepth = ")
