"""Costs of primitives, totals, limits, and the figures of a synthesis report."""

import re
from pathlib import Path

import pytest

from trivit.tools.errors import ToolsError
from trivit.tools.estimate import primitives
from trivit.tools.estimate.operators import kernel_operators
from trivit.tools.estimate.part import ZU9EG
from trivit.tools.estimate.resources import Resources, check_fits, estimate_resources, fits
from trivit.tools.estimate.vitis_report import read_report, report_estimate
from trivit.tools.explore.description_file import with_values
from trivit.tools.kernel import ROOT, load_description

KERNEL = load_description(ROOT / "hls" / "kernel.yaml")
REPORT = Path(__file__).with_name("csynth.xml")


@pytest.mark.parametrize(
    ("widths", "blocks"),
    [
        ((16, 16), 1),
        ((27, 18), 1),
        ((18, 27), 1),
        ((28, 18), 2),
        ((27, 19), 2),
        ((25, 25), 2),
        ((35, 35), 4),
        ((64, 64), 12),
    ],
)
def test_products_take_blocks_of_27_by_18_bits(widths: tuple[int, int], blocks: int) -> None:
    assert primitives.multiplier_dsps(*widths) == blocks


@pytest.mark.parametrize(
    ("depth", "width", "both", "blocks"),
    [
        (512, 72, False, 1.0),
        (512, 72, True, 2.0),
        (1024, 36, True, 1.0),
        (1024, 18, True, 0.5),
        (512, 36, False, 0.5),
        (384, 128, False, 2.0),
        (1024, 128, True, 4.0),
        (16384, 16, True, 8.0),
        (15360, 16, True, 7.5),
        (1025, 18, True, 1.0),
    ],
)
def test_memories_take_the_best_grid_of_blocks(
    depth: int, width: int, both: bool, blocks: float
) -> None:
    assert primitives.bram36(depth, width, true_dual_port=both) == blocks


def test_the_kernel_fits_its_part() -> None:
    total = estimate_resources(KERNEL).total
    assert fits(total)
    assert total.dsp <= ZU9EG.dsp
    assert total.bram36 <= 0.9 * ZU9EG.bram36
    products = next(o for o in kernel_operators(KERNEL) if o.unit == "array" and o.dsp)
    geometry = KERNEL.geometry
    assert products.total_dsp == geometry["tokens"] * geometry["outputs"] * geometry["depth"]


def test_resources_follow_the_description() -> None:
    deep = with_values(KERNEL, {"activation_depth": 15360, "outputs": 32})
    total = estimate_resources(deep).total
    half = estimate_resources(with_values(deep, {"outputs": 16})).total
    assert total.dsp - half.dsp == 1024
    shallow = estimate_resources(with_values(deep, {"activation_depth": 1024})).total
    assert total.bram36 - shallow.bram36 == 64 * (7.5 - 0.5)


@pytest.mark.parametrize(
    ("needed", "message"),
    [
        ({"dsp": 2521}, "2,521 DSP48E2, 2,520 may be used"),
        ({"bram36": 821.0}, "821 BRAM36, 820.8 may be used"),
        ({"lut": 500_000}, "500,000 LUTs, 274,080 may be used"),
    ],
)
def test_a_kernel_over_the_part_is_refused(needed: dict[str, int], message: str) -> None:
    assert not fits(Resources(**needed))
    with pytest.raises(ToolsError, match=re.escape(message)) as caught:
        check_fits(Resources(**needed))
    assert "\n" not in str(caught.value)


def test_the_largest_amounts_that_fit() -> None:
    check_fits(Resources(dsp=2520, bram36=820.5, lut=274_080, ff=548_160))


def test_a_report_replaces_the_model() -> None:
    report = read_report(REPORT)
    assert (report.part, report.top) == ("xczu9eg-ffvb1156-2-e", "trivit_kernel")
    assert report.estimated_mhz == pytest.approx(205.5, abs=0.1)
    estimate = report_estimate(REPORT)
    assert estimate.source == str(REPORT)
    assert estimate.total == Resources(dsp=2480, bram36=814.5, lut=254_321, ff=312_345)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<DSP>2480</DSP>", "", "has no AreaEstimates/Resources/DSP"),
        ("<LUT>254321</LUT>", "<LUT>~0</LUT>", "LUT is '~0', not an amount"),
        ("</profile>", "", "is not a Vitis HLS report"),
    ],
)
def test_damaged_reports_are_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "csynth.xml"
    path.write_text(REPORT.read_text().replace(old, new, 1))
    with pytest.raises(ToolsError, match=re.escape(message)) as caught:
        read_report(path)
    assert "\n" not in str(caught.value)


def test_older_reports_call_the_blocks_dsp48e(tmp_path: Path) -> None:
    path = tmp_path / "csynth.xml"
    path.write_text(REPORT.read_text().replace("DSP>", "DSP48E>"))
    assert read_report(path).resources.dsp == 2480
