"""Closed, broken, full and narrow standard streams: no crash, and the exit status says enough."""

import io
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from programs import random_bundle

import trivit.tools.cli.app as app
from trivit.tools.cli import main

TRIVIT = f"{sys.executable} -m trivit.tools.cli"


def shell(line: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a line of shell in which ``trivit`` is the command."""
    return subprocess.run(
        ["bash", "-c", line.replace("trivit", TRIVIT, 1)],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize(
    ("line", "status", "out", "error"),
    [
        ("trivit version >&-", 0, "", ""),
        ("trivit version <&- >&- 2>&-", 0, "", ""),
        ("trivit nonsense >&-", 2, "", "No such command 'nonsense'"),
        ("trivit nonsense 2>&-", 2, "", ""),
        ("trivit nonsense 2>/dev/full", 2, "", ""),
        ("trivit version >/dev/full", 2, "", "no space left"),
        ("trivit --help | true; exit ${PIPESTATUS[0]}", 141, "", ""),
        ("trivit nonsense 2>&1 | true; exit ${PIPESTATUS[0]}", 2, "", ""),
    ],
)
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_streams_that_take_nothing(
    line: str, status: int, out: str, error: str, unbuffered: str
) -> None:
    result = shell(line, PYTHONUNBUFFERED=unbuffered)
    assert result.returncode == status, result.stderr
    assert result.stdout == out
    assert error in result.stderr
    assert result.stderr.count("\n") == (1 if error else 0)


def test_a_file_does_not_take_the_place_of_a_closed_stream(tmp_path: Path) -> None:
    """The logits would get number 1, and what is printed would end up among them."""
    bundle, images = random_bundle(5)
    (tmp_path / "p.trivit").write_bytes(bundle.to_bytes())
    np.save(tmp_path / "i.npy", images)
    line = "trivit run p.trivit --backend reference --images i.npy --logits"
    assert shell(f"cd {tmp_path} && {line} a.npy >&- 2>&-").returncode == 0
    assert shell(f"cd {tmp_path} && {line} b.npy").returncode == 0
    assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "b.npy").read_bytes()


@pytest.mark.parametrize("as_json", [False, True])
def test_names_that_the_output_has_no_characters_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, as_json: bool
) -> None:
    bundle, images = random_bundle(5)
    names = tuple(f"Käfer {i} \udce9" for i in range(len(bundle.class_names)))
    (tmp_path / "é.trivit").write_bytes(replace(bundle, class_names=names).to_bytes())
    np.save(tmp_path / "ü.npy", images)
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    options = ["--backend", "reference", "--images", str(tmp_path / "ü.npy")]
    arguments = ["run", str(tmp_path / "é.trivit"), *options, *(["--json"] if as_json else [])]
    assert main(arguments) == 0
    assert (rb"K\u00e4fer" if as_json else rb"K\xe4fer") in raw.getvalue()


def test_a_message_that_stderr_has_no_characters_for(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(raw, encoding="ascii", errors="strict"))
    assert main(["train", "Käfer.yaml"]) == 2
    assert rb"K\xe4fer.yaml does not exist" in raw.getvalue()


class _Gone(io.StringIO):
    """A pipe whose reader went away."""

    def write(self, text: str) -> int:
        raise BrokenPipeError(32, "Broken pipe")


def test_every_command_ends_alike_when_its_reader_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a command raises in its own code reaches the entry point, not Typer's."""
    broken = app.build_app()
    broken.registered_commands.clear()
    broken.command("version")(lambda: print("x", file=_Gone()))
    monkeypatch.setattr(app, "build_app", lambda: broken)
    assert main(["version"]) == 141


def test_files_are_utf_8_where_the_locale_is_not() -> None:
    result = shell("trivit kernel check", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert result.returncode == 0, result.stderr
