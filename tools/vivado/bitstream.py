"""Build the bitstream, with the manifest that the driver compares."""

import datetime
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from trivit.host.commands import layout_digest
from trivit.tools.errors import ToolsError
from trivit.tools.kernel import ROOT
from trivit.tools.vivado.blocks import exported_ips
from trivit.tools.vivado.described import kernel
from trivit.tools.vivado.releases import Program
from trivit.tools.vivado.run import run_script
from trivit.tools.vivado.timing import read_timing
from trivit.tools.vivado.utilisation import read_utilisation

_NAMES = ("trivit.bit", "trivit.hwh", "trivit.xsa")
#: What programs the design is for: those of inference.
_VARIANT = "inference"


def build_bitstream(program: Program, build: Path, jobs: int) -> Path:
    """Build ``build/bitstream`` (bit, hwh, xsa, trivit.json) and return that folder.

    The reports go to ``build/reports`` in any case. What was in ``build/bitstream`` is replaced
    when all has succeeded.

    Raises:
        ToolsError: an IP is missing or stale, Vivado failed, or timing is not met.
    """
    ips, vitis = exported_ips(build)
    project, part, reports = build / "vivado", build / "bitstream.part", build / "reports"
    for folder in (project, part):
        shutil.rmtree(folder, ignore_errors=True)
    part.mkdir(parents=True)
    settings = {
        "TRIVIT_PROJECT": str(project.resolve()),
        "TRIVIT_IPS": " ".join(f"{{{ip}}}" for ip in ips),
        "TRIVIT_OUT": str(part.resolve()),
        "TRIVIT_JOBS": str(jobs),
    }
    try:
        output = run_script(program, "bitstream.tcl", build, settings, build / "vivado.log")
    finally:
        if (part / "reports").is_dir():
            shutil.rmtree(reports, ignore_errors=True)
            (part / "reports").rename(reports)
    missing = [name for name in _NAMES if not (part / name).is_file()]
    if missing:
        raise ToolsError(f"{program.name} wrote no {missing[0]} (all output: {build}/vivado.log)")
    strategy = re.search(r"^trivit-result: .* strategy (\S+)$", output, re.MULTILINE)
    manifest = make_manifest(reports, {"vitis": vitis, "vivado": program.release})
    manifest["strategy"] = strategy.group(1) if strategy else ""
    (part / "trivit.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    folder = build / "bitstream"
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)
    return folder


def make_manifest(reports: Path, tools: dict[str, str]) -> dict[str, Any]:
    """Return trivit.json: what the bitstream was made for and from, and what Vivado reports.

    Raises:
        ToolsError: a report is missing, cannot be read, or has negative slack.
    """
    timing = read_timing(reports / "timing.rpt")
    timing.check()
    total = read_utilisation(reports / "utilisation.rpt").resources
    return {
        "format": 1,
        "kernel_version": kernel().version,
        "layout": layout_digest(),
        "clock_mhz": float(kernel().timing["clock_mhz"]),
        "part": kernel().board.part,
        "board": kernel().board.name,
        "git_commit": git_commit(),
        "tools": tools,
        "slack_ns": timing.slack_ns,
        "utilisation": {
            "lut": total.lut,
            "ff": total.ff,
            "bram36": total.bram36,
            "dsp": total.dsp,
        },
        "built": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "variant": _VARIANT,
    }


def git_commit(root: Path = ROOT) -> str:
    """Return the commit of the sources, with ``-dirty`` if they differ; empty without git."""

    def git(*arguments: str) -> str:
        result = subprocess.run(["git", "-C", root, *arguments], capture_output=True, text=True)
        return result.stdout.strip() if result.returncode == 0 else ""

    try:
        commit = git("rev-parse", "HEAD")
        changed = git("status", "--porcelain", "--untracked-files=no", "--", "hls")
    except OSError:
        return ""
    return f"{commit}-dirty" if commit and changed else commit
