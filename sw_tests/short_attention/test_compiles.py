"""The kernels compiled for an H100 or H200, without one: registers, spills, shared memory.

Triton brings NVIDIA's assembler. What it says decides between block sizes (``sizes.py``) until
somebody times them.
"""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("triton", reason="Triton is not installed: PyTorch computes attention")

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from trivit.models.layers.short_attention import backward, bias_table, forward, sizes

SHARED_LIMIT = 227 * 1024  # bytes that one program may have
HOPPER = GPUTarget("cuda", 90, 32)
FLOATS = ("lse", "table", "cls_scores", "column_sums", "matrix", "deltas", "pairs", "gradient")
HALVES = ("qkv", "out", "grad_out", "grad_qkv")
POINTERS = {
    **dict.fromkeys(FLOATS, "*fp32"),
    **dict.fromkeys(HALVES, "*bf16"),
    **{"places": "*i32", "mask": "*u8", "scale": "fp32", "log2_scale": "fp32", "spread": "*fp32"},
}
# Strides of DeiT's tensors: multiples of 16, which Triton makes wide accesses of, or 1.
EVEN = ("qkv_b", "qkv_l", "qkv_3", "qkv_h", "grad_b", "grad_l", "width")
ONES = ("qkv_e", "grad_d", "mask_k")
PLAIN = {"SIDE": 0, "PREFIX": 1, "CHOSEN": False, "MASKED": False}
BIAS = PLAIN | {"SIDE": 14}
ALL = BIAS | {"CHOSEN": True, "MASKED": True}
UNSEEN = {"CLS_ROW": False, "COLUMN_SUMS": False, "MATRIX": False}


def source_of(kernel: Any, constants: dict[str, Any]) -> ASTSource:
    """Return the kernel with the types and alignments that DeiT's tensors have."""
    signature, values, attributes = {}, {}, {}
    for place, name in enumerate(kernel.arg_names):
        if name in constants or name in ONES:
            signature[name], values[(place,)] = "constexpr", constants.get(name, 1)
            continue
        signature[name] = POINTERS.get(name, "i32")
        if signature[name].startswith("*") or name in EVEN:
            attributes[(place,)] = [["tt.divisibility", 16]]
    return ASTSource(fn=kernel, signature=signature, constexprs=values, attrs=attributes)


def assembled(
    kernel: Any, constants: dict[str, Any], size: sizes.Sizes, folder: Path
) -> tuple[int, int, int]:
    """Return registers of a thread, bytes of its stack, and shared memory of a program."""
    options = {"num_warps": size.warps, "num_stages": size.stages}
    compiled = triton.compile(source_of(kernel, constants), target=HOPPER, options=options)
    cubin = folder / "kernel.cubin"
    cubin.write_bytes(compiled.asm["cubin"])
    tool = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"
    said = subprocess.run(
        [str(tool), "-res-usage", str(cubin)], capture_output=True, text=True, check=True
    ).stdout
    found = re.search(r"REG:(\d+) STACK:(\d+)", said)
    assert found is not None
    return int(found[1]), int(found[2]), compiled.metadata.shared


def tile(size: sizes.Sizes, width: int = 64) -> dict[str, int]:
    padded = sizes.padded_width(width)
    return {"ROWS": size.rows, "KEYS": size.keys, "PADDED": padded, "WIDTH": width}


def check(kernel: Any, constants: dict[str, Any], size: sizes.Sizes, stack: int, to: Path) -> None:
    registers, used, shared = assembled(kernel, constants, size, to)
    assert used <= stack and shared <= SHARED_LIMIT and registers <= 255


def test_the_gradient_of_the_table_needs_no_stack(tmp_path: Path) -> None:
    size = sizes.backward_sizes(197, table=True)
    constants = {**BIAS, **tile(size), "TABLE": True}
    check(backward.queries_kernel, constants, size, 0, tmp_path)


@pytest.mark.full
@pytest.mark.parametrize("tokens", [17, 39, 69, 98, 139, 197, 577])
@pytest.mark.parametrize("variant", ["plain", "bias", "all"])
def test_all_shapes(tokens: int, variant: str, tmp_path: Path) -> None:
    constants = {"plain": PLAIN, "bias": BIAS, "all": ALL}[variant]
    size = sizes.forward_sizes(tokens, mean=False)
    check(
        forward.forward_kernel,
        {**constants, **UNSEEN, **tile(size), "CLS_ROW": True},
        size,
        0,
        tmp_path,
    )
    table = variant != "plain"
    size = sizes.backward_sizes(tokens, table=table)
    # Scattered sums over the slots of chosen tokens: a few of their addresses.
    stack = 64 if variant == "all" else 16
    queries = {**constants, **tile(size), "TABLE": table}
    check(backward.queries_kernel, queries, size, stack, tmp_path)
    check(backward.keys_kernel, {**constants, **tile(size)}, size, 0, tmp_path)


@pytest.mark.full
@pytest.mark.parametrize(("tokens", "stack"), [(39, 0), (98, 64), (197, 64), (577, 2048)])
def test_means_over_the_heads(tokens: int, stack: int, tmp_path: Path) -> None:
    size = sizes.forward_sizes(tokens, mean=True)
    wanted = {"CLS_ROW": False, "COLUMN_SUMS": False, "MATRIX": True}
    check(forward.forward_kernel, {**ALL, **tile(size), **wanted}, size, stack, tmp_path)


@pytest.mark.full
@pytest.mark.parametrize("width", [32, 48])
def test_other_widths(width: int, tmp_path: Path) -> None:
    size = sizes.forward_sizes(197, mean=False)
    constants = {**BIAS, **UNSEEN, **tile(size, width)}
    check(forward.forward_kernel, constants, size, 0, tmp_path)
    size = sizes.backward_sizes(197, table=True)
    check(backward.queries_kernel, {**BIAS, **tile(size, width), "TABLE": True}, size, 0, tmp_path)
    check(backward.keys_kernel, {**BIAS, **tile(size, width)}, size, 0, tmp_path)


@pytest.mark.full
def test_the_table(tmp_path: Path) -> None:
    one = sizes.Sizes(1, 1, 4, 1)
    constants = {"SIDE": 24, "PREFIX": 1, "ENTRIES": 16, "BLOCK": 1024}
    check(bias_table.gradient_kernel, constants, one, 64, tmp_path)
    POINTERS["table"] = "*bf16"
    try:
        check(bias_table.spread_kernel, {"SIDE": 24, "BLOCK": 1024}, one, 0, tmp_path)
    finally:
        POINTERS["table"] = "*fp32"
