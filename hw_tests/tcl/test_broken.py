"""Design scripts that are broken on purpose: the checks must notice each."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tcl.checks import problems
from tcl.design import HLS, ROOT, run_bitstream


def damaged(folder: Path, name: str, old: str, new: str) -> Path:
    """Return a copy of hls, by links, in which one text of one script is another."""
    hls = folder / "hls"
    (hls / "tcl").mkdir(parents=True)
    for path in HLS.iterdir():
        if path.name not in ("tcl", "generated"):
            (hls / path.name).symlink_to(path)
    (folder / "hw_tests").symlink_to(ROOT / "hw_tests")
    for part in ("tcl", "generated"):
        shutil.copytree(HLS / part, hls / part, dirs_exist_ok=True)
    script = hls / name
    text = script.read_text("utf-8")
    assert text.count(old) == 1, f"{name}: {old}"
    script.write_text(text.replace(old, new), "utf-8")
    return hls


_DESIGN, _STREAMS, _BOARD = "tcl/design.tcl", "generated/streams.tcl", "generated/board.tcl"

#: Script, its text, what stands there instead, and what is then wrong: with the design, or said by
#: the tool itself.
BROKEN = {
    "a stream ends at its FIFO": (
        _DESIGN,
        "            bus $fifo/M_AXIS [stream_end $name [dict get $stream to]]\n",
        '            if {$name ne "gelu_rows"} '
        "{ bus $fifo/M_AXIS [stream_end $name [dict get $stream to]] }\n",
        "gelu/rows is connected 0 times",
    ),
    "a stream goes to another port": (
        _STREAMS,
        "from softmax.cls to select.cls}",
        "from softmax.cls to select.commands}",
        "select/commands is connected",
    ),
    "a FIFO is too narrow": (
        _STREAMS,
        "softmax_all {bytes 34 ",
        "softmax_all {bytes 32 ",
        "softmax/all has 272 bits and fifo_softmax_all/S_AXIS 256",
    ),
    "a FIFO is as deep as the IP cannot be": (
        _DESIGN,
        "set depth 16",
        "set depth 12",
        "FIFO_DEPTH cannot be 12",
    ),
    "a stream is not there": (
        _STREAMS,
        "        load {bytes 32 depth 4 from sequencer.load to rtl}\n",
        "",
        "sequencer/load is connected 0 times",
    ),
    "a port of the PS has no clock": (
        _DESIGN,
        "clocks ps/[dict get [ps_port $port] clock]",
        "",
        "ps/saxihp2_fpd_aclk is connected 0 times",
    ),
    "blocks are not reset with the accelerator": (
        _DESIGN,
        "resets $trivit::board::cell/blocks_rst_n $block/ap_rst_n",
        "resets reset/peripheral_aresetn $block/ap_rst_n",
        "gelu/ap_rst_n is reset by reset/peripheral_aresetn, not trivit/blocks_rst_n",
    ),
    "two masters share a port": (
        _BOARD,
        "gmem1 hp0",
        "gmem1 hp2",
        "ps/S_AXI_HP2_FPD is connected",
    ),
    "the interrupt ends at the controller": (
        _DESIGN,
        "        net interrupts/irq ps/pl_ps_irq0\n",
        "",
        "interrupts/irq is connected 0 times",
    ),
    "windows overlap": (
        _BOARD,
        "interrupts_address 0xa0010000",
        "interrupts_address 0xa0000000",
        "overlaps trivit/s_axi_control/reg0",
    ),
    "a parameter of the PS is misspelt": (
        _DESIGN,
        "CONFIG.PSU__USE__IRQ0 1",
        "CONFIG.PSU__USE_IRQ0 1",
        "has no parameter PSU__USE_IRQ0",
    ),
    "the PS makes another clock": (
        _BOARD,
        "clock_mhz 150",
        "clock_mhz 319",
        "MHz of the PL clock, not 319",
    ),
    "nobody validates": (_DESIGN, "        validate_bd_design\n", "", "nobody validated"),
    "the RTL's top is not in the project": (
        "tcl/facts.tcl",
        "[lappend sources [file join $hls generated trivit_top.v]]",
        "$sources",
        "no Verilog source has the module trivit_top",
    ),
    "a command of Tcl 8.6": (
        _DESIGN,
        "        set users {}\n",
        "        set users [lmap name $args {pin $name}]\n        set users {}\n",
        'invalid command name "lmap"',
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_design_is_noticed(name: str, tmp_path: Path) -> None:
    script, old, new, wrong = BROKEN[name]
    result = run_bitstream(tmp_path / "work", damaged(tmp_path, script, old, new))
    noticed = [*problems(result.tool.design), result.run.output]
    assert any(wrong in line for line in noticed), noticed
