"""The kernels compiled for an H100 or H200, without one: registers, stack, shared memory.

The operator runs as on a GPU, up to the launch: Triton compiles each kernel for the arguments that
it is given and is stopped there. Triton brings NVIDIA's assembler along. What that says decides
between block sizes (``sizes.py``) until somebody times them.
"""

import contextlib
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

pytest.importorskip("triton", reason="Triton is not installed: PyTorch computes attention")

import triton
from triton.backends.compiler import GPUTarget
from triton.runtime.driver import driver
from triton.runtime.jit import JITFunction

from . import kernel_checks as checks

SHARED_LIMIT = 227 * 1024  # bytes that one program may have


class Resources(NamedTuple):
    """Of a kernel: registers and bytes of stack of a thread, shared memory of a program."""

    registers: int
    stack: int
    shared: int


class Hopper:
    """As much of a driver as compiling needs."""

    def get_current_target(self) -> Any:
        return GPUTarget("cuda", 90, 32)

    def get_current_device(self) -> int:
        return 0

    def get_current_stream(self, device: int) -> int:
        return 0


Launched = Callable[[str], dict[str, Resources]]


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Launched:
    """A function from a case's name to what its kernels need."""
    found: dict[str, Resources] = {}
    real = JITFunction.run
    tool = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"

    def compile_only(self: Any, *given: Any, grid: Any, warmup: bool, **settings: Any) -> None:
        kernel = real(self, *given, grid=grid, warmup=True, **settings)
        cubin = tmp_path / "kernel.cubin"
        cubin.write_bytes(kernel.asm["cubin"])
        said = subprocess.run(
            [str(tool), "-res-usage", str(cubin)], capture_output=True, text=True, check=True
        ).stdout
        registers, stack = map(int, re.findall(r"(?:REG|STACK):(\d+)", said))
        found[self.fn.__name__] = Resources(registers, stack, kernel.metadata.shared)

    def launch(name: str) -> dict[str, Resources]:
        case = (checks.SMALL | checks.REAL)[name]
        checks.by_kernel(case, checks.make_inputs(case, torch.device("cpu"), torch.bfloat16))
        return found

    monkeypatch.setattr(JITFunction, "run", compile_only)
    driver.set_active(Hopper())
    yield launch  # type: ignore[misc]
    with contextlib.suppress(RuntimeError):  # there is no other
        driver.reset_active()


def test_one_token(launched: Launched) -> None:
    found = launched("one token")
    assert set(found) == {"forward_kernel", "queries_kernel", "keys_kernel"}
    assert all(needs.stack == 0 and needs.shared <= SHARED_LIMIT for needs in found.values())


def stack_allowed(case: checks.Case, kernel: str) -> int:
    """Return the bytes of stack that are known of."""
    if kernel == "queries_kernel" and case.kept and case.bias:
        return 64  # a few addresses of the scattered sums
    if kernel == "forward_kernel" and {"columns", "matrix"} & set(case.wanted):
        return 64 if case.tokens <= 256 else 2048  # parts of tiles that hold all keys
    return 0


@pytest.mark.full
@pytest.mark.parametrize("name", list(checks.REAL))
def test_real_shapes(launched: Launched, name: str) -> None:
    found = launched(name)
    assert ("gradient_kernel" in found) == checks.REAL[name].bias
    for kernel, needs in found.items():
        assert needs.stack <= stack_allowed(checks.REAL[name], kernel), (kernel, needs)
        assert needs.shared <= SHARED_LIMIT, (kernel, needs)
