"""Costs of primitives, totals and limits, and what Yosys counted."""

import json
import re

import pytest

from trivit.tools.errors import ToolsError
from trivit.tools.estimate import primitives
from trivit.tools.estimate.hls_blocks import BLOCKS, TRAINING_BLOCKS
from trivit.tools.estimate.part import ZU9EG, Resources
from trivit.tools.estimate.resources import RTL_REPORT, check_fits, estimate_resources, fits
from trivit.tools.explore.description_file import with_values
from trivit.tools.kernel import ROOT, load_description

KERNEL = load_description(ROOT / "hls" / "kernel.yaml")


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
    # The targets of the design.
    assert total.dsp <= 2_270 and total.bram36 <= 775 and total.lut <= 165_000


def test_a_design_that_trains_fits_its_targets() -> None:
    taken = {name: block() for name, block in TRAINING_BLOCKS.items()}
    taken.pop("update_adamw")
    total = sum(taken.values(), estimate_resources(KERNEL).total)
    assert total.dsp <= 2_420 and total.bram36 <= 820 and total.lut <= 200_000
    page = (ROOT / "docs" / "resources.md").read_text()
    for each in taken.values():
        assert f"| {each.dsp} | {each.bram36:.0f} | {each.lut:,} |" in page


def test_the_rtl_is_what_yosys_counted() -> None:
    report = json.loads(RTL_REPORT.read_text())
    units = estimate_resources(KERNEL).units
    rtl = sum((u.resources for u in units.values() if u.source == "Yosys"), Resources())
    assert {name: getattr(rtl, name) for name in report["total"]} == report["total"]
    names = ("engine", "activation banks", "weight ring")
    engine = sum((units[name].resources for name in names), Resources())
    counted = report["parts"]["matrix_engine"]
    assert {name: getattr(engine, name) for name in report["total"]} == {
        name: counted[name] for name in report["total"]
    }
    modelled = {name for name, unit in units.items() if unit.source == "modelled"}
    assert modelled == set(BLOCKS)


def test_resources_follow_the_description() -> None:
    whole = estimate_resources(KERNEL)
    shallow = estimate_resources(with_values(KERNEL, {"activation_depth": 1024}))
    assert whole.total.bram36 - shallow.total.bram36 == 8 * (60 - 4)
    assert shallow.units["activation banks"].source == "Yosys"
    assert shallow.total.lut < whole.total.lut
    longer = estimate_resources(with_values(KERNEL, {"stream_rows": 128, "commands": 64}))
    assert longer.total.lut > whole.total.lut and longer.total.bram36 == whole.total.bram36
    with pytest.raises(ToolsError, match="counted with 1024 weight_depth, not 512"):
        estimate_resources(with_values(KERNEL, {"weight_depth": 512}))
    with pytest.raises(ToolsError, match="not counted activation_depth 1000: use one of 1024, "):
        estimate_resources(with_values(KERNEL, {"activation_depth": 1000}))


def test_products_of_blocks_are_those_of_their_readme() -> None:
    dsp = {name: block().dsp for name, block in BLOCKS.items()}
    products = {"gelu": 32, "softmax": 66, "normalise": 75}
    assert dsp == {**products, "select": 0, "connections": 0, "sequencer": 0}
    assert BLOCKS["connections"]().bram36 == 35 + 2


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
