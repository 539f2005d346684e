"""The block design that hls/tcl makes, in each release: what is in it and what connects to what."""

from __future__ import annotations

import json

import pytest
from tcl.catalogue import RELEASES
from tcl.checks import problems
from tcl.design import BLOCKS, HLS, recorded_design
from tcl.model import Address, Design
from tcl.ports import block_outputs, hls_tops

from trivit.tools.kernel import load_description
from trivit.tools.kernel.streams import RTL

#: The blocks in C++ around the RTL, for simulations alone; and the design with training.
OTHERS = {"trivit_system.sv", "trivit_training_system.sv", "trivit_training_top.v"}

KERNEL = load_description(HLS / "kernel.yaml")
BOARD = KERNEL.board
#: The design is that of inference.
STREAMS = [stream for stream in KERNEL.streams if not stream.training]


@pytest.fixture(params=RELEASES, scope="module")
def design(request: pytest.FixtureRequest) -> Design:
    return recorded_design(request.param)


def test_nothing_is_open_twice_connected_or_of_another_width_clock_or_reset(design: Design) -> None:
    assert design.validated
    assert problems(design) == []


def test_cells_have_the_names_that_the_driver_looks_for(design: Design) -> None:
    wanted = {"ps", "trivit", "interrupts", "reset", "smartconnect_control", *BLOCKS}
    wanted |= {f"smartconnect_{gmem}" for gmem in BOARD.memory}
    wanted |= {f"fifo_{stream.name}" for stream in STREAMS}
    assert set(design.cells) == wanted
    assert design.cells[BOARD.cell].module == BOARD.module
    assert {block: design.cells[block].vlnv for block in BLOCKS} == {
        block: f"trivit:hls:trivit_{block}:{KERNEL.version}.0" for block in BLOCKS
    }


def test_part_board_and_clock_are_those_of_the_kernel_description(design: Design) -> None:
    assert design.part == BOARD.part
    assert design.board_part.rpartition(":")[0] == BOARD.board_part
    assert design.clock_mhz == pytest.approx(KERNEL.timing["clock_mhz"], rel=1e-4)
    ps = design.cells["ps"].parameters
    assert ps["PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ"] == str(KERNEL.timing["clock_mhz"])


def test_each_channel_leads_through_a_fifo_of_its_depth_and_width(design: Design) -> None:
    for stream in STREAMS:
        fifo = f"fifo_{stream.name}"
        source, sink = (
            f"{BOARD.cell}/{stream.name}" if end == RTL else end.replace(".", "/")
            for end in (stream.source, stream.sink)
        )
        assert (source, f"{fifo}/S_AXIS") in design.buses
        assert (f"{fifo}/M_AXIS", sink) in design.buses
        assert int(design.cells[fifo].parameters["FIFO_DEPTH"]) >= stream.depth
        for end in (source, f"{fifo}/S_AXIS", f"{fifo}/M_AXIS", sink):
            cell, _, port = end.partition("/")
            assert design.cells[cell].ports.interfaces[port].width == stream.port_bits, end


def test_streams_of_the_hls_tops_are_as_wide_as_the_description_says() -> None:
    """The other side of the widths: the C++ of hls/src itself."""
    tops = hls_tops(HLS)
    del tops["trivit_update_adamw"]  # stands for the update by SGD
    wanted: dict[str, int] = {}
    for stream in KERNEL.streams:
        wanted |= {end: stream.bits for end in (stream.source, stream.sink) if end != RTL}
    assert wanted == {
        f"{top.removeprefix('trivit_')}.{port}": bits
        for top, ports in tops.items()
        for port, bits in ports.items()
    }
    assert block_outputs(HLS) - {RTL} < set(wanted)


def test_each_master_reaches_its_port_of_the_ps_at_128_bits(design: Design) -> None:
    for gmem, port in BOARD.memory.items():
        between = f"smartconnect_{gmem}"
        ps = f"ps/S_AXI_{port.upper()}_FPD"
        assert (f"{BOARD.cell}/m_axi_{gmem}", f"{between}/S00_AXI") in design.buses
        assert (f"{between}/M00_AXI", ps) in design.buses
        master = design.cells[BOARD.cell].ports.interfaces[f"m_axi_{gmem}"]
        slave = design.cells["ps"].ports.interfaces[ps.partition("/")[2]]
        assert master.width == slave.width == 128


def test_the_processor_reaches_registers_and_interrupts_where_the_driver_expects_them(
    design: Design,
) -> None:
    assert [address for address in design.addresses if address.space == "ps/Data"] == [
        Address(
            space="ps/Data",
            segment="trivit/s_axi_control/reg0",
            offset=BOARD.control.address,
            range=BOARD.control.bytes,
        ),
        Address(
            space="ps/Data",
            segment="interrupts/S_AXI/Reg",
            offset=BOARD.interrupts.address,
            range=BOARD.interrupts.bytes,
        ),
    ]


def test_each_master_sees_all_of_ddr_and_nothing_else(design: Design) -> None:
    for gmem, port in BOARD.memory.items():
        space = f"{BOARD.cell}/m_axi_{gmem}"
        seen = {
            address.segment.rpartition("/")[2]: (address.offset, address.range)
            for address in design.addresses
            if address.space == space
        }
        low, high = 1 << 31, 1 << 35
        name = port.upper()
        assert seen == {f"{name}_DDR_LOW": (0, low), f"{name}_DDR_HIGH": (high, high)}
        assert all(offset + size <= 1 << 40 for offset, size in seen.values())
        assert {
            segment.rpartition("/")[2] for taken, segment in design.excluded if taken == space
        } == {f"{name}_QSPI", f"{name}_LPS_OCM"}


def test_the_interrupt_arrives_at_the_ps(design: Design) -> None:
    assert design.net_of("trivit/interrupt") == ["trivit/interrupt", "interrupts/intr"]
    assert design.net_of("ps/pl_ps_irq0") == ["interrupts/irq", "ps/pl_ps_irq0"]


def test_every_source_of_the_rtl_is_in_the_project(design: Design) -> None:
    rtl = {path.relative_to(HLS).as_posix() for path in (HLS / "rtl").rglob("*.sv")}
    generated = {
        path.relative_to(HLS).as_posix()
        for path in (HLS / "generated").iterdir()
        if path.suffix in (".sv", ".v") and path.name not in OTHERS
    }
    assert set(design.sources) == rtl | generated
    assert len(design.sources) == len(set(design.sources))


def test_the_design_is_a_tree_of_json(design: Design) -> None:
    tree = json.loads(json.dumps(design.as_json()))
    assert tree["cells"]["trivit"]["ports"]["interfaces"]["engine"] == {
        "mode": "slave",
        "type": "xilinx.com:interface:axis_rtl:1.0",
        "width": 256,
    }
