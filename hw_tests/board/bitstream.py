"""A bitstream's files as `make bitstream` leaves them, for the simulated board."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from board.handoff import Facts, handoff_text
from board.hardware.machine import configuration
from board.hardware.registers import Made

from trivit.host.board.overlay import EXPECTED
from trivit.host.commands import layout_digest
from trivit.host.generated import board
from trivit.host.generated.spec import KERNEL_VERSION

MADE = Made(
    version=EXPECTED.version,
    geometry=EXPECTED.geometry,
    clock_khz=EXPECTED.clock_khz,
    bank_words=EXPECTED.bank_words,
)


@dataclass(frozen=True)
class Files:
    """What the three files say; replace parts of them for a bitstream that does not fit."""

    made: Made = MADE
    part: str = board.PART
    facts: Facts = field(default_factory=Facts)
    manifest: tuple[tuple[str, Any], ...] = ()

    def write(self, folder: Path) -> Path:
        """Write trivit.bit, trivit.hwh and trivit.json; return the first."""
        folder.mkdir(parents=True, exist_ok=True)
        bit = folder / "trivit.bit"
        bit.write_bytes(bit_file(configuration(self.made), self.part))
        bit.with_suffix(".hwh").write_text(handoff_text(self.facts), "utf-8")
        bit.with_suffix(".json").write_text(json.dumps(manifest(**dict(self.manifest))), "utf-8")
        return bit

    def but(self, **parts: Any) -> Files:
        """Return these with other parts."""
        return replace(self, **parts)


def bit_file(content: bytes, part: str) -> bytes:
    """Return a .bit file: Vivado's header, then the configuration in words, first byte highest."""
    content += bytes(-len(content) % 4)
    fields = {
        b"a": "trivit_wrapper;UserID=0XFFFFFFFF;Version=2022.2",
        b"b": part,
        b"c": "2026/01/02",
        b"d": "03:04:05",
    }
    text = struct.pack(">H9sH", 9, bytes.fromhex("0ff00ff00ff00ff000"), 1)
    for key, value in fields.items():
        raw = value.encode() + b"\0"
        text += key + struct.pack(">H", len(raw)) + raw
    return text + b"e" + struct.pack(">I", len(content)) + content


def manifest(**changed: Any) -> dict[str, Any]:
    """Return a manifest that fits this host, but for what is changed."""
    return {
        "format": 1,
        "kernel_version": KERNEL_VERSION,
        "layout": layout_digest(),
        "clock_mhz": float(board.CLOCK_MHZ),
        "part": board.PART,
        "board": board.NAME,
        "git_commit": "0123456789abcdef0123456789abcdef01234567",
        "tools": {"vitis": "2022.2", "vivado": "2022.2"},
        "slack_ns": 0.12,
        "utilisation": {"lut": 150000, "ff": 170000, "bram36": 775, "dsp": 2270},
        "built": "2026-01-02",
        "variant": "inference",
        **changed,
    }
