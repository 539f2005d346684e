"""A bitstream's files: what fits is read, what does not is refused with what differs."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from board.bitstream import Files, bit_file
from board.handoff import Facts

from trivit.host.backends import open_backend
from trivit.host.board.design import BITSTREAM_VARIABLE, find_bitstream, read_design
from trivit.host.board.hwh import AddressRange
from trivit.host.errors import HostError
from trivit.host.generated import board


def test_files_that_fit(tmp_path: Path) -> None:
    bit = Files().write(tmp_path)
    design = read_design(bit)
    assert design.manifest.kernel_version == 4 and len(design.digest) == 40
    cell = design.handoff.cells["trivit"]
    assert cell.module == "trivit_top" and cell.clocks["ap_clk"] == 150_000_000
    assert cell.interfaces["m_axi_gmem3"].bits == 128
    assert design.handoff.ranges["trivit", "s_axi_control"] == AddressRange(
        base=board.CONTROL_ADDRESS, bytes=board.CONTROL_BYTES
    )
    assert design.handoff.cells["ps"].parameters["PSU__FPGA_PL0_ENABLE"] == "1"


def test_registers_of_a_design_that_describes_them(tmp_path: Path) -> None:
    described = Files().but(facts=Facts(registers={"version": 0x18, "STATUS": 0x10}))
    cell = read_design(described.write(tmp_path)).handoff.cells["trivit"]
    assert cell.registers == {"version": 0x18, "STATUS": 0x10}


FACTS = Facts()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            Files(part="xc7z020clg400-1"),
            "trivit.bit does not fit.*the part xc7z020clg400-1, ",
        ),
        (
            Files(facts=replace(FACTS, cell="resizer")),
            r"no cell 'trivit' \(its cells: con.* 10 more",
        ),
        (
            Files(facts=replace(FACTS, module="other")),
            "the cell trivit is a other, here",
        ),
        (Files(facts=replace(FACTS, part="xczu7ev-ffvc1156-2-e")), "part xczu7ev-ffvc1156-2, here"),
        (
            Files(facts=replace(FACTS, control=0xB0000000)),
            "trivit/s_axi_control at 0xb0000000, here 0xa0000000",
        ),
        (
            Files(facts=replace(FACTS, interrupts=0xA0020000)),
            "interrupts/s_axi at 0xa0020000, here 0xa0010000",
        ),
        (Files(facts=replace(FACTS, clock_mhz=250)), "clock 250 MHz, here 150"),
        (Files(facts=replace(FACTS, gmem_bits=64)), "m_axi_gmem0 is 64 bits wide, here 128"),
        (
            Files(facts=replace(FACTS, registers={"status": 0x14})),
            "register status at 0x14, here 0x10",
        ),
        (
            Files(manifest=(("kernel_version", 3),)),
            "trivit.json does.*kernel version 3, here 4",
        ),
        (Files(manifest=(("layout", "0" * 64),)), "commands of layout 000000000000, here"),
        (Files(manifest=(("clock_mhz", 100),)), "clock 100 MHz, here 150"),
        (Files(manifest=(("part", "xczu7ev"),)), "part xczu7ev, here xczu9eg"),
        (Files(manifest=(("format", 2),)), "trivit.json is no manifest of format 1"),
        (Files(manifest=(("layout", None), ("clock_mhz", "fast"))), "is no whole manifest"),
    ],
)
def test_files_that_do_not_fit(files: Files, message: str, tmp_path: Path) -> None:
    refused(lambda: read_design(files.write(tmp_path)), message)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("trivit.bit", None, "trivit.bit: no such file.*make bitstream"),
        ("trivit.bit", b"", "trivit.bit is no whole .bit file: copy it again"),
        ("trivit.bit", bit_file(b"1234", board.PART)[:-1], "is no whole .bit file"),
        ("trivit.hwh", None, "trivit.hwh: no such file.*belongs beside the bitstream"),
        ("trivit.hwh", b"<EDKSYSTEM", "trivit.hwh is no hardware handoff file: unclosed token"),
        ("trivit.hwh", b"<html/>", "trivit.hwh is no hardware handoff file: it has no EDKSYSTEM"),
        (
            "trivit.hwh",
            b"<EDKSYSTEM><SYSTEMINFO/><MODULE/></EDKSYSTEM>",
            "trivit.hwh is no whole hardware handoff file: 'FULLNAME'",
        ),
        ("trivit.json", None, "trivit.json: no such file.*build the bitstream again"),
        ("trivit.json", b"{", "trivit.json is no manifest of a bitstream"),
        ("trivit.json", b"[]", "trivit.json is no manifest of format 1"),
    ],
)
def test_files_that_are_damaged(
    name: str, content: bytes | None, message: str, tmp_path: Path
) -> None:
    bit = Files().write(tmp_path)
    if content is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_bytes(content)
    refused(lambda: read_design(bit), message)


def test_all_differences_are_named(tmp_path: Path) -> None:
    facts = replace(FACTS, control=0, clock_mhz=75)
    with pytest.raises(HostError) as error:
        read_design(Files(facts=facts).write(tmp_path))
    assert "s_axi_control at 0x0" in str(error.value) and "clock 75 MHz" in str(error.value)


def test_where_the_bitstream_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(BITSTREAM_VARIABLE, raising=False)
    refused(find_bitstream, "no bitstream: neither trivit.bit nor /home/xilinx/trivit/trivit.bit")
    bit = Files().write(tmp_path)
    assert find_bitstream() == bit.resolve()
    other = Files().write(tmp_path / "other")
    monkeypatch.setenv(BITSTREAM_VARIABLE, str(other))
    assert find_bitstream() == other.resolve()
    assert find_bitstream(bit) == bit.resolve()
    refused(lambda: find_bitstream(Path("none.bit")), "none.bit: no such bitstream")


def test_a_machine_without_pynq(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynq", None)
    refused(lambda: open_backend("board"), "needs the package pynq, .*use --backend simulation")


def refused(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(HostError) as error:
        call()
    assert re.search(message, str(error.value)), str(error.value)
    assert "\n" not in str(error.value)
