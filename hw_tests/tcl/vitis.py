"""Stand-in for Vitis HLS."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import ClassVar

from tcl import samples
from tcl.ports import hls_tops
from tcl.recorder import Arguments, Tool, VendorError, options

from trivit.tools.vivado.assumed import assumed_depths

_COMPONENT = """<spirit:component>
  <spirit:vendor>{vendor}</spirit:vendor>
  <spirit:library>{library}</spirit:library>
  <spirit:name>{ipname}</spirit:name>
  <spirit:version>{version}</spirit:version>
</spirit:component>
"""


class VitisHls(Tool):
    """One block from sources to IP, in the folder ``work``; the command ``fails`` does fail."""

    commands: ClassVar = {
        "open_project": options("-reset", 1),
        "close_project": options(""),
        "set_top": options("", 1),
        "add_files": options("-tb -cflags=", 1),
        "open_solution": options("-reset -flow_target=", 1),
        "set_part": options("", 1),
        "create_clock": options("-period= -name="),
        "csim_design": options("-clean -O"),
        "csynth_design": options(""),
        "export_design": options("-format= -vendor= -library= -ipname= -version= -rtl="),
    }

    def __init__(self, hls: Path, work: Path, fails: str = "") -> None:
        super().__init__()
        self.hls, self.work, self.fails = hls, work, fails
        self.project = self.solution = self.top = self.part = ""
        self.period_ns = 0.0
        self.sources: list[tuple[Path, list[str]]] = []
        self.benches: list[tuple[Path, list[str]]] = []
        self.done: list[str] = []

    def do_open_project(self, arguments: Arguments) -> None:
        self.project = arguments.others[0]

    def do_close_project(self, arguments: Arguments) -> None:
        self.project = ""

    def do_set_top(self, arguments: Arguments) -> None:
        self.top = arguments.others[0]
        if self.top not in hls_tops(self.hls):
            raise VendorError(f"set_top: hls/src has no {self.top}")

    def do_add_files(self, arguments: Arguments) -> None:
        path = Path(arguments.others[0])
        flags = shlex.split(arguments.values.get("-cflags", ""))
        folders = [Path(flag[2:]) for flag in flags if flag.startswith("-I")]
        for missing in (p for p in (path, *folders) if not p.exists()):
            raise VendorError(f"add_files: no {missing}")
        (self.benches if "-tb" in arguments.flags else self.sources).append((path, flags))

    def do_open_solution(self, arguments: Arguments) -> None:
        if not self.project or arguments.values.get("-flow_target") not in ("vivado", "vitis"):
            raise VendorError("open_solution: no project, or no flow")
        self.solution = arguments.others[0]
        self.flow = arguments.values["-flow_target"]

    def do_set_part(self, arguments: Arguments) -> None:
        self._needs(self.solution)
        self.part = arguments.others[0]

    def do_create_clock(self, arguments: Arguments) -> None:
        self._needs(self.solution)
        self.period_ns = float(arguments.values["-period"])

    def _needs(self, what: object) -> None:
        if not what:
            raise VendorError("something comes too early")

    def _step(self, command: str) -> None:
        if self.fails == command:
            raise VendorError(f"ERROR: {command} failed")
        self.done.append(command)

    def do_csim_design(self, arguments: Arguments) -> None:
        self._needs(self.benches and self.sources)
        self._step("csim_design")

    def do_csynth_design(self, arguments: Arguments) -> None:
        self._needs(self.part and self.period_ns and self.top)
        self._step("csynth_design")
        block = self.top.removeprefix("trivit_")
        loops = {function: (1, depth) for function, depth in assumed_depths(block).items()}
        report = self.work / self.project / self.solution / "syn" / "report" / "csynth.xml"
        report.parent.mkdir(parents=True)
        report.write_text(samples.csynth(self.top, loops, ports=hls_tops(self.hls)[self.top]))

    def do_export_design(self, arguments: Arguments) -> None:
        self._needs("csynth_design" in self.done)
        self._step("export_design")
        values = {name[1:]: value for name, value in arguments.values.items()}
        if values["format"] != "ip_catalog" or self.flow != "vivado":
            raise VendorError("export_design: no IP for a block design")
        folder = self.work / self.project / self.solution / "impl" / "ip"
        folder.mkdir(parents=True)
        (folder / "component.xml").write_text(_COMPONENT.format(**values))
