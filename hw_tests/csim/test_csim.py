"""Compile every test bench with g++ and run it; a bench exits non-zero on any difference."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
HLS = HERE.parents[1] / "hls"

BENCHES = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.cpp"))
WARNINGS = ("-std=c++14", "-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas")
SANITIZE = ("-O1", "-g1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
#: Sanitized builds that run every time; the others take a minute and run with make test-full.
QUICK_SANITIZED = {"fuzz", "program"}
#: What is written for processors apart from hardware: the array, and arithmetic on lanes.
IN_BOTH_ORDERS = [
    *("requantize", "gelu", "matmul", "attention", "normalise", "softmax", "program"),
]


def compile_bench(bench: str, flags: tuple[str, ...], folder: Path) -> Path:
    """Compile a bench, with the top function where the bench calls it, into ``folder``."""
    binary = folder / bench
    sources = [HERE / f"bench_{bench}.cpp"]
    if bench == "program":
        sources.append(HLS / "src" / "trivit_kernel.cpp")
    command = [os.environ.get("CXX", "g++"), *WARNINGS, *flags, f"-I{HLS / 'include'}", f"-I{HERE}"]
    result = subprocess.run(
        [*command, *map(str, sources), "-o", str(binary)], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    return binary


def run_bench(*command: str | Path) -> None:
    """Run a bench; the limit stands far above any bench's time, so it means that it hangs."""
    result = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stdout + result.stderr


def test_there_are_benches() -> None:
    assert len(BENCHES) == 12


@pytest.mark.parametrize("bench", BENCHES)
def test_bench(bench: str, tmp_path: Path) -> None:
    run_bench(compile_bench(bench, ("-O2",), tmp_path))


@pytest.mark.parametrize(
    "bench",
    [
        bench if bench in QUICK_SANITIZED else pytest.param(bench, marks=pytest.mark.full)
        for bench in BENCHES
    ],
)
def test_bench_sanitized(bench: str, tmp_path: Path) -> None:
    run_bench(compile_bench(bench, SANITIZE, tmp_path))


@pytest.mark.parametrize("bench", IN_BOTH_ORDERS)
def test_bench_in_hardware_order(bench: str, tmp_path: Path) -> None:
    """Compile the array's own loop, which the emulator replaces by inner products.

    Normalisation then stands in front of it, and factors must fit the widths that they are given.
    """
    run_bench(compile_bench(bench, ("-O2", "-DTRIVIT_HARDWARE_ORDER"), tmp_path))


@pytest.mark.full
@pytest.mark.parametrize("bench", IN_BOTH_ORDERS)
def test_bench_on_neon(bench: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Vectors of another architecture, where a cross compiler and its emulator are installed."""
    compiler, machine = "aarch64-linux-gnu-g++", "qemu-aarch64"
    for program in (compiler, machine):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is missing: install g++-aarch64-linux-gnu and qemu-user")
    monkeypatch.setenv("CXX", compiler)
    run_bench(machine, compile_bench(bench, ("-O2", "-static"), tmp_path))


def test_emulator_compiles_without_warnings(tmp_path: Path) -> None:
    sources = [HLS / "src" / "trivit_kernel.cpp", HLS / "emulator" / "emulator.cpp"]
    command = [os.environ.get("CXX", "g++"), *WARNINGS, "-O2", "-shared", "-fPIC"]
    result = subprocess.run(
        [*command, f"-I{HLS / 'include'}", *map(str, sources), "-o", str(tmp_path / "kernel.so")],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
