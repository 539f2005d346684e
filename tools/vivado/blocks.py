"""Build the HLS blocks, and know which of the exported IPs belong to the sources that are there."""

import hashlib
import json
import shutil
from pathlib import Path

from trivit.tools.errors import ToolsError
from trivit.tools.kernel import ROOT
from trivit.tools.kernel.streams import hls_blocks
from trivit.tools.vivado.csynth import Synthesis, read_csynth
from trivit.tools.vivado.described import kernel
from trivit.tools.vivado.releases import Program, needs_export_patch
from trivit.tools.vivado.run import run_script

_STAMP = "made.json"  # from which sources, by which release


def block_names() -> tuple[str, ...]:
    """Return the HLS blocks of the accelerator, without those of training."""
    return hls_blocks(tuple(stream for stream in kernel().streams if not stream.training))


def build_block(block: str, program: Program, build: Path) -> Path:
    """Simulate, synthesise and export a block into ``build/hls/<block>``, which it returns.

    What was there before is replaced when all has succeeded.

    Raises:
        ToolsError: Vitis HLS failed, or made other ports than the channels want.
    """
    folder = build / "hls" / block
    part = folder.with_name(f"{block}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        run_script(program, "hls.tcl", part, {"TRIVIT_BLOCK": block}, part / "vitis.log")
    except ToolsError as error:
        hint = ""
        if needs_export_patch(program.release) and (part / csynth_report(block)).is_file():
            hint = f"; exporting by {program.release} needs AMD's patch AR 76960"
        raise ToolsError(f"{block}: {error}{hint}") from error
    if not (part / _ip(block) / "component.xml").is_file():
        raise ToolsError(f"{block}: {program.name} wrote no IP to {part / _ip(block)}")
    check_ports(block, read_csynth(part / csynth_report(block)))
    stamp = {"sources": sources_digest(block), "vitis": program.release}
    (part / _STAMP).write_text(json.dumps(stamp), encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)
    return folder


def check_ports(block: str, made: Synthesis) -> None:
    """Do nothing if the block's streams are those of its channels, in name and width.

    Raises:
        ToolsError: a stream is missing, is one too many, or has another width.
    """
    wanted = {}
    for stream in kernel().streams:
        for end in (stream.source, stream.sink):
            name, _, port = end.partition(".")
            if name == block:
                wanted[port] = stream.port_bits
    for port in sorted({*wanted, *made.ports}):
        if wanted.get(port) != made.ports.get(port):
            raise ToolsError(
                f"{block}: Vitis HLS made {made.ports.get(port, 'no')} bits for the stream {port}, "
                f"hls/kernel.yaml has {wanted.get(port, 'none')}"
            )


def _solution(block: str) -> Path:
    return Path(f"trivit_{block}") / kernel().board.name


def _ip(block: str) -> Path:
    return _solution(block) / "impl" / "ip"


def csynth_report(block: str) -> Path:
    """Return the path of the synthesis report inside a block's folder."""
    return _solution(block) / "syn" / "report" / "csynth.xml"


def sources_digest(block: str, hls: Path = ROOT / "hls") -> str:
    """Return a digest of all that a block is made from."""
    digest = hashlib.sha256()
    sources = [hls / "src" / f"{block}.cpp", *sorted((hls / "include").rglob("*.hpp"))]
    sources += [*sorted((hls / "generated").glob("*.[ht]*")), *sorted((hls / "tcl").glob("*.tcl"))]
    for path in sources:
        digest.update(path.relative_to(hls).as_posix().encode() + b"\0")
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()


def exported_ips(build: Path) -> tuple[list[Path], str]:
    """Return the folder of each block's IP, and the release of Vitis HLS that made them.

    Raises:
        ToolsError: an IP is missing or was made from other sources.
    """
    folders, releases = [], set()
    for block in block_names():
        folder = build / "hls" / block
        if not (folder / _ip(block) / "component.xml").is_file():
            raise ToolsError(f"no IP of the block {block} in {folder}: run `make hls`")
        stamp = json.loads((folder / _STAMP).read_text(encoding="utf-8"))
        if stamp["sources"] != sources_digest(block):
            raise ToolsError(f"the IP in {folder} was made from other sources: run `make hls`")
        folders.append((folder / _ip(block)).resolve())
        releases.add(stamp["vitis"])
    return folders, " and ".join(sorted(releases))
