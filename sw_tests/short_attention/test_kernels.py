"""Each kernel against attention in float64: output, gradients, what methods rank by, equal bits."""

from typing import Any

import pytest
import torch

from .interpreter import needs_interpreter, report_of

pytest.importorskip("triton", reason="Triton is not installed: PyTorch computes attention")

from . import kernel_checks as checks

Report = dict[str, list[float]]


def check(report: Report) -> None:
    assert {"out", "qkv gradient"} <= set(report)
    for name, (error, allowed, largest) in report.items():
        assert error <= allowed, name
        assert allowed < 0.1 * largest, name


@pytest.fixture(scope="module")
def reports() -> dict[str, Any]:
    needs_interpreter()
    return report_of("kernel_checks.py")


@pytest.mark.parametrize(
    ("name", "dtype"),
    [(name, "float32") for name in checks.SMALL] + [(name, "float16") for name in checks.HALF],
)
def test_interpreted(reports: dict[str, dict[str, Report]], name: str, dtype: str) -> None:
    case, report = checks.SMALL[name], reports[dtype][name]
    check(report)
    assert set(case.wanted) <= set(report)
    assert ("table gradient" in report) == case.bias


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=["bfloat16", "float16"])
@pytest.mark.parametrize("name", list(checks.REAL))
def test_on_cuda(name: str, dtype: torch.dtype) -> None:
    check(checks.compare(checks.REAL[name], torch.device("cuda"), dtype))
