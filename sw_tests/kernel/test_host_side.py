"""Registers, channels and the top's ports, as `hls/kernel.yaml` has them, beside the sources."""

import re
from pathlib import Path

import pytest

from trivit.host.generated.registers import REGISTERS
from trivit.tools.errors import ToolsError
from trivit.tools.kernel import ROOT, load_description

KERNEL = ROOT / "hls" / "kernel.yaml"
DESCRIPTION = load_description(KERNEL)
TOP = (ROOT / "hls/generated/trivit_top.v").read_text()
TRAINING_TOP = (ROOT / "hls/generated/trivit_training_top.v").read_text()
PORTS = {
    name: int(high or 0) + 1
    for high, name in re.findall(r"(?:in|out)put wire (?:\[(\d+):0\] )?(\w+)", TOP)
}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "isr:        {offset: 0x0c",
            "isr:        {offset: 0x08",
            "isr: offset 0x8 is that of ier",
        ),
        ("program:    {offset: 0x40", "program:    {offset: 0x44", "offset 68 is no multiple of 8"),
        ("{offset: 0x68}", "{offset: 0x1000}", "commands: offset 4096 is no multiple"),
        ("{offset: 0x68}", "{offset: 0x68, width: 3}", "commands has an unknown entry 'width'"),
        ("{offset: 0x68}", "{offset: 0x68, bits: 16}", "write bits 32 or 64"),
        (
            "bits: 24, from: sequencer.program_end",
            "bits: 24, from: sequencer.jobs",
            "sequencer.jobs",
        ),
        ("from: rtl, to: gelu.rows", "from: rtl, to: gelu", "gelu is no port that is free"),
        ("{bits: 8, from: select.kept", "{bits: 0, from: select.kept", "0 is no number above 0"),
        ("  rows2:  ", "  rows9:  ", "streams: rows2 is missing"),
    ],
)
def test_contradictions_are_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    from trivit.tools.kernel.top import verilog_top

    path = tmp_path / "kernel.yaml"
    text = KERNEL.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ToolsError, match=message) as caught:
        verilog_top(load_description(path), "")
    assert "\n" not in str(caught.value)


def test_the_host_knows_every_register() -> None:
    assert {r.name: r.offset for r in DESCRIPTION.registers} == {
        name: spec.offset for name, spec in REGISTERS.items()
    }
    header = (ROOT / "hls/generated/registers.hpp").read_text()
    package = (ROOT / "hls/generated/trivit_registers.sv").read_text()
    for name, spec in REGISTERS.items():
        camel = "".join(part.capitalize() for part in name.split("_"))
        low = f"{name.upper()}{'_LOW' if spec.bits == 64 else ''}"
        assert f"kRegister{camel} = {spec.offset:#04x}," in header
        assert f" {low} = 12'h{spec.offset:03x};" in package
        for field, bit in spec.fields.items():
            assert f" {name.upper()}_{field.upper()} = {bit};" in package


def test_every_stream_port_of_a_block_has_its_channel() -> None:
    """By the `axis` pragmas of hls/src; nothing is connected that is not there.

    The engine in C++ stands for the RTL, and the update by AdamW for that by SGD, so they have no
    channels of their own.
    """
    ports = set()
    blocks = set((ROOT / "hls/src").glob("*.cpp"))
    stand_ins = {ROOT / f"hls/src/{name}.cpp" for name in ("engine", "mover", "update_adamw")}
    for source in blocks - stand_ins:
        ports |= {
            f"{source.stem}.{port}"
            for port in re.findall(r"INTERFACE mode = axis port = (\w+)", source.read_text())
        }
    connected = {end for s in DESCRIPTION.streams for end in (s.source, s.sink)} - {"rtl"}
    assert connected == ports


def test_widths_are_those_of_the_accelerator() -> None:
    source = (ROOT / "hls/rtl/accelerator.sv").read_text()
    sizes = {"ROW": 512, "2*WORD": 256, "WORD": 128}
    for stream in DESCRIPTION.streams:
        if "rtl" not in (stream.source, stream.sink):
            continue
        declared = re.search(rf"\[\s*(\S+?)-1:0\] {stream.name}_data,", source)
        number = re.search(rf"\[\s*(\d+):0\] {stream.name}_data,", source)
        if number:
            assert int(number[1]) + 1 == stream.bits, stream.name
        elif declared:
            assert sizes[declared[1]] == stream.bits, stream.name
        out = stream.source == "rtl"
        forth, back = ("output", "input") if out else ("input", "output")
        for top, here in ((TOP, not stream.training), (TRAINING_TOP, True)):
            data = f"{forth} wire [{stream.port_bits - 1}:0] {stream.name}_TDATA"
            assert (data in top) == (f"{back} wire {stream.name}_TREADY" in top) == here


def test_ports_are_those_that_vivado_takes_for_interfaces() -> None:
    for port in range(5):
        bus = f"m_axi_gmem{port}_"
        widths = {name.removeprefix(bus): w for name, w in PORTS.items() if name.startswith(bus)}
        assert widths.pop("ARADDR") == widths.pop("AWADDR") == 64
        assert widths.pop("RDATA") == widths.pop("WDATA") == 128
        assert widths.pop("WSTRB") == 16
        shape = {"ID": 1, "LEN": 8, "SIZE": 3, "BURST": 2, "LOCK": 1, "CACHE": 4, "PROT": 3}
        shape |= {"QOS": 4, "REGION": 4, "VALID": 1, "READY": 1}
        expected = {f"{c}{name}": width for c in ("AR", "AW") for name, width in shape.items()}
        expected |= {"RID": 1, "BID": 1, "RRESP": 2, "BRESP": 2, "RLAST": 1, "WLAST": 1}
        expected |= {f"{c}{s}": 1 for c in "RWB" for s in ("VALID", "READY")}
        assert widths == expected
    pattern = r'X_INTERFACE_INFO = "(\S+) (\S+) (\S+)" \*\)\n\s*\w+ wire (?:\[.*\] )?(\w+)'
    infos = re.findall(pattern, TOP)
    assert len(infos) == len(PORTS)
    for kind, interface, signal, port in infos:
        assert port in (f"{interface}_{signal}", interface), (kind, port)
    associated = re.search(r"ASSOCIATED_BUSIF ([^,]*),", TOP)
    assert associated is not None
    buses = {interface for kind, interface, _, _ in infos if ":interface:" in kind}
    assert set(associated[1].split(":")) == buses


def test_the_top_is_plain_verilog() -> None:
    """Block designs take no SystemVerilog top."""
    code = re.sub(r"//.*|\(\*.*?\*\)", "", TOP)
    assert not re.search(r"\b(logic|always_ff|always_comb|import|package|genvar|int|'0|'1)\b", code)
    assert TOP.count("endmodule") == 1
