"""The kernels against PyTorch in float64, on CUDA or under Triton's interpreter.

The interpreter must be asked for before Triton is imported, so ``test_kernels.py`` runs this file
as a program of its own there; on CUDA it imports it.

Bounds. Kernel and PyTorch take the same sums in other orders, with the same roundings on the way:
their errors against float64 are random numbers of one size. As in FlashAttention's tests the
kernel's largest error may be a small multiple of that of attention written out in PyTorch in the
same precision. What methods rank by is float32 from the scores on, so it is held against float32,
whatever the inputs are. Added are 16 roundings of the largest value, for elementary functions and
for cases where PyTorch happens to be exact.
"""

import json
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from trivit.models.layers.relative_position import relative_position_index, table_entries
from trivit.models.layers.short_attention import sizes
from trivit.models.layers.short_attention.operator import short_attention

U = 2.0**-24
TIMES = 3
RANKED = ("row", "columns", "matrix")


@dataclass(frozen=True, kw_only=True)
class Case:
    """One call.

    Attributes:
        side: patches in a row of the image.
        kept: patches of each image that are there, random ones; 0: all in their order.
        fused: tokens without a place at the end.
        prefix: 1 with [CLS].
        mask: ``none``, ``shared`` by the images, ``own`` of each, or ``row``: as ``own``, and one
            row is closed for all keys.
        wanted: of ``row``, ``columns``, ``matrix``.
        apart: queries, keys and values lie in memory as (3, B, H, L, E).
        programs: how many programs a GPU runs at once, as ``image_shares`` sees it.
    """

    side: int
    kept: int = 0
    fused: int = 0
    prefix: int = 1
    images: int = 2
    heads: int = 1
    width: int = 32
    bias: bool = False
    mask: str = "none"
    wanted: tuple[str, ...] = ()
    apart: bool = False
    programs: int = 528

    @property
    def tokens(self) -> int:
        return self.prefix + (self.kept or self.side**2) + self.fused


# Small ones, as the interpreter takes a millisecond for each operation of each program.
SMALL = {
    "one token": Case(side=1, prefix=0),
    "plain": Case(side=4, heads=2, wanted=("row",), apart=True),
    "one patch, bias": Case(side=1, bias=True, width=48),
    "bias": Case(side=4, bias=True, heads=2, images=3, programs=2, wanted=("row",)),
    "bias, 64 wide": Case(side=7, bias=True, width=64, mask="shared", wanted=("row",)),
    "bias, no [CLS]": Case(side=5, prefix=0, bias=True, mask="own"),
    "chosen": Case(side=7, kept=20, bias=True, images=3, programs=1, wanted=("row",)),
    "chosen, fused": Case(side=8, kept=30, fused=1, bias=True, mask="own", wanted=("matrix",)),
    "fused, no [CLS]": Case(
        side=4, kept=9, fused=2, prefix=0, bias=True, images=3, programs=1, wanted=("columns",)
    ),
    "mask": Case(side=7, mask="own", width=48, wanted=("columns", "matrix", "row")),
    "matrix of two heads": Case(side=4, heads=2, mask="shared", wanted=("matrix", "columns")),
    "a closed row": Case(side=4, mask="row", wanted=("matrix",)),
    "69 tokens": Case(side=9, kept=68, images=1, width=64, bias=True, mask="own"),
}
# The interpreter multiplies no bfloat16; float16 shows what rounding to half precision does.
HALF = ("chosen, fused", "matrix of two heads")

_REAL = Case(side=14, images=5, heads=3, width=64, wanted=("row",))
# The shapes of DeiT at 224 and 384, what selectors and patch sampling leave, and other widths.
REAL = {
    "197": _REAL,
    "197, bias": replace(_REAL, bias=True, programs=64),
    "197, bias, mask, matrix": replace(
        _REAL, bias=True, mask="own", wanted=("matrix", "columns", "row")
    ),
    "158, bias, chosen": replace(_REAL, bias=True, kept=157, programs=4),
    "139, mask": replace(_REAL, kept=138, mask="own"),
    "98, mask, columns": replace(_REAL, kept=97, mask="own", wanted=("columns",)),
    "69, mask": replace(_REAL, kept=68, mask="own", apart=True),
    "39, bias, chosen": replace(_REAL, kept=38, bias=True, programs=4),
    "40, bias, fused": replace(_REAL, kept=38, fused=1, bias=True, mask="own"),
    "196, bias, columns": replace(_REAL, prefix=0, bias=True, wanted=("columns",)),
    "577, bias": replace(_REAL, side=24, bias=True, images=2, programs=4),
    "577, mask, matrix": replace(_REAL, side=24, images=2, mask="own", wanted=("matrix",)),
    "width 48": replace(_REAL, width=48, bias=True),
    "width 32": replace(_REAL, width=32, bias=True, mask="shared"),
    "width 32, 17 tokens": replace(_REAL, side=4, width=32, bias=True),
}


@dataclass
class Inputs:
    qkv: Tensor
    table: Tensor | None
    places: Tensor | None
    mask: Tensor | None
    direction: Tensor


def make_inputs(case: Case, device: torch.device, dtype: torch.dtype) -> Inputs:
    """Return random inputs, rounded to ``dtype``."""
    generator = torch.Generator().manual_seed(7)
    length, images = case.tokens, case.images

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator).to(dtype)

    if case.apart:
        qkv = normal(3, images, case.heads, length, case.width).permute(1, 3, 0, 2, 4)
    else:
        qkv = normal(images, length, 3, case.heads, case.width)
    table, places, mask = None, None, None
    if case.bias:
        table = normal(table_entries(case.side), case.heads).float()
    if case.kept:
        orders = torch.rand(images, case.side**2, generator=generator).argsort(1)
        places = orders[:, : case.kept].sort(1).values.int()
        places = torch.nn.functional.pad(places, (case.prefix, case.fused), value=-1).to(device)
    if case.mask != "none":
        count = 1 if case.mask == "shared" else images
        mask = torch.rand(count, 1, length, length, generator=generator) < 0.3
        mask |= torch.eye(length, dtype=torch.bool)
        mask[:, :, : case.prefix] = True
        if case.mask == "row":
            mask[0, 0, length // 2] = False
        mask = mask.to(device)
    direction = normal(images, length, case.heads * case.width).to(device)
    # The copy keeps the order of the memory.
    qkv = qkv.to(device).requires_grad_()
    return Inputs(qkv, None if table is None else table.to(device), places, mask, direction)


def by_kernel(case: Case, given: Inputs) -> dict[str, Tensor]:
    """Return output, gradients and what is wanted besides."""
    qkv = given.qkv
    table = None if given.table is None else given.table.clone().requires_grad_()
    before, sizes.PROGRAMS = sizes.PROGRAMS, case.programs
    flags = [name in case.wanted for name in RANKED]
    # Without a bias nothing is looked up by place.
    places = given.places if case.bias else None
    out, lse, _, scores, sums, matrix = short_attention(
        qkv, table, places, given.mask, case.side, case.prefix, case.fused, *flags
    )
    wanted = [qkv] if table is None else [qkv, table]
    gradients = torch.autograd.grad((out * given.direction).sum(), wanted)
    sizes.PROGRAMS = before
    result = {"out": out.detach(), "qkv gradient": gradients[0]}
    if table is not None:
        result["table gradient"] = gradients[1]
    if flags[0]:
        result["row"] = (scores - lse[:, :, :1]).exp2().mean(1)
    if flags[1]:
        result["columns"] = sums.sum(1)[:, case.prefix :]
    if flags[2]:
        result["matrix"] = matrix
    return result


def by_torch(case: Case, given: Inputs, dtype: torch.dtype) -> dict[str, Tensor]:
    """Return the same from attention written out in ``dtype``."""
    qkv = given.qkv.detach().to(dtype).requires_grad_()
    q, k, v = (qkv[:, :, part].transpose(1, 2) for part in range(3))
    scores = q @ k.transpose(-2, -1) * case.width**-0.5
    table = None
    if given.table is not None:
        table = given.table.to(torch.promote_types(dtype, torch.float32)).requires_grad_()
        places = given.places
        if places is None:
            order = torch.arange(-case.prefix, case.side**2, device=qkv.device)
            places = order.unsqueeze(0)
        rows = places.long() + 1
        index = relative_position_index(case.side).to(qkv.device)
        bias = table[index[rows.unsqueeze(2), rows.unsqueeze(1)]].permute(0, 3, 1, 2)
        scores = scores + bias.to(dtype)
    if given.mask is not None:
        # Not infinity: a row without an open key has no weight at all, instead of 0 / 0.
        scores = scores.masked_fill(~given.mask, -1e4)
    probabilities = scores.softmax(-1)
    if given.mask is not None:
        probabilities = probabilities * given.mask
    out = (probabilities @ v).transpose(1, 2).flatten(2)
    wanted = [qkv] if table is None else [qkv, table]
    gradients = torch.autograd.grad((out * given.direction.to(dtype)).sum(), wanted)
    prefix, mean = case.prefix, probabilities.detach().mean(1)
    result = {"out": out.detach(), "qkv gradient": gradients[0], "matrix": mean}
    result |= {"row": mean[:, 0], "columns": mean[:, prefix:, prefix:].sum(1)}
    if table is not None:
        result["table gradient"] = gradients[1]
    return result


def compare(
    case: Case, device: torch.device, dtype: torch.dtype, runs: int = 2
) -> dict[str, list[float]]:
    """Return for each result its largest error, what that may be, and the largest value.

    NaN is infinitely wrong, and so are results of two ``runs`` that differ in a bit.
    """
    given = make_inputs(case, device, dtype)
    found, *again = (by_kernel(case, given) for _ in range(runs))
    exact, single = (by_torch(case, given, kind) for kind in (torch.float64, torch.float32))
    plain = by_torch(case, given, dtype) | {name: single[name] for name in RANKED}
    report = {}
    for name, tensor in found.items():
        error = (tensor.double() - exact[name]).abs().max().nan_to_num(torch.inf)
        usual = (plain[name].double() - exact[name]).abs().max()
        largest = exact[name].abs().max()
        allowed = TIMES * usual + 16 * U * largest
        same = all(torch.equal(tensor, other[name]) for other in again)
        report[name] = [float(error) if same else float("inf"), float(allowed), float(largest)]
    return report


def main() -> None:
    """Print a report on the interpreter's cases as JSON."""
    torch.set_num_threads(1)
    device = torch.device("cpu")
    # A second run here would show that numpy repeats itself; on CUDA it shows something.
    reports = {name: compare(case, device, torch.float32, 1) for name, case in SMALL.items()}
    half = {name: compare(SMALL[name], device, torch.float16, 1) for name in HALF}
    print(json.dumps({"float32": reports, "float16": half}))


if __name__ == "__main__":
    main()
