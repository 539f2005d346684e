"""Stand-in for Vivado: project, block design, runs, reports."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from tcl import samples
from tcl.block_design import BlockDesign, matching
from tcl.catalogue import RELEASES, VERSIONS
from tcl.recorder import Arguments, VendorError, options, read_list, write_list

_STRATEGIES = {
    *("Performance_Explore", "Performance_ExplorePostRoutePhysOpt", "Performance_ExtraTimingOpt"),
    *("Performance_NetDelay_high", "Performance_NetDelay_low", "Performance_Retiming"),
    *("Performance_RefinePlacement", "Performance_WLBlockPlacement", "Area_Explore"),
    *("Congestion_SpreadLogic_high", "Congestion_SpreadLogic_medium", "Flow_RunPhysOpt"),
}


@dataclass(kw_only=True)
class Outcome:
    """How implementation by a strategy ends: slacks of set-up and hold in ns, or a failure."""

    setup: float = 0.5
    hold: float = 0.02
    failed: str = ""


@dataclass(kw_only=True)
class _Run:
    strategy: str = ""
    step: str = ""
    progress: str = "0%"
    status: str = "Not started"
    outcome: Outcome = field(default_factory=Outcome)


class Vivado(BlockDesign):
    """A release of Vivado; ``outcomes`` are those of one implementation after the other."""

    commands: ClassVar = {
        **BlockDesign.commands,
        "create_project": options("-force -part=", 2),
        "current_project": options(""),
        "current_fileset": options(""),
        "get_board_parts": options("-quiet -latest_file_version", 0, 1),
        "get_ipdefs": options("-all -quiet", 0, 1),
        "update_ip_catalog": options("-rebuild"),
        "add_files": options("-norecurse -quiet -fileset=", 1),
        "get_files": options("-quiet", 1),
        "update_compile_order": options("-fileset="),
        "set_property": options("-quiet -dict=", 1, 3),
        "get_property": options("-quiet", 2),
        "make_wrapper": options("-files= -top"),
        "generate_target": options("", 2),
        "get_runs": options("-quiet", 1),
        "reset_run": options("", 1),
        "launch_runs": options("-to_step= -jobs=", 1),
        "wait_on_run": options("-timeout=", 1),
        "open_run": options("-name=", 1),
        "report_timing_summary": options("-max_paths= -file="),
        "report_utilization": options("-hierarchical -hierarchical_depth= -file="),
        "report_power": options("-file="),
        "write_hw_platform": options("-fixed -include_bit -force -file=", 0),
    }

    def __init__(self, hls: Path, release: str, outcomes: Sequence[Outcome] = ()) -> None:
        super().__init__(hls)
        self.release = RELEASES[release]
        self.old = release.startswith("2021")
        self.outcomes = list(outcomes)
        self.tried: list[str] = []
        self.runs = {"synth_1": _Run(), "impl_1": _Run()}
        self.top = ""
        self.folder = Path()
        self._files: list[str] = []

    def do_create_project(self, arguments: Arguments) -> str:
        name, folder = arguments.others
        self.folder = Path(folder)
        self.folder.mkdir(parents=True)
        self.design.part = arguments.values["-part"]
        for ip in ("zynq_ultra_ps_e", *VERSIONS):
            versions = self.release.get(ip) or VERSIONS[ip]
            self.ips += [f"xilinx.com:ip:{ip}:{version}" for version in versions]
        return name

    def do_current_project(self, arguments: Arguments) -> str:
        return "trivit"

    def do_current_fileset(self, arguments: Arguments) -> str:
        return "sources_1"

    def do_get_board_parts(self, arguments: Arguments) -> str:
        names = [f"xilinx.com:zcu102:part0:{version}" for version in self.release["board"]]
        return write_list([name.lstrip("/") for name in matching(names, arguments.others)])

    def do_get_ipdefs(self, arguments: Arguments) -> str:
        return write_list([name.lstrip("/") for name in matching(self.ips, arguments.others)])

    def do_update_ip_catalog(self, arguments: Arguments) -> None:
        """Add the IPs of the repositories, by the names in their component.xml."""
        for folder in self.repositories:
            text = (Path(folder) / "component.xml").read_text("utf-8")
            parts = [
                re.search(rf"<spirit:{part}>([^<]+)<", text)
                for part in ("vendor", "library", "name", "version")
            ]
            self.ips.append(":".join(part.group(1) for part in parts if part))

    def do_add_files(self, arguments: Arguments) -> None:
        for name in read_list(arguments.others[0]):
            path = Path(name)
            if not path.is_file():
                raise VendorError(f"add_files: no file {name}")
            if path.suffix not in (".sv", ".v"):
                raise VendorError(f"add_files: {name} is no Verilog")
            self.sources.append(path)
            if path.is_relative_to(self.hls):
                self.design.sources.append(path.relative_to(self.hls).as_posix())

    def do_get_files(self, arguments: Arguments) -> str:
        if arguments.others[0] != f"{self.design.name}.bd":
            raise VendorError(f"get_files: no {arguments.others[0]}")
        return self._bd_file()

    def _bd_file(self) -> str:
        return f"{self.folder}/trivit.srcs/sources_1/bd/{self.design.name}/{self.design.name}.bd"

    def do_update_compile_order(self, arguments: Arguments) -> None:
        if arguments.values.get("-fileset") != "sources_1":
            raise VendorError("update_compile_order: no such file set")

    def do_set_property(self, arguments: Arguments) -> None:
        if "-dict" in arguments.values:
            words = read_list(arguments.values["-dict"])
            pairs = list(zip(words[::2], words[1::2], strict=True))
            (target,) = arguments.others
        else:
            name, value, target = arguments.others
            pairs = [(name, value)]
        if target.startswith("/"):
            prefix = "CONFIG."
            if not all(name.startswith(prefix) for name, _ in pairs):
                raise VendorError(f"set_property: {pairs} of a cell")
            parameters = {name.removeprefix(prefix): value for name, value in pairs}
            self.configure(self.cell(target), parameters)
            return
        for name, value in pairs:
            self._set(target, name, value)

    def _set(self, target: str, name: str, value: str) -> None:
        if (target, name) == ("trivit", "board_part"):
            if value not in self.do_get_board_parts(Arguments(others=["*"])).split():
                raise VendorError(f"no board {value}")
            self.design.board_part = value
        elif (target, name) == ("trivit", "ip_repo_paths"):
            self.repositories = read_list(value)
        elif (target, name) == ("sources_1", "top"):
            self.top = value
        elif (target, name) == ("impl_1", "strategy"):
            if value not in _STRATEGIES:
                raise VendorError(f"no strategy {value}")
            if self.runs[target].progress != "0%":
                raise VendorError(f"{target} is not reset")
            self.runs[target].strategy = value
        else:
            raise VendorError(f"{target} has no property {name}")

    def do_get_property(self, arguments: Arguments) -> str:
        name, target = arguments.others
        if target in self.runs:
            run = self.runs[target]
            known = {
                "PROGRESS": run.progress,
                "STATUS": run.status,
                "STATS.WNS": str(run.outcome.setup),
                "STATS.WHS": str(run.outcome.hold),
                "STATS.TPWS": "0.000",
                "STATS.FAILED_NETS": "0",
            }
            if name not in known:
                raise VendorError(f"{target} has no property {name}")
            return known[name]
        return self.parameter(self.cell(target), name.removeprefix("CONFIG."))

    def do_make_wrapper(self, arguments: Arguments) -> str:
        if arguments.values.get("-files") != self._bd_file() or not self.design.validated:
            raise VendorError("make_wrapper: no valid block design")
        name = f"{self.design.name}_wrapper"
        path = self.folder / f"{name}.v"
        path.write_text(f"module {name} ();\nendmodule\n")
        return str(path)

    def do_generate_target(self, arguments: Arguments) -> None:
        if arguments.others != ["all", self._bd_file()]:
            raise VendorError(f"generate_target: {arguments.others}")

    def do_get_runs(self, arguments: Arguments) -> str:
        return write_list([name for name in self.runs if name == arguments.others[0]])

    def _run(self, name: str) -> _Run:
        if name not in self.runs:
            raise VendorError(f"no run {name}")
        return self.runs[name]

    def do_reset_run(self, arguments: Arguments) -> None:
        self._run(arguments.others[0])
        self.runs[arguments.others[0]] = _Run()

    def do_launch_runs(self, arguments: Arguments) -> None:
        name = arguments.others[0]
        run = self._run(name)
        if self.top != f"{self.design.name}_wrapper" or int(arguments.values["-jobs"]) < 1:
            raise VendorError(f"launch_runs: the top is {self.top!r}")
        if name == "impl_1" and self.runs["synth_1"].progress != "100%":
            raise VendorError("launch_runs: nothing is synthesised")
        run.step = arguments.values.get("-to_step", "")
        if name == "impl_1" and not run.step:
            self.tried.append(run.strategy)
            run.outcome = self.outcomes.pop(0) if self.outcomes else Outcome()
        run.progress, run.status = "10%", "Running"

    def do_wait_on_run(self, arguments: Arguments) -> None:
        run = self._run(arguments.others[0])
        if run.progress == "0%":
            raise VendorError(f"wait_on_run: {arguments.others[0]} was not launched")
        run.progress, run.status = "100%", "Complete!"
        if run.outcome.failed:
            run.progress, run.status = "30%", run.outcome.failed
        elif run.step == "write_bitstream":
            self._write_results()

    def _write_results(self) -> None:
        ending = "srcs" if self.old else "gen"
        name = self.design.name
        for path, content in (
            (f"trivit.runs/impl_1/{name}_wrapper.bit", "bits"),
            (f"trivit.{ending}/sources_1/bd/{name}/hw_handoff/{name}.hwh", "<EDKSYSTEM/>"),
        ):
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / path).write_text(content)

    def do_open_run(self, arguments: Arguments) -> None:
        if self._run(arguments.others[0]).progress != "100%":
            raise VendorError(f"open_run: {arguments.others[0]} is not complete")

    def _slacks(self) -> tuple[float, float]:
        outcome = self.runs["impl_1"].outcome
        return outcome.setup, outcome.hold

    def do_report_timing_summary(self, arguments: Arguments) -> None:
        Path(arguments.values["-file"]).write_text(samples.timing(*map(str, self._slacks())))

    def do_report_utilization(self, arguments: Arguments) -> None:
        if "-hierarchical" not in arguments.flags:
            raise VendorError("report_utilization: not by hierarchy")
        Path(arguments.values["-file"]).write_text(samples.utilisation())

    def do_report_power(self, arguments: Arguments) -> None:
        Path(arguments.values["-file"]).write_text(samples.power())

    def do_write_hw_platform(self, arguments: Arguments) -> None:
        if not (self.folder / f"trivit.runs/impl_1/{self.design.name}_wrapper.bit").is_file():
            raise VendorError("write_hw_platform: there is no bitstream")
        Path(arguments.values["-file"]).write_text("platform")
