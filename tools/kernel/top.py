"""The accelerator with the ports that a block design connects: hls/generated/trivit_top.v.

Verilog and not SystemVerilog, because Vivado takes no other top of a module for a block design.
"""

from typing import NamedTuple

from trivit.tools.errors import ToolsError
from trivit.tools.kernel.description import KernelDescription
from trivit.tools.kernel.registers import MAP_BYTES
from trivit.tools.kernel.streams import RTL, Stream

_ADDRESS_BITS = 64
_USED_ADDRESS_BITS = 40
_BURST, _OPEN = 16, 16  # of mover_port

# Ports of `accelerator` that hold several channels side by side, the first one lowest.
_BLOCKS = ("gelu", "softmax", "normalise", "select", "connections")
_TRAINING_BLOCKS = (
    *("gelu_backward", "softmax_backward", "cross_entropy"),
    *("normalise_backward", "update"),
)
_PAIRED = _TRAINING_BLOCKS[:3]
_COMMANDS = (
    *("engine", "row_writer", "softmax_writer", "norm_writer"),
    *("row_reader", "load", "store"),
)

# Channels of AXI4 as Vitis HLS names them: signal, bits (0: those of the port's data), what the
# accelerator calls it or the constant. A: outputs with valid, ready coming back.
_ADDRESS = (("LEN", 8, "len"), ("SIZE", 3, "size"), ("BURST", 2, "burst"))
_CONSTANTS = (  # normal memory, not cached but buffered; secure data; no quality of service
    *(("ID", 1, "1'b0"), ("LOCK", 1, "1'b0"), ("CACHE", 4, "4'b0011"), ("PROT", 3, "3'b000")),
    *(("QOS", 4, "4'b0000"), ("REGION", 4, "4'b0000")),
)


class Port(NamedTuple):
    """A port of a module: ``input`` or ``output``, its width (0: a single wire), its name."""

    direction: str
    bits: int
    name: str


def verilog_top(description: KernelDescription, notice: str, *, training: bool = False) -> str:
    """Return hls/generated/trivit_top.v, or trivit_training_top.v with the blocks of training.

    Raises:
        ToolsError: a stream that the accelerator does not have.
    """
    return _Top(description, training).text(notice)


def top_name(training: bool) -> str:
    """Return the name of the top."""
    return "trivit_training_top" if training else "trivit_top"


def top_ports(description: KernelDescription, *, training: bool = False) -> list[Port]:
    """Return the ports of the top in their order."""
    top = _Top(description, training)
    top.text("")
    return top.signals


class _Top:
    def __init__(self, description: KernelDescription, training: bool) -> None:
        geometry = description.geometry
        self.description = description
        self.training = training
        self.params = geometry["outputs"] // geometry["depth"]
        self.gmems = [f"gmem{g}" for g in range(self.params + 1)]
        self.word = geometry["depth"] * 16
        self.streams = {s.name: s for s in description.streams if RTL in (s.source, s.sink)}
        self.groups = {
            "commands": _COMMANDS,
            **{k: tuple(f"{k}{p}" for p in range(self.params)) for k in (*_MOVES, *_UPDATE)},
            "reports": tuple(f"{block}_reports" for block in _BLOCKS),
            "training_reports": tuple(f"{block}_reports" for block in _TRAINING_BLOCKS),
            "block_commands": _TRAINING_BLOCKS,
            "backward_rows": tuple(f"{b}_{_TAKES.get(b, 'rows')}" for b in _PAIRED),
            "backward_partners": tuple(f"{b}_{_PARTNERS.get(b, 'partners')}" for b in _PAIRED),
            "backward_results": tuple(f"{block}_results" for block in _PAIRED),
        }
        missing = {n for names in self.groups.values() for n in names} - set(self.streams)
        if missing:
            raise ToolsError(f"hls/kernel.yaml: streams: {min(missing)} is missing")
        grouped = {name for names in self.groups.values() for name in names}
        self.groups |= {name: (name,) for name in self.streams if name not in grouped}
        self.ports: list[str] = []
        self.signals: list[Port] = []
        self.body: list[str] = []

    def text(self, notice: str) -> str:
        self._clock()
        control = self._control()
        accelerator = [*self._streams(), *self._memory()]
        return "\n".join(
            [
                f"// {notice}",
                "// The accelerator as a cell of a block design: AXI4-Lite, AXI4, and AXI4-Stream",
                "// ports for the HLS blocks. hls/rtl/README.md says what connects to what.",
                f"module {top_name(self.training)} #(",
                f"    parameter ACTIVATION_DEPTH = {self.description.limits['activation_depth']}",
                ") (",
                ",\n".join(self.ports),
                ");",
                *self.body,
                *_instance("job_registers", "registers", self._parameters(True), control),
                *_instance("accelerator", "accelerator", self._parameters(False), accelerator),
                "endmodule",
                "",
            ]
        )

    def _parameters(self, registers: bool) -> list[tuple[str, str]]:
        if not registers:
            return [
                ("ACTIVATION_DEPTH", "ACTIVATION_DEPTH"),
                ("TRAINING", f"1'b{int(self.training)}"),
            ]
        geometry = self.description.geometry
        parts = (geometry["tokens"], geometry["outputs"], geometry["depth"], self.params)
        packed = sum(value << 8 * place for place, value in enumerate(parts))
        return [
            ("FAULTS", str(9 + 2 * len(self.gmems))),
            ("GEOMETRY", f"32'h{packed:08x}"),
            ("BANK_WORDS", "ACTIVATION_DEPTH"),
        ]

    def _port(self, direction: str, bits: int, name: str, info: str, parameter: str = "") -> None:
        attributes = f'(* X_INTERFACE_INFO = "{info}" *)'
        if parameter:
            attributes = f'(* X_INTERFACE_PARAMETER = "{parameter}" *)\n    {attributes}'
        width = f"[{bits - 1}:0] " if bits else ""
        self.ports.append(f"    {attributes}\n    {direction} wire {width}{name}")
        self.signals.append(Port(direction, bits, name))

    def _clock(self) -> None:
        streams = [name for name, stream in self.streams.items() if self._has(stream)]
        buses = [*(f"m_axi_{gmem}" for gmem in self.gmems), "s_axi_control", *streams]
        associated = f"ASSOCIATED_BUSIF {':'.join(buses)}, ASSOCIATED_RESET ap_rst_n:blocks_rst_n"
        self._port("input", 0, "ap_clk", "xilinx.com:signal:clock:1.0 ap_clk CLK", associated)
        for direction, name in (("input", "ap_rst_n"), ("output", "blocks_rst_n")):
            info = f"xilinx.com:signal:reset:1.0 {name} RST"
            self._port(direction, 0, name, info, "POLARITY ACTIVE_LOW")
        info = "xilinx.com:signal:interrupt:1.0 interrupt INTERRUPT"
        self._port("output", 0, "interrupt", info, "SENSITIVITY LEVEL_HIGH")
        self.body += ["  reg reset;", "  always @(posedge ap_clk) reset <= !ap_rst_n;"]

    def _control(self) -> list[tuple[str, str]]:
        address = (MAP_BYTES - 1).bit_length()
        connections = [("clk", "ap_clk"), ("reset", "reset"), ("interrupt", "interrupt")]
        parameter = f"PROTOCOL AXI4LITE, DATA_WIDTH 32, ADDR_WIDTH {address}"
        for direction, bits, name in (
            *(("input", address, "AWADDR"), ("input", 0, "AWVALID"), ("output", 0, "AWREADY")),
            *(("input", 32, "WDATA"), ("input", 4, "WSTRB"), ("input", 0, "WVALID")),
            *(("output", 0, "WREADY"), ("output", 2, "BRESP"), ("output", 0, "BVALID")),
            *(("input", 0, "BREADY"), ("input", address, "ARADDR"), ("input", 0, "ARVALID")),
            *(("output", 0, "ARREADY"), ("output", 32, "RDATA"), ("output", 2, "RRESP")),
            *(("output", 0, "RVALID"), ("input", 0, "RREADY")),
        ):
            info = f"xilinx.com:interface:aximm:1.0 s_axi_control {name}"
            self._port(direction, bits, f"s_axi_control_{name}", info, parameter)
            parameter = ""
            connections.append((name.lower(), f"s_axi_control_{name}"))
        faults = 9 + 2 * len(self.gmems)
        for bits, name in (
            *((36, "job_program"), (23, "job_commands"), (24, "job_reports"), (36, "job_params")),
            *((36, "job_input"), (36, "job_output"), (36, "job_log"), (0, "job_valid")),
            *((0, "job_ready"), (0, "job_abort"), (0, "job_done"), (48, "job_cycle")),
            *((faults + 1, "error"), (11, "error_tag")),
        ):
            self._wire(bits, name)
            connections.append((name, name))
        self.job = connections[-14:]
        return connections

    def _wire(self, bits: int, name: str) -> None:
        self.body.append(f"  wire {f'[{bits - 1}:0] ' if bits else ''}{name};")

    def _streams(self) -> list[tuple[str, str]]:
        connections = [
            *(("clk", "ap_clk"), ("reset", "reset"), ("blocks_resetn", "blocks_rst_n")),
            *self.job,
        ]
        for group, names in self.groups.items():
            streams = [self.streams[name] for name in names]
            for stream in filter(self._has, streams):
                self._stream_ports(stream)
            for suffix, ours in (("data", "TDATA"), ("valid", "TVALID"), ("ready", "TREADY")):
                connections.append((f"{group}_{suffix}", self._signals(streams, ours)))
        return connections

    def _has(self, stream: Stream) -> bool:
        return self.training or not stream.training

    def _signals(self, streams: list[Stream], signal: str) -> str:
        """Return the streams' signals side by side; if they are not there zeros, or nothing."""
        if all(map(self._has, streams)):
            return _packed([stream.name for stream in streams], signal)
        if (streams[0].source == RTL) != (signal == "TREADY"):
            return ""
        bits = sum(stream.port_bits if signal == "TDATA" else 1 for stream in streams)
        return f"{bits}'b0"

    def _stream_ports(self, stream: Stream) -> None:
        out, back = ("output", "input") if stream.source == RTL else ("input", "output")
        parameter = f"TDATA_NUM_BYTES {stream.port_bits // 8}, HAS_TREADY 1"
        for direction, bits, name in (
            (out, stream.port_bits, "TDATA"),
            (out, 0, "TVALID"),
            (back, 0, "TREADY"),
        ):
            info = f"xilinx.com:interface:axis:1.0 {stream.name} {name}"
            self._port(direction, bits, f"{stream.name}_{name}", info, parameter)
            parameter = ""

    def _memory(self) -> list[tuple[str, str]]:
        for gmem in self.gmems:
            self._memory_ports(gmem)
        buses = [f"m_axi_{gmem}" for gmem in self.gmems]
        connections = []
        for name in ("ar", "aw"):
            self._wire(_USED_ADDRESS_BITS * len(buses), f"{name}addr")
            connections.append((f"{name}addr", f"{name}addr"))
            for place, bus in enumerate(buses):
                low = _USED_ADDRESS_BITS * place
                zeros = _ADDRESS_BITS - _USED_ADDRESS_BITS
                self.body.append(
                    f"  assign {bus}_{name.upper()}ADDR = "
                    f"{{{zeros}'b0, {name}addr[{low}+:{_USED_ADDRESS_BITS}]}};"
                )
            rest = [part for _, _, part in _ADDRESS]
            for signal in (*rest, "valid", "ready"):
                connections.append((name + signal, _packed(buses, (name + signal).upper())))
        for signal in (
            *("rdata", "rresp", "rlast", "rvalid", "rready", "wdata", "wstrb", "wlast"),
            *("wvalid", "wready", "bresp", "bvalid", "bready"),
        ):
            connections.append((signal, _packed(buses, signal.upper())))
        return connections

    def _memory_ports(self, gmem: str) -> None:
        bus = f"m_axi_{gmem}"
        parameter = (
            f"PROTOCOL AXI4, DATA_WIDTH {self.word}, ADDR_WIDTH {_ADDRESS_BITS}, ID_WIDTH 1, "
            f"MAX_BURST_LENGTH {_BURST}, NUM_READ_OUTSTANDING {_OPEN}, "
            f"NUM_WRITE_OUTSTANDING {_OPEN}, SUPPORTS_NARROW_BURST 0, READ_WRITE_MODE READ_WRITE"
        )
        signals: list[tuple[str, int, str]] = []
        for channel in ("AR", "AW"):
            signals.append(("output", _ADDRESS_BITS, f"{channel}ADDR"))
            for name, bits, _ in _ADDRESS:
                signals.append(("output", bits, channel + name))
            for name, bits, value in _CONSTANTS:
                signals.append(("output", bits, channel + name))
                self.body.append(f"  assign {bus}_{channel}{name} = {value};")
            signals += [("output", 0, f"{channel}VALID"), ("input", 0, f"{channel}READY")]
        signals += [
            *(("input", 1, "RID"), ("input", self.word, "RDATA"), ("input", 2, "RRESP")),
            *(("input", 0, "RLAST"), ("input", 0, "RVALID"), ("output", 0, "RREADY")),
            *(("output", self.word, "WDATA"), ("output", self.word // 8, "WSTRB")),
            *(("output", 0, "WLAST"), ("output", 0, "WVALID"), ("input", 0, "WREADY")),
            *(("input", 1, "BID"), ("input", 2, "BRESP"), ("input", 0, "BVALID")),
            ("output", 0, "BREADY"),
        ]
        for direction, bits, name in signals:
            info = f"xilinx.com:interface:aximm:1.0 {bus} {name}"
            self._port(direction, bits, f"{bus}_{name}", info, parameter)
            parameter = ""


_MOVES = ("weights", "rows", "stores")
_UPDATE = ("update_words", "update_results")
_TAKES = {"cross_entropy": "logits"}
_PARTNERS = {"cross_entropy": "targets"}


def _packed(names: tuple[str, ...] | list[str], signal: str) -> str:
    """Signals side by side, the first one lowest."""
    parts = [f"{name}_{signal}" for name in reversed(names)]
    return parts[0] if len(parts) == 1 else "{" + ", ".join(parts) + "}"


def _instance(
    module: str, name: str, parameters: list[tuple[str, str]], connections: list[tuple[str, str]]
) -> list[str]:
    def listed(pairs: list[tuple[str, str]]) -> str:
        return ",\n".join(f"      .{ours}({theirs})" for ours, theirs in pairs)

    return [
        f"  {module} #(",
        listed(parameters),
        f"  ) {name} (",
        listed(connections),
        "  );",
    ]
