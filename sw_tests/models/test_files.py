"""Errors of the operating system name the file that they are about."""

import errno
import os
from pathlib import Path

import pytest

from trivit.models.files import atomic_write, named


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("place", ["body", "fsync", "close"])
def test_a_full_disk_is_named_by_the_file_that_was_written(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "run" / "state.json"
    if place == "fsync":
        monkeypatch.setattr("trivit.models.files.os.fsync", full)
    with pytest.raises(OSError) as caught, atomic_write(target) as temporary:
        if place == "body":
            full()
        elif place == "close":
            with Path("/dev/full").open("w") as file:
                file.write("x")
        temporary.write_text("{}")
    assert caught.value.filename == str(target)
    assert list((tmp_path / "run").iterdir()) == []


def test_a_folder_that_takes_no_file_is_named_not_the_temporary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: str, *_: object) -> int:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)

    monkeypatch.setattr("tempfile._os.open", refused)
    with pytest.raises(OSError) as caught, atomic_write(tmp_path / "config.yaml"):
        pass
    assert caught.value.filename == str(tmp_path / "config.yaml")


def test_what_an_error_says_already_stays(tmp_path: Path) -> None:
    with pytest.raises(OSError) as missing, named(tmp_path), (tmp_path / "no").open():
        pass
    assert missing.value.filename == str(tmp_path / "no")
    with pytest.raises(OSError, match=r"^no number$"), named(tmp_path):
        raise OSError("no number")
