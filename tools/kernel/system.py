"""The complete accelerator for simulators: hls/generated/trivit_system.sv and its HLS blocks.

``trivit_system`` connects ``trivit_top`` with the blocks by a FIFO for each stream. A block is a
module with the ports that Vitis HLS gives it, in a file of its own, so that the vendor's Verilog
can stand in its place: here one call a clock into the C++ of hls/simulation/dpi.
"""

from trivit.tools.kernel.description import KernelDescription
from trivit.tools.kernel.streams import RTL, Stream
from trivit.tools.kernel.top import Port, top_name, top_ports

_SIGNALS = ("TDATA", "TVALID", "TREADY")


def block_ports(
    description: KernelDescription, *, training: bool = True
) -> dict[str, list[tuple[str, Stream, bool]]]:
    """Return the ports of each HLS block: name, stream, and whether the block takes from it.

    ``training``: of the blocks of training too.
    """
    blocks: dict[str, list[tuple[str, Stream, bool]]] = {}
    for stream in _streams(description, training):
        for end, takes in ((stream.source, False), (stream.sink, True)):
            if end != RTL:
                block, port = end.split(".")
                blocks.setdefault(block, []).append((port, stream, takes))
    return blocks


def verilog_system(description: KernelDescription, notice: str, *, training: bool = False) -> str:
    """Return hls/generated/trivit_system.sv, or trivit_training_system.sv."""
    streams = _streams(description, training)
    inner = {f"{s.name}_{signal}" for s in streams for signal in _SIGNALS}
    ports = top_ports(description, training=training)
    top = top_name(training)
    outer = [port for port in ports if port.name not in inner and port.name != "blocks_rst_n"]
    connections = [(port.name, port.name) for port in ports if port.name not in inner]
    body = ["  wire blocks_rst_n;"]
    for stream in streams:
        body += _channel(stream)
        side = _side(stream, "rtl")
        if side:
            connections += [(f"{stream.name}_{s}", f"{stream.name}_{side}_{s}") for s in _SIGNALS]
    body += _instance(top, "trivit", connections)
    for block, block_streams in block_ports(description, training=training).items():
        pins = [("ap_clk", "ap_clk"), ("ap_rst_n", "blocks_rst_n")]
        for port, stream, takes in block_streams:
            side = "sink" if takes else "source"
            pins += [(f"{port}_{s}", f"{stream.name}_{side}_{s}") for s in _SIGNALS]
        body += _instance(f"trivit_{block}", block, pins)
    return "\n".join(
        [
            f"// {notice}",
            f"// The complete accelerator: {top}, the HLS blocks, a FIFO for each stream.",
            "// docs/simulation.md says what stands for the blocks.",
            f"module {top.replace('top', 'system')} (",
            ",\n".join(f"    {_declared(port)}" for port in outer),
            ");",
            *body,
            "endmodule",
            "",
        ]
    )


def verilog_block(description: KernelDescription, block: str, notice: str) -> str:
    """Return hls/generated/dpi/trivit_BLOCK.sv: the block's ports, and a call a clock."""
    ports = block_ports(description)[block]
    name = f"trivit_{block}"
    declared = [Port("input", 0, "ap_clk"), Port("input", 0, "ap_rst_n")]
    for port, stream, takes in ports:
        ahead, back = ("input", "output") if takes else ("output", "input")
        declared += [
            Port(ahead, stream.port_bits, f"{port}_TDATA"),
            Port(ahead, 0, f"{port}_TVALID"),
            Port(back, 0, f"{port}_TREADY"),
        ]
    taken = [(port, stream) for port, stream, takes in ports if takes]
    given = [(port, stream) for port, stream, takes in ports if not takes]
    taken_bits, given_bits = (sum(_room(s) for _, s in side) for side in (taken, given))
    arguments = [
        "input bit running",
        f"input bit [{len(taken) - 1}:0] taken_valid, input bit [{taken_bits - 1}:0] taken_data",
        f"output bit [{len(taken) - 1}:0] taken_ready, input bit [{len(given) - 1}:0] given_ready",
        f"output bit [{len(given) - 1}:0] given_valid, output bit [{given_bits - 1}:0] given_data",
    ]
    outputs = []
    place = 0
    for port, stream in given:
        outputs.append(f"  assign {port}_TDATA = given_data[{place}+:{stream.port_bits}];")
        place += _room(stream)
    padded = [
        (f"{{{room}'b0, {port}_TDATA}}" if (room := _room(s) - s.port_bits) else f"{port}_TDATA")
        for port, s in reversed(taken)
    ]
    return "\n".join(
        [
            f"// {notice}",
            f"// The block {block} by its C++ (hls/simulation/dpi): its ports move between two",
            "// rising edges, when all registers stand still.",
            f"module {name} (",
            ",\n".join(f"    {_declared(port)}" for port in declared),
            ");",
            f'  import "DPI-C" function void {name}_clock(',
            ",\n".join(f"      {argument}" for argument in arguments),
            "  );",
            f"  bit [{len(taken) - 1}:0] taken_ready;",
            f"  bit [{len(given) - 1}:0] given_valid;",
            f"  bit [{given_bits - 1}:0] given_data;",
            f"  assign {_packed([f'{p}_TREADY' for p, _ in taken])} = taken_ready;",
            f"  assign {_packed([f'{p}_TVALID' for p, _ in given])} = given_valid;",
            *outputs,
            "  always @(negedge ap_clk)",
            f"    {name}_clock(",
            f"        ap_rst_n, {_packed([f'{p}_TVALID' for p, _ in taken])},",
            f"        {{{', '.join(padded)}}}, taken_ready,",
            f"        {_packed([f'{p}_TREADY' for p, _ in given])}, given_valid, given_data);",
            "endmodule",
            "",
        ]
    )


def cpp_block_ports(description: KernelDescription, notice: str) -> str:
    """Return hls/generated/block_ports.hpp: ports in the order in which the modules pack them."""
    lines = []
    for block, ports in block_ports(description).items():
        for port, stream, takes in ports:
            lines.append(f'    {{"{block}", "{port}", {stream.bits}, {str(takes).lower()}}},')
    return "\n".join(
        [
            f"// {notice}",
            "#ifndef TRIVIT_GENERATED_BLOCK_PORTS_HPP",
            "#define TRIVIT_GENERATED_BLOCK_PORTS_HPP",
            "",
            "namespace trivit {",
            "",
            "// A stream at an HLS block, in the order in which the block's module packs them.",
            "struct BlockPort {",
            "    const char* block;",
            "    const char* name;",
            "    int bits;",
            "    bool taken;  // by the block; otherwise given",
            "};",
            "",
            "static const BlockPort kBlockPorts[] = {",
            *lines,
            "};",
            "",
            "}  // namespace trivit",
            "",
            "#endif",
            "",
        ]
    )


def _streams(description: KernelDescription, training: bool) -> list[Stream]:
    return [stream for stream in description.streams if training or not stream.training]


def _room(stream: Stream) -> int:
    """Bits of a stream's word among others: whole words of C."""
    return -(-stream.bits // 32) * 32


def _side(stream: Stream, end: str) -> str:
    return "source" if stream.source == end else "sink" if stream.sink == end else ""


def _channel(stream: Stream) -> list[str]:
    wires = []
    for side in ("source", "sink"):
        wires.append(f"  wire [{stream.port_bits - 1}:0] {stream.name}_{side}_TDATA;")
        wires += [f"  wire {stream.name}_{side}_{signal};" for signal in _SIGNALS[1:]]
    pins = [("clk", "ap_clk"), ("resetn", "blocks_rst_n")]
    for side in ("source", "sink"):
        pins += [(f"{side}_{s[1:].lower()}", f"{stream.name}_{side}_{s}") for s in _SIGNALS]
    parameters = f"#(.BITS({stream.port_bits}), .DEPTH({stream.depth}))"
    return [*wires, *_instance(f"stream_channel {parameters}", f"fifo_{stream.name}", pins)]


def _declared(port: Port) -> str:
    return f"{port.direction} wire {f'[{port.bits - 1}:0] ' if port.bits else ''}{port.name}"


def _packed(names: list[str]) -> str:
    return f"{{{', '.join(reversed(names))}}}"


def _instance(module: str, name: str, pins: list[tuple[str, str]]) -> list[str]:
    return [f"  {module} {name} (", ",\n".join(f"      .{p}({w})" for p, w in pins), "  );"]
