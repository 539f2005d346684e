"""`make deploy` with stand-ins for ssh and scp that run here what a board would run."""

import os
import subprocess
from pathlib import Path

import pytest

from trivit.host.version import VERSION
from trivit.tools.kernel import ROOT

# The last word of ssh is the remote command; a file beside the stand-in makes it fail.
_SSH = """#!/bin/sh
here=$(dirname "$0"); for word; do last=$word; done
echo "ssh $last" >> "$here/log"
if [ -f "$here/no-ssh" ]; then
    echo "ssh: connect to host board port 22: No route to host" >&2; exit 255
fi
exec sh -c "$last"
"""
_SCP = """#!/bin/sh
here=$(dirname "$0"); files=
[ ! -f "$here/no-space" ] || { echo "scp: write: No space left on device" >&2; exit 1; }
while [ $# -gt 1 ]; do case $1 in -o) shift ;; -*) ;; *) files="$files $1" ;; esac; shift; done
cp $files "${1#*:}"
"""
# PYNQ's python and the command that the wheel brings.
_PYTHON = """#!/bin/sh
here=$(dirname "$0")
[ ! -f "$here/no-pip" ] || { echo "sudo: a password is required" >&2; exit 1; }
for word; do last=$word; done; test -f "$last" && echo "$@" > "$here/installed"
"""


class Place:
    """A checkout's build, a board, and a PATH on which ssh and scp lead to it."""

    def __init__(self, folder: Path) -> None:
        self.bin, self.board, self.venv = folder / "bin", folder / "board", folder / "venv"
        self.bitstream, self.bundle = folder / "build/design.bit", folder / "model.trivit"
        for path, text in {
            self.bin / "ssh": _SSH,
            self.bin / "scp": _SCP,
            self.venv / "bin/python3": _PYTHON,
            self.venv / "bin/trivit-board": f"#!/bin/sh\necho trivit {VERSION}\n",
        }.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            path.chmod(0o755)
        self.bitstream.parent.mkdir()
        for end in ("bit", "hwh", "json"):
            self.bitstream.with_suffix(f".{end}").write_text(end)
        self.bundle.write_text("bundle")

    def deploy(self, *, path: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
        given = {
            "HOST": "xilinx@board",
            "BITSTREAM": str(self.bitstream),
            "BUNDLE": str(self.bundle),
            "BOARD_FOLDER": str(self.board),
            "BOARD_VENV": str(self.venv),
            "PATH": path or f"{self.bin}:{os.environ['PATH']}",
        }
        return subprocess.run(
            ["sh", "tools/deploy.sh"],
            cwd=ROOT,
            env={**os.environ, **given, **settings},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line of a failure."""
    assert done.returncode == 2 and done.stdout == "", done.stdout + done.stderr
    (line,) = done.stderr.splitlines()
    return line


def test_everything_arrives_and_the_wheel_is_installed(place: Place) -> None:
    done = place.deploy()
    assert done.returncode == 0, done.stderr
    wheel = f"trivit_host-{VERSION}-py3-none-any.whl"
    assert sorted(path.name for path in place.board.iterdir()) == sorted(
        ["trivit.bit", "trivit.hwh", "trivit.json", "model.trivit", wheel]
    )
    installed = (place.venv / "bin/installed").read_text().split()
    assert installed[:4] == ["-m", "pip", "install", "--no-deps"]
    assert installed[-1] == str(place.board / wheel)
    first, last = done.stdout.splitlines()
    assert first.startswith(f"xilinx@board has trivit {VERSION}, {place.board}/trivit.bit")
    assert "trivit-board check" in last
    assert place.deploy().returncode == 0  # again, over what is there


def test_host_is_missing(place: Place) -> None:
    assert "HOST is missing: make deploy HOST=" in refused(place.deploy(HOST=""))


@pytest.mark.parametrize("end", ("bit", "hwh", "json"))
def test_a_file_of_the_bitstream_is_missing(place: Place, end: str) -> None:
    place.bitstream.with_suffix(f".{end}").unlink()
    line = refused(place.deploy())
    assert f"design.{end} is missing; make bitstream" in line
    assert not (place.bin / "log").exists()  # the board was not asked


def test_the_bundle_is_missing(place: Place) -> None:
    assert "no bundle: nowhere.trivit" in refused(place.deploy(BUNDLE="nowhere.trivit"))


def test_no_ssh_on_this_machine(place: Place) -> None:
    for tool in ("mktemp", "rm", "basename"):
        (place.bin / tool).symlink_to(f"/usr/bin/{tool}")
    (place.bin / "ssh").unlink()
    (place.bin / "sh").symlink_to("/bin/sh")
    assert "ssh is missing: install" in refused(place.deploy(path=str(place.bin)))


def test_the_board_does_not_answer(place: Place) -> None:
    (place.bin / "no-ssh").touch()
    line = refused(place.deploy())
    assert "no login at xilinx@board: ssh: connect to host board port 22: No route" in line
    assert "ssh-copy-id xilinx@board" in line


def test_no_pynq_on_the_board(place: Place) -> None:
    assert "has no PYNQ environment" in refused(place.deploy(BOARD_VENV="/nowhere"))


def test_a_full_card_leaves_what_was_there(place: Place) -> None:
    place.board.mkdir()
    (place.board / "trivit.bit").write_text("old")
    (place.bin / "no-space").touch()
    assert "No space left on device" in refused(place.deploy())
    assert (place.board / "trivit.bit").read_text() == "old"


def test_sudo_asks_for_a_password(place: Place) -> None:
    (place.venv / "bin/no-pip").touch()
    assert "a password is required; where sudo asks" in refused(place.deploy())
