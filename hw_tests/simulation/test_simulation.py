"""Run the cocotb simulations: the compiled kernel behind its AXI ports."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from simulation.simulator import BUILD, KERNEL, ROOT, build, simulate


@pytest.fixture(scope="module")
def kernel() -> None:
    """The kernel's simulation model, built once."""
    build(KERNEL)


def test_a_header_may_go(kernel: None) -> None:
    """A rule of its own for each header, so that make does not miss one that is removed."""
    rules = (BUILD / KERNEL.top / "kernel_dpi.d").read_text()
    headers = [path.name for path in (ROOT / "hls" / "include" / "trivit").glob("*.hpp")]
    included = [name for name in headers if f"/{name}" in rules]
    assert len(included) > 20
    for name in included:
        assert re.search(rf"(?m)^\S*/{re.escape(name)}:$", rules), name


@pytest.mark.parametrize("module", ["registers", "programs", "errors", "checker"])
def test_kernel(kernel: None, module: str) -> None:
    simulate(KERNEL, f"simulation.bench.cocotb_{module}")


def test_whole_model(kernel: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The small model with random weights, or the bundle that TRIVIT_BUNDLE names."""
    if "TRIVIT_BUNDLE" not in os.environ:
        pytest.importorskip("brevitas", reason="exporting a model needs the extra quant")
        from simulation.small_model import write_bundle

        monkeypatch.setenv("TRIVIT_BUNDLE", str(write_bundle(tmp_path)))
    bundle = Path(os.environ["TRIVIT_BUNDLE"]).resolve()
    monkeypatch.setenv("TRIVIT_BUNDLE", str(bundle))
    simulate(KERNEL, "simulation.bench.cocotb_model")
