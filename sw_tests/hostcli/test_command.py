"""The command's promises: help, one line for each failure, its exit statuses; `trivit board`."""

import subprocess
import sys

import pytest

from trivit.host.backends import backend_names
from trivit.host.cli import main as command
from trivit.host.cli import version
from trivit.host.cli.main import SUBCOMMANDS, main
from trivit.host.errors import HostError
from trivit.host.version import VERSION
from trivit.tools.cli import main as trivit


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert [module.NAME for module in SUBCOMMANDS] == ["check", "latency", "demo", "version"]
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("usage: trivit-board ")
    for module in SUBCOMMANDS:
        assert f"    {module.NAME} " in shown
        assert main([module.NAME, "--help"]) == 0
        assert f"trivit-board {module.NAME}" in capsys.readouterr().out


def test_trivit_board_is_the_same_command_with_the_simulation(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert trivit(["board", "check", "--help"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("usage: trivit board check ") and "simulation" in shown
    assert "simulation" in backend_names()
    assert trivit(["board", "version"]) == 0
    assert capsys.readouterr().out.startswith(f"trivit {VERSION} ")
    assert trivit(["board", "demo", "nothing.trivit", "--bad"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("trivit board: ") and "--bad" in line


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "required: COMMAND (see trivit-board --help)"),
        (["nonsense"], "invalid choice: 'nonsense'"),
        (["version", "--json"], "--json"),
        (["demo"], "required: bundle (see trivit-board demo --help)"),
        (["check", "--backend", "cloud"], "invalid choice: 'cloud'"),
        (["check", "--bundle", "nothing.trivit"], "nothing.trivit: No such file"),
    ],
)
def test_bad_words_are_one_line(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    out, err = capsys.readouterr()
    (line,) = err.splitlines()
    assert message in line and line.startswith("trivit-board: ") and out == ""


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (HostError("no\ndevice"), 2, "trivit-board: no device"),
        (KeyboardInterrupt(), 130, "trivit-board: interrupted"),
        (PermissionError(13, "Permission denied", "/dev/mem"), 2, "/dev/mem: permission denied"),
        (ZeroDivisionError("oh"), 1, "internal error: ZeroDivisionError: oh"),
        (BrokenPipeError(), 141, ""),
    ],
)
def test_what_ends_a_command(
    error: BaseException,
    status: int,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fails(arguments: object) -> int:
        raise error

    monkeypatch.setattr(version, "run", fails)
    assert main(["version"]) == status
    err = capsys.readouterr().err
    assert message in err and "Traceback" not in err and len(err.splitlines()) <= 1
    if message:
        assert main(["--debug", "version"]) == status
        assert "Traceback" in capsys.readouterr().err


def test_trivit_needs_no_torch_for_it() -> None:
    script = (
        "import sys; from trivit.tools.cli import main; main(['board', 'version'])\n"
        "sys.exit(str([m for m in ('torch', 'yaml', 'PIL', 'matplotlib') if m in sys.modules]))\n"
    )
    words = [sys.executable, "-c", script]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "[]"


def test_the_two_names_are_those_of_the_wheels() -> None:
    assert command._DISTRIBUTIONS == ("trivit", "trivit-host")
