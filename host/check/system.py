"""The board's Linux: image, driver, FPGA manager, memory, clock, power monitors.

Everything is read below a root folder, so that tests bring /proc and /sys of their own.
"""

import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from trivit.host.bundle import Bundle
from trivit.host.check.finding import Finding, State
from trivit.host.generated import board
from trivit.host.generated.spec import TILE_DEPTH
from trivit.host.schedule import Schedule

PYNQ_RELEASES = ("3", "4")
#: What contiguous memory a DeiT-S and its buffers take, and somewhat more.
ENOUGH_CMA = 128 << 20
_IMAGE = "write an image of PYNQ 3 for the ZCU102 (docs/board.md, section Image)"
_MIB = 1 << 20
_WORD_BYTES = 2 * TILE_DEPTH


def image(root: Path, machine: str = "") -> Finding:
    """Look at PYNQ, Ubuntu, kernel and architecture; ``machine`` stands in for this one's."""
    machine = machine or platform.machine()
    system = _os_name(root) or "an unknown system"
    kernel = _text(root / "proc/sys/kernel/osrelease") or "unknown"
    python = f"Python {sys.version_info[0]}.{sys.version_info[1]}"
    found = f"{system}, Linux {kernel}, {machine}, {python}"
    try:
        pynq = version("pynq")
    except PackageNotFoundError:
        remedy = "run in PYNQ's environment (source /etc/profile.d/pynq_venv.sh), or " + _IMAGE
        return Finding("image", State.failed, f"no PYNQ for this Python; {found}", remedy)
    found = f"PYNQ {pynq}, {found}"
    if machine != "aarch64":
        return Finding("image", State.failed, found, "the accelerator needs a ZCU102: aarch64")
    if pynq.split(".")[0] not in PYNQ_RELEASES:
        return Finding("image", State.warning, found, f"untried with this PYNQ: {_IMAGE}")
    return Finding("image", State.ok, found)


def driver(root: Path) -> Finding:
    """Look for the kernel driver that PYNQ allocates memory with."""
    places = ("sys/module/zocl", "sys/bus/platform/drivers/zocl-drm")
    if any((root / place).exists() for place in places):
        return Finding("driver", State.ok, "zocl is loaded")
    remedy = f"sudo modprobe zocl; where that fails, the image lacks XRT: {_IMAGE}"
    return Finding("driver", State.failed, "zocl is not loaded, PYNQ cannot allocate", remedy)


def fpga_manager(root: Path) -> Finding:
    """Look at what the kernel says of the programmable logic."""
    name = "fpga manager"
    folders = sorted((root / "sys/class/fpga_manager").glob("*"))
    if not folders:
        return Finding(name, State.failed, "no /sys/class/fpga_manager", _IMAGE)
    state = _text(folders[0] / "state") or "unreadable"
    text = f"{_text(folders[0] / 'name') or folders[0].name}: {state}"
    if "error" in state:
        remedy = (
            "give the bitstream by its absolute path and load it again; if the kernel's log "
            "repeats 'Error while writing image data', boot files and kernel are of two releases: "
            "use an image built for the ZCU102 (PYNQ issue 767)"
        )
        return Finding(name, State.failed, text, remedy)
    if state == "operating":
        return Finding(name, State.ok, text)
    if state == "unknown":  # ZynqMP before the first bitstream
        return Finding(name, State.ok, f"{text} (nothing loaded since the start)")
    return Finding(name, State.warning, text, "load the bitstream, then look again")


def memory(root: Path, needed: int | None = None) -> Finding:
    """Look at the contiguous memory (CMA); ``needed`` bytes are what a bundle takes."""
    kilobytes = _meminfo(root)
    total, free = (kilobytes.get(name, 0) * 1024 for name in ("CmaTotal", "CmaFree"))
    text = f"CMA {total // _MIB} MiB, {free // _MIB} MiB of it free"
    if needed is not None:
        text += f", the bundle needs {-(-needed // _MIB)} MiB"
    larger = "raise cma= in bootargs (docs/board.md, section Memory) and start the board again"
    if total == 0:
        return Finding(
            "memory", State.failed, "no contiguous memory (CMA) in /proc/meminfo", larger
        )
    if free < (needed or 0) or total < (needed or 0):
        remedy = larger if total < (needed or 0) else "end other users of the board, or restart it"
        return Finding("memory", State.failed, text, remedy)
    if needed is None and free < ENOUGH_CMA:
        remedy = f"under {ENOUGH_CMA // _MIB} MiB large models may not fit: {larger}"
        return Finding("memory", State.warning, text, remedy)
    return Finding("memory", State.ok, text)


def buffer_bytes(bundle: Bundle) -> int:
    """Return what the buffers of the bundle's largest program take, two images under way.

    Raises:
        HostError: a program that the accelerator cannot run.
    """
    return max(_buffers(bundle, program.commands()) for program in bundle.programs)


def _buffers(bundle: Bundle, schedule: Schedule) -> int:
    constants = bundle.params.nbytes + schedule.extra_params.nbytes + schedule.commands.nbytes
    slot = schedule.image.region_words + schedule.output_words
    return constants + _WORD_BYTES * (2 * slot + schedule.reports)


def clock(root: Path) -> Finding:
    """Look at the clock of the programmable logic as the kernel has it."""
    text = _text(root / "sys/kernel/debug/clk/pl0_ref/clk_rate")
    if not text.isdigit():
        remedy = "run as root, with debugfs mounted"
        return Finding("clock", State.skipped, "the kernel does not show pl0_ref", remedy)
    megahertz = int(text) / 1e6
    wanted = board.CLOCK_MHZ
    if abs(megahertz - wanted) <= 0.01 * wanted:
        return Finding("clock", State.ok, f"pl0_ref {megahertz:g} MHz")
    return Finding(
        "clock",
        State.warning,
        f"pl0_ref {megahertz:g} MHz, the design is for {wanted:g}",
        "load the bitstream through the board backend, which sets it (the self test does)",
    )


def rails(root: Path) -> Finding:
    """Look for the power monitors that energy is measured with."""
    from trivit.host.measure.hwmon import find_monitors

    found, unusable = find_monitors(root / "sys")
    remedy = (
        "without them latency is measured and power is not: the image's device tree needs the "
        "INA226 of zynqmp-zcu102, its kernel CONFIG_SENSORS_INA2XX"
    )
    if not found:
        return Finding("rails", State.warning, "no INA226 in /sys/class/hwmon", remedy)
    text = f"{len(found)} INA226"
    if unusable:
        name, reason = unusable[0]
        text += f", {len(unusable)} of no use ({name}: {reason})"
        return Finding("rails", State.warning, text, "power leaves these rails out")
    return Finding("rails", State.ok, text)


def _os_name(root: Path) -> str:
    for line in _text(root / "etc/os-release").splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip('"')
    return ""


def _meminfo(root: Path) -> dict[str, int]:
    found = {}
    for line in _text(root / "proc/meminfo").splitlines():
        name, _, rest = line.partition(":")
        number = rest.split()[:1]
        if number and number[0].isdigit():
            found[name] = int(number[0])
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace").strip().strip("\0")
    except OSError:
        return ""
