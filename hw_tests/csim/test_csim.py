"""Compile every test bench with g++ and run it; a bench exits non-zero on any difference."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
HLS = HERE.parents[1] / "hls"

BENCHES = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.cpp"))
WARNINGS = ("-std=c++14", "-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas")
SANITIZE = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
#: Sanitized builds that run every time; the others take a minute and run with make test-full.
QUICK_SANITIZED = {"fuzz", "program"}


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


def run_bench(binary: Path) -> None:
    """Run a bench; the limit stands far above any bench's time, so it means that it hangs."""
    result = subprocess.run([str(binary)], capture_output=True, text=True, timeout=300)
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


@pytest.mark.parametrize(
    "bench",
    ["requantize", "gelu", "matmul", "attention", "normalise", "softmax", "program"],
)
def test_bench_in_hardware_order(bench: str, tmp_path: Path) -> None:
    """Compile the array's own loop, which the emulator replaces by inner products.

    Normalisation then stands in front of it, and factors must fit the widths that they are given.
    """
    run_bench(compile_bench(bench, ("-O2", "-DTRIVIT_HARDWARE_ORDER"), tmp_path))


def test_emulator_compiles_without_warnings(tmp_path: Path) -> None:
    sources = [HLS / "src" / "trivit_kernel.cpp", HLS / "emulator" / "emulator.cpp"]
    command = [os.environ.get("CXX", "g++"), *WARNINGS, "-O2", "-shared", "-fPIC"]
    result = subprocess.run(
        [*command, f"-I{HLS / 'include'}", *map(str, sources), "-o", str(tmp_path / "kernel.so")],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
