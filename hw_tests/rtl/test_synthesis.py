"""What Yosys makes of the dot product: DSP blocks alone, with every register and the cascade."""

from __future__ import annotations

from typing import Any

import pytest
from rtl.designs import SUM_BITS

DEPTH = 4


@pytest.fixture(scope="module")
def modules() -> dict[str, Any]:
    pytest.importorskip("pyosys", reason="synthesis needs the extra rtl")
    from rtl.synthesis import synthesize

    return synthesize("row_sum", {"DEPTH": DEPTH})


def test_dot_product_is_a_cascade_of_dsp_blocks(modules: dict[str, Any]) -> None:
    from rtl.synthesis import top_of

    cells = modules[top_of(modules, "dot_product")]["cells"].values()
    assert [cell["type"] for cell in cells] == ["DSP48E1"] * DEPTH
    for cell in cells:
        registers = {name: int(cell["parameters"][name], 2) for name in ("AREG", "BREG")}
        registers |= {name: int(cell["parameters"][name], 2) for name in ("MREG", "PREG")}
        assert set(registers.values()) == {1}, registers
    chained = [cell["connections"].get("PCIN", []) for cell in cells]
    given = [tuple(cell["connections"].get("PCOUT", [])) for cell in cells]
    from_others = [tuple(bits) for bits in chained if any(isinstance(bit, int) for bit in bits)]
    assert len(from_others) == DEPTH - 1
    assert set(from_others) <= set(given)


def test_row_sum_adds_one_lut_a_bit(modules: dict[str, Any]) -> None:
    from rtl.synthesis import resources, top_of, total

    counts = resources(total(modules, top_of(modules, "row_sum")))
    assert counts == {"lut": SUM_BITS, "ff": SUM_BITS, "dsp": DEPTH, "bram36": 0}
