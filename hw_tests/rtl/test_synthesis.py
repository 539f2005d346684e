"""What Yosys makes of a small array: packed cascades, and a report that adds up."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from rtl import report, report_page
from rtl.designs import ROOT, RTL, SMALL, SUM_BITS
from rtl.synthesis import inferred_latches, synthesize, top_of

GEOMETRY = {
    "TOKENS": SMALL.tokens,
    "OUTPUTS": SMALL.outputs,
    "DEPTH": SMALL.depth,
    "SUM_BITS": SUM_BITS,
}


# pyosys is in the extra `dev`, but there is none for other processors.
@pytest.fixture(scope="module")
def pyosys() -> None:
    pytest.importorskip("pyosys", reason="pyosys exists for x86_64 alone")


@pytest.fixture(scope="module")
def modules(pyosys: None) -> dict[str, Any]:
    return synthesize("systolic_array", GEOMETRY)


def test_dot_product_is_a_cascade_of_dsp_blocks(modules: dict[str, Any]) -> None:
    found = report.packing(modules)
    report.check_packing(found, SMALL.depth)
    assert found["registered"] == found["dsp"] == SMALL.depth


@pytest.mark.parametrize(
    ("what", "found"), [("AREG", "'registered': 3"), ("PCIN", "'cascaded': 2")]
)
def test_a_block_that_is_not_packed_is_found(
    modules: dict[str, Any], what: str, found: str
) -> None:
    broken = copy.deepcopy(modules)
    cells = broken[top_of(broken, "dot_product")]["cells"].values()
    given = {tuple(cell["connections"].get("PCOUT", [])) for cell in cells}
    block = next(cell for cell in cells if tuple(cell["connections"].get("PCIN", [])) in given)
    if what == "PCIN":
        block["connections"]["PCIN"] = ["0"] * 48
    else:
        block["parameters"][what] = "0"
    with pytest.raises(ValueError, match=found):
        report.check_packing(report.packing(broken), SMALL.depth)


def test_row_sum_adds_one_lut_a_bit(modules: dict[str, Any]) -> None:
    counts = report.resources(report.total(modules, top_of(modules, "row_sum")))
    assert counts == {"lut": SUM_BITS, "ff": SUM_BITS, "dsp": SMALL.depth, "bram36": 0}


def test_report_adds_up(
    modules: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "synthesize", lambda *_: modules)
    path = tmp_path / "rtl.json"
    geometry = {name.lower(): size for name, size in GEOMETRY.items()}
    report.write_report(path, "systolic_array", geometry, GEOMETRY, sizes={})
    written = json.loads(path.read_text())
    units, whole = written["units"], written["total"]
    sums = SMALL.tokens * SMALL.outputs
    instances = {name: counts["instances"] for name, counts in units.items()}
    assert instances == {
        "systolic_array": 1,
        "array_column": SMALL.outputs,
        "row_sum": sums,
        "dot_product": sums,
    }
    for column in report_page.COLUMNS:
        assert sum(counts[column] for counts in units.values()) == whole[column]
        assert sum(counts[column] for counts in written["parts"].values()) == whole[column]
    assert {name: counts["instances"] for name, counts in written["parts"].items()} == {
        "systolic_array": 1,
        "array_column": SMALL.outputs,
    }
    assert whole["dsp"] == sums * SMALL.depth
    assert written["share"]["dsp"] == round(whole["dsp"] / 2520, 4)
    assert f"| **all** |  | **{whole['lut']:,}** |" in report_page.table(written)


def test_units_are_counted_at_other_sizes(pyosys: None) -> None:
    counted = report.variants({"row_stream": ("ROWS", (16, 64))})["row_stream"]
    assert counted["parameter"] == "ROWS"
    shallow, deep = counted["values"]["16"], counted["values"]["64"]
    assert shallow["lut"] < deep["lut"] and shallow["dsp"] == deep["bram36"] == 0


def test_luts_that_are_memory_and_half_blocks_are_counted() -> None:
    counts = report.resources({"RAMB18E1": 3, "RAMB36E1": 2, "RAM32M": 1, "SRL16E": 5, "MUXF7": 9})
    assert counts == {"lut": 9, "ff": 0, "dsp": 0, "bram36": 3.5}


def test_a_latch_has_no_place_in_the_report() -> None:
    with pytest.raises(ValueError, match=r"LDCE \(3 times\)"):
        report.resources({"LUT6": 1, "LDCE": 3})


def test_the_engine_has_no_latch(pyosys: None, tmp_path: Path) -> None:
    assert inferred_latches("matrix_engine", dict(SMALL.parameters)) == 0
    source = tmp_path / "held.sv"
    source.write_text(
        "module held(input logic on, d, output logic q); always_latch if (on) q = d; endmodule"
    )
    assert inferred_latches("held", sources=[source]) == 1


def test_the_top_has_no_latch(pyosys: None) -> None:
    """Yosys reads all of it, and every port that is connected is there."""
    sources = [*RTL, ROOT / "hls/generated/trivit_top.v"]
    assert inferred_latches("trivit_top", sources=sources) == 0


def test_page_shows_the_report() -> None:
    written = json.loads(report.REPORT.read_text())
    assert report.REPORT.with_suffix(".md").read_text() == report_page.page(written)
