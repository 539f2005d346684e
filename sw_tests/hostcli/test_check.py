"""``trivit board check``: each probe on folders of a ZCU102 with a fault, and the exit status."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trivit.host.backends import Backend, open_backend, register_backend
from trivit.host.backends.base import BatchOutput
from trivit.host.board.lock import BoardLock
from trivit.host.bundle import Bundle
from trivit.host.check import Finding, State, bitstream, system
from trivit.host.check.self_test import (
    BUNDLE,
    load_self_test,
    self_test,
    self_test_images,
)
from trivit.host.cli.main import main
from trivit.host.commands import decode, layout_digest
from trivit.host.errors import HostError
from trivit.host.fixed_point import Int16
from trivit.host.generated import board
from trivit.host.generated.commands import COMMANDS
from trivit.host.generated.spec import KERNEL_VERSION, OPCODES
from trivit.host.instructions import decode as decode_instruction
from trivit.tools.self_test import self_test_bundle

from .fake_board import RAILS, write, zcu102


@pytest.fixture
def pynq_3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "version", lambda name: "3.0.1")


def one_line(finding: Finding) -> str:
    assert "\n" not in finding.line()
    return finding.line()


@pytest.mark.usefixtures("pynq_3")
def test_a_board_in_order(tmp_path: Path) -> None:
    root = zcu102(tmp_path)
    found = [
        system.image(root, "aarch64"),
        system.driver(root),
        system.fpga_manager(root),
        system.memory(root),
        system.clock(root),
    ]
    assert [finding.state for finding in found] == [State.ok] * 5
    lines = [one_line(finding) for finding in found]
    assert "PYNQ 3.0.1, PynqLinux (Ubuntu 22.04), Linux 5.15.19-xilinx-v2022.1, aarch64" in lines[0]
    assert "CMA 512 MiB, 400 MiB of it free" in lines[3]
    assert "pl0_ref 149.985 MHz" in lines[4]


def test_rails_that_are_there_and_those_that_are_not(tmp_path: Path) -> None:
    finding = system.rails(zcu102(tmp_path))
    assert finding.state is State.warning  # the board has 18 monitors
    assert finding.text.startswith(f"{len(RAILS)} INA226, {18 - len(RAILS)} of no use (")
    none = system.rails(tmp_path / "elsewhere")
    assert none.state is State.warning and "no INA226" in none.text


@pytest.mark.parametrize(
    ("probe", "name", "text", "state", "message"),
    [
        (system.driver, "sys/module/zocl", None, State.failed, "sudo modprobe zocl"),
        (system.fpga_manager, "sys/class/fpga_manager", None, State.failed, "no /sys/class/fpga"),
        (
            *(system.fpga_manager, "sys/class/fpga_manager/fpga0/state", "write error"),
            *(State.failed, "PYNQ issue 767"),
        ),
        (
            *(system.fpga_manager, "sys/class/fpga_manager/fpga0/state", "unknown"),
            *(State.ok, "nothing loaded since the start"),
        ),
        (
            *(system.fpga_manager, "sys/class/fpga_manager/fpga0/state", "power off"),
            *(State.warning, "load the bitstream"),
        ),
        (system.memory, "proc/meminfo", "MemTotal: 1 kB", State.failed, "no contiguous"),
        (
            *(system.memory, "proc/meminfo", "CmaTotal: 65536 kB\nCmaFree: 65536 kB"),
            *(State.warning, "raise cma= in bootargs"),
        ),
        (
            *(system.clock, "sys/kernel/debug/clk/pl0_ref/clk_rate", "100000000"),
            *(State.warning, "100 MHz, the design is for 150"),
        ),
        (system.clock, "sys/kernel/debug", None, State.skipped, "run as root"),
    ],
)
def test_each_fault_has_a_line_with_a_remedy(
    tmp_path: Path,
    probe: Callable[[Path], Finding],
    name: str,
    text: str | None,
    state: State,
    message: str,
) -> None:
    root = zcu102(tmp_path)
    if text is None:
        (root / name).rename(tmp_path / "gone")
    else:
        write(root, name, text)
    finding = probe(root)
    assert finding.state is state
    assert message in one_line(finding)
    assert finding.remedy or state is State.ok


@pytest.mark.usefixtures("pynq_3")
def test_another_machine_and_another_pynq(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = zcu102(tmp_path)
    assert system.image(root, "x86_64").state is State.failed
    monkeypatch.setattr(system, "version", lambda name: "2.7.0")
    assert system.image(root, "aarch64").state is State.warning


def test_no_pynq_at_all(tmp_path: Path) -> None:
    finding = system.image(zcu102(tmp_path), "aarch64")
    assert finding.state is State.failed and "no PYNQ for this Python" in finding.text


def test_memory_that_a_bundle_needs(tmp_path: Path) -> None:
    needed = system.buffer_bytes(load_self_test())
    assert len(load_self_test().params) * 2 < needed < 1 << 20
    assert system.memory(zcu102(tmp_path, cma=(512, 64)), needed).state is State.ok
    full = system.memory(zcu102(tmp_path, cma=(512, 64)), 100 << 20)
    assert full.state is State.failed and "end other users" in full.remedy
    small = system.memory(zcu102(tmp_path, cma=(64, 64)), 100 << 20)
    assert small.state is State.failed and "raise cma=" in small.remedy


def bit_file(path: Path, part: str = board.PART) -> None:
    """Write a bitstream as Vivado heads it, without logic."""
    fields = (b"design", part.encode(), b"2026/11/28", b"08:00:00")
    parts = [struct.pack(">H", 9), bytes(9), struct.pack(">H", 1)]
    for letter, text in zip(b"abcd", fields, strict=True):
        parts.append(bytes([letter]) + struct.pack(">H", len(text) + 1) + text + b"\0")
    path.write_bytes(b"".join(parts) + b"e" + struct.pack(">I", 4) + bytes(4))


def manifest(path: Path, **changes: Any) -> None:
    entry = {
        "format": 1,
        "kernel_version": KERNEL_VERSION,
        "layout": layout_digest(),
        "clock_mhz": board.CLOCK_MHZ,
        "part": board.PART,
        "git_commit": "0123456789abcdef",
    }
    path.write_text(json.dumps({**entry, **changes}))


def test_the_files_of_a_bitstream_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "trivit.bit"
    bit_file(path)
    manifest(path.with_suffix(".json"))
    found = {finding.name: finding for finding in bitstream.files(path)}
    assert found["bitstream"].state is State.ok and board.PART in found["bitstream"].text
    assert found["manifest"].state is State.ok and "commit 0123456789ab" in found["manifest"].text
    assert found["handoff"].state is State.failed and "trivit.hwh" in found["handoff"].text

    bit_file(path, "xczu7ev-ffvc1156-2-e")
    manifest(path.with_suffix(".json"), kernel_version=3, clock_mhz=100.0)
    found = {finding.name: finding for finding in bitstream.files(path)}
    assert "xczu7ev" in found["bitstream"].text
    assert "kernel version 3" in found["manifest"].text and "100 MHz" in found["manifest"].text
    assert "make bitstream" in found["manifest"].remedy


def test_no_bitstream_is_one_line(tmp_path: Path) -> None:
    (finding,) = bitstream.files(tmp_path / "none.bit")
    assert finding.state is State.failed and "make bitstream" in one_line(finding)


def test_the_lock_of_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIVIT_LOCK", str(tmp_path / "lock"))
    assert bitstream.lock().state is State.ok
    held = BoardLock()
    assert "the board is in use by" in one_line(bitstream.lock())
    held.release()
    assert bitstream.lock().state is State.ok


def test_the_self_test_gives_work_to_every_unit_and_opcode() -> None:
    bundle = load_self_test()
    assert BUNDLE.stat().st_size < 100_000
    words = bundle.first.commands().commands
    units = {decode(int.from_bytes(command.tobytes(), "little")).unit for command in words}
    first = COMMANDS["gelu_backward"].number  # of the units that only training has
    inference = {unit for unit, spec in COMMANDS.items() if spec.number < first}
    assert units == inference, "give the new unit work in tools/self_test.py"
    instructions = [decode_instruction(words) for words in bundle.program]
    assert {i.opcode for i in instructions if i is not None} == set(OPCODES)
    logits = open_backend("reference").run(bundle, self_test_images(bundle)).logits
    assert len(np.unique(logits)) > logits.size // 2


def test_the_self_test_is_that_of_the_present_scheduler() -> None:
    made = self_test_bundle().to_bytes()
    assert BUNDLE.read_bytes() == made, "run `python -m trivit.tools.self_test` and commit the file"


class Wrong(Backend):
    """The oracle with one bit of the output changed in the second image."""

    name = "wrong"

    def run_batch(self, bundle: Bundle, inputs: Int16) -> BatchOutput:
        batch = open_backend("reference").run_batch(bundle, inputs)
        batch.regions[1, 0] ^= 1
        return batch


class Broken(Wrong):
    """A device that hangs."""

    def run_batch(self, bundle: Bundle, inputs: Int16) -> BatchOutput:
        raise HostError("the job did not end within 10 s")


def test_one_wrong_bit_fails_the_self_test() -> None:
    assert self_test(open_backend("reference")).state is State.ok
    finding = self_test(Wrong())
    assert finding.state is State.failed
    assert "logits (1 of 30 values)" in one_line(finding) and "kept" not in finding.text
    hangs = self_test(Broken())
    assert hangs.state is State.failed and "did not end within 10 s" in one_line(hangs)


def test_another_kernel_s_self_test_names_the_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("trivit.host.check.self_test.BUNDLE", tmp_path / "self_test.trivit")
    with pytest.raises(HostError, match=r"trivit\.tools\.self_test"):
        load_self_test()


def test_the_exit_status_is_that_of_the_worst(capsys: pytest.CaptureFixture[str]) -> None:
    register_backend("wrong", Wrong)
    assert main(["check", "--backend", "reference"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 11 and all(line.startswith("skipped ") for line in lines[:-1])
    assert lines[-1].startswith("ok       self test")
    assert main(["check", "--backend", "wrong", "--json"]) == 2
    report = json.loads(capsys.readouterr().out)
    assert report["failed"] and report["findings"][-1]["state"] == "failed"


def test_without_a_board_every_line_comes_and_none_is_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIVIT_LOCK", str(tmp_path / "lock"))
    root = zcu102(tmp_path / "root")
    words = ["check", "--root", str(root), "--bundle", str(BUNDLE)]
    assert main([*words, "--bitstream", str(tmp_path / "no.bit")]) == 2
    out, err = capsys.readouterr()
    names = [line[9:22].strip() for line in out.splitlines()]
    assert names == [
        *("image", "driver", "fpga manager", "memory", "clock", "rails"),
        *("bitstream", "lock", "self test"),
    ]
    assert "the bundle needs 1 MiB" in out and err == ""
