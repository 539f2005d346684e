"""Which sizes the search thinks possible, and that the C++ compiles with them."""

import os
import shutil
import subprocess
from itertools import product
from pathlib import Path

import pytest

from trivit.tools.explore.description_file import with_values
from trivit.tools.explore.space import OUTPUTS, ROUNDING_ROWS, compiles
from trivit.tools.kernel import ROOT, emit, load_description

KERNEL = load_description(ROOT / "hls" / "kernel.yaml")


def compile_emulator(values: dict[str, int], folder: Path) -> None:
    """Compile the emulator, without code, with other sizes."""
    shutil.copytree(ROOT / "hls" / "include", folder / "include", dirs_exist_ok=True)
    shutil.copytree(ROOT / "hls" / "src", folder / "src", dirs_exist_ok=True)
    shutil.copytree(ROOT / "hls" / "generated", folder / "generated", dirs_exist_ok=True)
    spec = emit.cpp_spec(with_values(KERNEL, values))
    (folder / "generated" / "kernel_spec.hpp").write_text(spec)
    command = [os.environ.get("CXX", "g++"), "-std=c++14", "-fsyntax-only", "-Wno-unknown-pragmas"]
    source = folder / "src" / "trivit_kernel.cpp"
    result = subprocess.run(
        [*command, f"-I{folder / 'include'}", str(source)], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(("outputs", "rows"), [*product(OUTPUTS, ROUNDING_ROWS)])
def test_arrays_and_rounding_rows_compile(outputs: int, rows: int, tmp_path: Path) -> None:
    values = {"outputs": outputs, "rounding_rows": rows, "weight_depth": 2048}
    assert compiles(with_values(KERNEL, values))
    compile_emulator(values, tmp_path)


@pytest.mark.parametrize(
    "values",
    [
        {"weight_depth": 512},
        {"outputs": 8, "weight_depth": 1024},
        {"rounding_rows": 3},
        {"softmax_rows": 3},
    ],
    ids=str,
)
def test_what_no_structure_serves_is_not_searched(values: dict[str, int]) -> None:
    assert not compiles(with_values(KERNEL, values))
