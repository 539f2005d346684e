"""An emulator of other geometry builds, passes its benches, and agrees with the oracle."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from trivit.tools.explore.description_file import rewrite
from trivit.tools.kernel import ROOT

FOLDERS = ("hls", "host", "models", "tools", "hw_tests")
CASES = {
    "half the outputs": {
        "outputs": 16,
        "rounding_rows": 8,
        "softmax_rows": 4,
        "softmax_buffers": 2,
    },
    "a quarter of the outputs": {
        "outputs": 8,
        "softmax_rows": 1,
        "weight_depth": 2048,
        "select_lanes": 16,
        "activation_depth": 8192,
    },
}


def copy_tree(folder: Path, values: dict[str, int]) -> dict[str, str]:
    """Copy the sources with another kernel.yaml; return the environment that imports them."""
    for name in FOLDERS:
        ignored = shutil.ignore_patterns("__pycache__", "build", "obj*")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", folder)
    description = folder / "hls" / "kernel.yaml"
    description.write_text(rewrite(description.read_text(), values))
    imports = folder / "imports"
    imports.mkdir()
    (imports / "trivit").symlink_to(folder)
    cache = folder / "cache"
    return {
        **os.environ,
        "PYTHONPATH": f"{imports}{os.pathsep}{folder / 'hw_tests'}",
        "XDG_CACHE_HOME": str(cache),
    }


def run(folder: Path, environment: dict[str, str], *arguments: str) -> None:
    result = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-2000:]


COMPARE = """
import numpy as np
from programs import random_bundle
import trivit.host.backends.emulator_library as library
from trivit.host.backends import open_backend
from trivit.host.tracing import with_trace
assert str(library.KERNEL_FOLDER).startswith({folder!r}), library.KERNEL_FOLDER
for seed in range(6):
    bundle, images = random_bundle(seed)
    traced = with_trace(bundle)
    expected, result = (open_backend(n).run(traced, images) for n in ("reference", "emulator"))
    assert expected.tensors.keys() == result.tensors.keys() and len(result.tensors) > 5
    for name, tensor in expected.tensors.items():
        assert np.array_equal(tensor, result.tensors[name]), (seed, name)
    assert np.array_equal(expected.saturations, result.saturations)
"""


@pytest.mark.parametrize("values", CASES.values(), ids=CASES.keys())
def test_oracle_and_emulator_agree(values: dict[str, int], tmp_path: Path) -> None:
    environment = copy_tree(tmp_path, values)
    run(tmp_path, environment, "-m", "trivit.tools.kernel")
    run(tmp_path, environment, "-c", COMPARE.format(folder=str(tmp_path)))


@pytest.mark.full
@pytest.mark.parametrize("values", CASES.values(), ids=CASES.keys())
def test_benches_pass(values: dict[str, int], tmp_path: Path) -> None:
    environment = copy_tree(tmp_path, values)
    run(tmp_path, environment, "-m", "trivit.tools.kernel")
    run(tmp_path, environment, "-m", "pytest", "-q", "hw_tests/csim", "-k", "not sanitized")
