"""Where the compiled emulator is kept, and what is said when it cannot be."""

import errno
import os
import threading
from pathlib import Path

import pytest

from trivit.host.backends.compile_cache import CACHE_VARIABLE
from trivit.host.backends.emulator_library import MARCH_VARIABLE, build_library
from trivit.host.errors import HostError

#: What g++ prints when the disk fills up while it links.
DISK_FULL = """\
/usr/bin/ld: final link failed: No space left on device
collect2: error: ld returned 1 exit status
"""
UNKNOWN_MARCH = "cc1plus: error: bad value 'z80' for '-march=' switch"
COMPILER = """\
#!/bin/sh
case "$1" in --version) exit;; esac
for argument; do target=$argument; done
{body}
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.delenv(MARCH_VARIABLE, raising=False)
    return tmp_path / "cache" / "trivit"


def use_compiler(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    """Let a script stand for g++; ``$target`` is the library that it should write."""
    script = folder / "c++"
    script.write_text(COMPILER.format(body=body))
    script.chmod(0o755)
    monkeypatch.setenv("CXX", str(script))


def refusal(march: str | None = None) -> str:
    with pytest.raises(HostError) as error:
        build_library(march)
    return str(error.value)


def test_a_disk_that_fills_up_while_compiling(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_compiler(tmp_path, monkeypatch, f"touch $target; printf '{DISK_FULL}' >&2; exit 1")
    message = refusal()
    assert "no space left on device" in message
    assert str(cache) in message
    assert CACHE_VARIABLE in message
    assert "ld returned" not in message
    assert not list(cache.iterdir())


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
@pytest.mark.parametrize("call", ["pathlib.Path.mkdir", "tempfile.mkdtemp", "pathlib.Path.replace"])
def test_a_folder_that_cannot_be_written(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, number: int, call: str
) -> None:
    use_compiler(tmp_path, monkeypatch, "touch $target")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as failing:
        failing.setattr(call, refuse)
        message = refusal()
    assert os.strerror(number).lower() in message
    assert str(cache) in message
    assert CACHE_VARIABLE in message
    assert build_library().is_file()


def test_a_failure_names_its_cause(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "collect2: error: ld returned 1 exit status\\nx.cpp:3: error: what is this\\n"
    use_compiler(tmp_path, monkeypatch, f"printf '{text}' >&2; exit 1")
    assert refusal().endswith("x.cpp:3: error: what is this")


def test_an_unknown_processor(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_compiler(tmp_path, monkeypatch, f'echo "{UNKNOWN_MARCH}" >&2; exit 1')
    assert "z80" in refusal("z80")
    assert MARCH_VARIABLE in refusal("z80")


def test_no_compiler(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert "no-such-compiler is missing: install g++" in refusal()


def test_each_processor_has_its_library(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_compiler(tmp_path, monkeypatch, 'echo "$@" > $target')
    found = build_library("x86-64-v3")
    assert "-march=x86-64-v3" in found.read_text()
    monkeypatch.setenv(MARCH_VARIABLE, "x86-64-v3")
    assert build_library() == found
    assert build_library("native") != found


def test_two_builds_at_once(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both compile, each under a name of its own, and leave one whole library."""
    wait = "echo x >> {0}; while [ $(wc -l < {0}) -lt 2 ]; do sleep 0.01; done"
    use_compiler(tmp_path, monkeypatch, wait.format(tmp_path / "begun") + "; echo whole > $target")
    found: list[Path] = []
    builders = [threading.Thread(target=lambda: found.append(build_library())) for _ in range(2)]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join(timeout=20)
    assert len(found) == 2
    assert found[0] == found[1]
    assert found[0].read_text() == "whole\n"
    assert list(cache.iterdir()) == [found[0]]
