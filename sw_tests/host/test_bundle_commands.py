"""A bundle holds all that the accelerator needs, and a host with numpy alone reads it."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from networks import random_network, region

from trivit.host import commands
from trivit.host.bundle import Bundle
from trivit.host.errors import HostError
from trivit.host.oracle.commands import interpret
from trivit.host.schedule import Schedule
from trivit.host.tracing import with_trace
from trivit.tools.schedule import schedule, with_commands

NETWORK = random_network(1)
BUNDLE = with_commands(NETWORK)


def assert_same(ours: Schedule, theirs: Schedule) -> None:
    assert np.array_equal(ours.commands, theirs.commands)
    assert ours.commands.dtype == theirs.commands.dtype
    assert np.array_equal(ours.extra_params, theirs.extra_params)
    assert (
        replace(ours, commands=theirs.commands, extra_params=theirs.extra_params) == theirs
    )  # layout, reports, watched tensors


def test_a_file_brings_back_the_commands(tmp_path: Path) -> None:
    path = tmp_path / "program.trivit"
    path.write_bytes(BUNDLE.to_bytes())
    loaded = Bundle.load(path)
    assert loaded.to_bytes() == BUNDLE.to_bytes()
    assert_same(loaded.first.commands(), schedule(NETWORK))
    image = region(loaded)
    expected = interpret(schedule(NETWORK), NETWORK, image)
    got = interpret(loaded.first.commands(), loaded, image)
    assert np.array_equal(got.output, expected.output)


def test_the_host_alone_reads_them(tmp_path: Path) -> None:
    """As on a board: neither tools nor models are imported, nor anything but numpy."""
    path = tmp_path / "program.trivit"
    path.write_bytes(BUNDLE.to_bytes())
    code = f"""
import sys
from trivit.host.bundle import Bundle
made = Bundle.load({str(path)!r}).first.commands()
print(len(made.commands), made.image.region_words, made.reports)
print([name for name in sys.modules if name.startswith(("trivit.tools", "trivit.models", "yaml"))])
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    made = schedule(NETWORK)
    assert run.stdout.split("\n")[:2] == [
        f"{len(made.commands)} {made.image.region_words} {made.reports}",
        "[]",
    ]


def test_programs_share_what_follows_the_parameters() -> None:
    first = NETWORK.first
    two = with_commands(
        replace(NETWORK, programs=(replace(first, name="a"), replace(first, name="b")))
    )
    added = len(two.to_bytes()) - len(with_commands(two.choose("a")).to_bytes())
    made = two.first.commands()
    described = 30_000  # of the manifest: tensors, watched tensors
    assert added < made.commands.nbytes + first.instructions.nbytes + described
    loaded = Bundle.from_bytes(two.to_bytes())
    for name in "ab":
        assert_same(loaded.choose(name).first.commands(), made)


def test_changed_instructions_have_no_commands() -> None:
    for changed in (BUNDLE.with_instructions(BUNDLE.program), with_trace(BUNDLE, ["qkv0"])):
        with pytest.raises(HostError, match="no commands for the accelerator: its instructions"):
            Bundle.from_bytes(changed.to_bytes()).first.commands()
        made = with_commands(changed).first.commands()
        assert made.tags == len(changed.program)


def test_what_the_accelerator_refuses_says_why() -> None:
    """The emulator runs it, so the bundle is written; who asks for commands gets the reason."""
    foreign = with_trace(NETWORK, ["positions"])
    loaded = Bundle.from_bytes(with_commands(foreign).to_bytes())
    with pytest.raises(HostError, match=r"the program '.*' has no commands .*instruction") as error:
        loaded.first.commands()
    assert "\n" not in str(error.value)
    with pytest.raises(HostError, match="never scheduled"):
        NETWORK.first.commands()


def test_commands_of_another_layout_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = BUNDLE.to_bytes()
    monkeypatch.setitem(commands.HEADER, "tag", (1, 12))
    with pytest.raises(HostError, match=r"other commands: compile it again$"):
        Bundle.from_bytes(data)


@pytest.mark.parametrize("cut", [1, 8, 31])
def test_commands_that_are_not_whole_are_refused(cut: int) -> None:
    made = BUNDLE.first.commands()
    entry = made.describe()
    whole, extra = made.commands.tobytes(), made.extra_params.tobytes()
    assert_same(Schedule.read(entry, whole, extra, tags=made.tags), made)
    for parts in ((whole[:-cut], extra), (b"", extra), (whole, extra[:-2])):
        with pytest.raises(ValueError):
            Schedule.read(entry, *parts, tags=made.tags)


@pytest.mark.parametrize("position", range(0, len(BUNDLE.to_bytes()), 16411))
def test_a_flipped_byte_is_refused_or_harmless(position: int) -> None:
    data = bytearray(BUNDLE.to_bytes())
    data[position] ^= 0x55
    try:
        loaded = Bundle.from_bytes(bytes(data))
    except HostError as error:
        assert "\n" not in str(error)
    else:  # a byte of the archive's own bookkeeping (dates, attributes)
        assert loaded.to_bytes() == BUNDLE.to_bytes()
