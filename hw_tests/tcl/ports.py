"""Ports of the RTL's top and of the HLS tops, read from their sources."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path

from trivit.tools.kernel import load_description

_ATTRIBUTE = r'\(\* X_INTERFACE_PARAMETER = "(?P<parameters>[^"]*)" \*\)\s*'
_VERILOG_PORT = re.compile(
    rf"(?:{_ATTRIBUTE})?"
    r'\(\* X_INTERFACE_INFO = "(?P<type>\S+) (?P<interface>\w+) (?P<signal>\w+)" \*\)\s*'
    r"(?P<direction>input|output) wire (?:\[(?P<high>\d+):0\] )?(?P<name>\w+)"
)
_HLS_PORT = re.compile(r"hls::stream<((?:[^<>]|<[^<>]*>)+)>& (\w+)")
_CONSTANT = re.compile(r"static const int (\w+) =\s*([^;]+);")
_TYPE = re.compile(r"^typedef ap_uint<([^;]+)> (\w+);", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Signal:
    """A signal of an interface in Verilog."""

    type: str
    interface: str
    signal: str
    output: bool
    width: int
    parameters: str


def verilog_ports(text: str, module: str) -> list[Signal]:
    """Return the ports of ``module`` by their X_INTERFACE attributes, in order."""
    header = text[text.index(f"module {module} ") :]
    header = header[: header.index("\n);")]
    ports = [
        Signal(
            type=match["type"],
            interface=match["interface"],
            signal=match["signal"],
            output=match["direction"] == "output",
            width=int(match["high"] or 0) + 1,
            parameters=match["parameters"] or "",
        )
        for match in _VERILOG_PORT.finditer(header)
    ]
    assert len(ports) == len(re.findall(r"^\s*(?:input|output) wire ", header, re.MULTILINE))
    return ports


def hls_tops(hls: Path) -> dict[str, dict[str, int]]:
    """Return the bits of each stream of every block's top function in hls/src, by its name."""
    folders = (hls / "generated", hls / "include/trivit/blocks")
    headers = [path.read_text("utf-8") for folder in folders for path in folder.glob("*.hpp")]
    constants: dict[str, str] = {}
    types: dict[str, str] = {}
    for text in headers:
        constants |= dict(_CONSTANT.findall(text))
        types |= {name: width for width, name in _TYPE.findall(text)}

    def value(expression: str) -> int:
        names = set(re.findall(r"[A-Za-z_]\w*", expression))
        known = {name: value(constants[name]) for name in names}
        return int(eval(expression.replace("/", "//"), {}, known))

    def bits(type_name: str) -> int:
        plain = re.fullmatch(r"ap_uint<(.+)>", type_name)
        return value(plain.group(1) if plain else types[type_name.rpartition("::")[2]])

    tops = {}
    for path in sorted((hls / "src").glob("*.cpp")):
        text = path.read_text("utf-8")
        match = re.search(rf"^void (trivit_{path.stem})\(([^)]*)\)", text, re.MULTILINE)
        if match and "trivit/blocks/" in text:
            found = _HLS_PORT.findall(match.group(2))
            tops[match.group(1)] = {port: bits(kind) for kind, port in found}
    return tops


def block_outputs(hls: Path) -> frozenset[str]:
    """Return the streams that HLS blocks write, as ``block.port`` (hls/kernel.yaml)."""
    return _outputs((hls / "kernel.yaml").resolve())


@functools.cache
def _outputs(description: Path) -> frozenset[str]:
    return frozenset(stream.source for stream in load_description(description).streams)
