"""Rails from a fake sysfs and a fake PYNQ, and energy from samples that are known."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from trivit.host.bundle import Bundle
from trivit.host.errors import HostError
from trivit.host.images import preprocess
from trivit.host.measure.power import PowerFigures, PowerMeter, Sampler
from trivit.host.measure.rails import Rail, Rails, find_rails
from trivit.host.measure.zcu102 import MONITORS

from .fake_device import FakeBackend
from .fake_hwmon import behind_multiplexer, board, iio, ina2xx, sensor, whole_board

VCCINT = next(m for m in MONITORS if m.rail == "VCCINT")
VCCPSAUX = next(m for m in MONITORS if m.rail == "VCCPSAUX")


@pytest.fixture(autouse=True)
def without_pynq(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynq", None)


def test_monitors_of_the_board_are_distinct() -> None:
    for names in (
        {m.rail for m in MONITORS},
        {m.designator for m in MONITORS},
        {(m.channel, m.address) for m in MONITORS},
    ):
        assert len(names) == len(MONITORS) == 18
    assert all((m.group == "PL") == (m.channel == 1) for m in MONITORS)


def test_all_rails_of_a_board(tmp_path: Path) -> None:
    found = find_rails(whole_board(tmp_path))
    assert [(r.name, r.group) for r in found.rails] == [(m.rail, m.group) for m in MONITORS]
    assert [r.read() for r in found.rails] == [pytest.approx(n / 10) for n in range(1, 19)]
    assert [r.averaging_ms for r in found.rails[:3]] == [4, None, 4]
    assert not found.unreadable


@pytest.mark.parametrize("driver", [ina2xx, iio, behind_multiplexer])
def test_a_monitor_under_each_driver(driver: Callable[..., Path], tmp_path: Path) -> None:
    """0x40 is VCCINT on the PL's bus and VCCPSINTFP on the PS's: the channel tells."""
    driver(board(tmp_path), 7, VCCINT, 3.25)
    (rail,) = find_rails(tmp_path).rails
    assert (rail.name, rail.group, rail.read()) == ("VCCINT", "PL", pytest.approx(3.25))


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    ina2xx(board(tmp_path), 2, VCCINT, 1.0)
    found = find_rails(tmp_path)
    assert [rail.name for rail in found.rails] == ["VCCINT"]
    missing = dict(found.unreadable)
    assert set(missing) == {m.rail for m in MONITORS} - {"VCCINT"}
    assert missing["VCCBRAM"] == "not in sysfs (ina226-u81, PL bus, 0x41)"


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"shunt_resistor": 10000}, "shunt_resistor is 10000 micro-ohms, the board has 5000"),
        ({"power1_input": 1000}, "says 0.001 W, but its volts times amperes are"),
        ({"power1_input": "n/a"}, "holds no number"),
    ],
)
def test_a_monitor_that_is_not_to_be_believed(
    files: dict[str, object], reason: str, tmp_path: Path
) -> None:
    ina2xx(board(tmp_path), 1, VCCINT, 1.0)
    ina2xx(tmp_path, 2, VCCPSAUX, 1.0, **files)
    found = find_rails(tmp_path)
    assert [rail.name for rail in found.rails] == ["VCCINT"]
    assert reason in dict(found.unreadable)["VCCPSAUX"]


def test_a_monitor_without_power(tmp_path: Path) -> None:
    (ina2xx(board(tmp_path), 1, VCCINT, 1.0) / "power1_input").unlink()
    with pytest.raises(HostError, match="VCCINT: hwmon1/power1_input: No such file") as error:
        find_rails(tmp_path)
    assert "\n" not in str(error.value)


def test_two_monitors_of_one_name(tmp_path: Path) -> None:
    ina2xx(board(tmp_path), 1, VCCINT, 1.0)
    iio(tmp_path, 2, VCCINT, 1.0)
    found = find_rails(tmp_path)
    assert len(found.rails) == 1
    assert "second monitor" in dict(found.unreadable)["VCCINT"]


def test_another_board_keeps_the_names_of_linux(tmp_path: Path) -> None:
    """u79 is another rail there: nothing is guessed."""
    ina2xx(board(tmp_path, "ZynqMP ZCU106 RevA"), 1, VCCINT, 1.0)
    found = find_rails(tmp_path)
    assert [(r.name, r.group) for r in found.rails] == [("ina226-u79 (hwmon1)", "unassigned")]
    assert not found.unreadable


@pytest.mark.parametrize("other", [False, True])
def test_no_rails(other: bool, tmp_path: Path) -> None:
    if other:
        sensor(tmp_path, 0, name="xilinx_ams", temp1_input=40000)
    with pytest.raises(HostError, match=r"no power rail can be read.*leave out --power") as error:
        find_rails(tmp_path)
    assert "\n" not in str(error.value)


def pynq_rail(**values: float) -> SimpleNamespace:
    names = ("voltage", "current", "power")
    return SimpleNamespace(
        **{n: SimpleNamespace(value=values[n]) if n in values else None for n in names}
    )


def test_rails_of_pynq(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rails with names come first; what libsensors numbers only is none."""
    rails = {
        "VCCINT": pynq_rail(power=2.5),
        "12V": pynq_rail(voltage=12.0, current=0.5),
        "VCCAUX": pynq_rail(voltage=1.8),
        "power1": pynq_rail(power=9.0),
    }
    monkeypatch.setitem(sys.modules, "pynq", SimpleNamespace(get_rails=lambda: rails))
    found = find_rails(whole_board(tmp_path))
    assert found.source == "pynq.get_rails"
    assert [(r.name, r.group, r.read()) for r in found.rails] == [
        ("VCCINT", "PL", 2.5),
        ("12V", "unassigned", 6.0),
    ]
    assert [name for name, _ in found.unreadable] == ["VCCAUX"]


@pytest.mark.parametrize("rails", [{}, {"in1": pynq_rail(voltage=1.0)}])
def test_pynq_without_names_leaves_it_to_sysfs(
    rails: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pynq", SimpleNamespace(get_rails=lambda: rails))
    assert len(find_rails(whole_board(tmp_path)).rails) == 18


def measured(
    rails: tuple[Rail, ...], device: FakeBackend, bundle: Bundle, images: NDArray[np.uint8]
) -> PowerFigures:
    meter = PowerMeter(
        rails=Rails(source="test", rails=rails, unreadable=(("MGTAVCC", "not there"),)),
        idle_seconds=0.05,
        busy_seconds=0.05,
        period_s=0.004,
    )
    regions = bundle.first.commands().image.arrange(preprocess(bundle, images))
    with device.open_session(bundle) as session:
        return meter.measure(
            session, lambda number: regions[number % len(regions)], lambda n, o: None
        )


def test_energy_of_an_image(bundle: Bundle, images: NDArray[np.uint8]) -> None:
    """VCCINT takes 2 W until the first job and 5 W from then on, VCCPSAUX always 1 W."""
    device = FakeBackend(bundle, images, job_seconds=0.002)
    rails = (
        Rail(
            name="VCCINT",
            group="PL",
            read=lambda: 5.0 if device.record.jobs() else 2.0,
            averaging_ms=50.0,
        ),
        Rail(name="VCCPSAUX", group="PS", read=lambda: 1.0, averaging_ms=50.0),
    )
    power = measured(rails, device, bundle, images)
    assert power.images == device.record.jobs() <= 51  # (50 + 50) ms of 2 ms
    assert power.seconds >= 0.1
    assert power.groups() == ("PL", "PS")
    assert power.watts("PL") == (2.0, 5.0)
    assert power.watts() == (3.0, 6.0)
    each = 1000 * power.seconds / power.images
    assert power.energy_mj() == pytest.approx(6 * each)
    assert power.energy_mj(above_idle=True) == pytest.approx(3 * each)
    assert power.energy_mj("PS", above_idle=True) == 0
    assert 0 < power.sample_hz <= 1.2 / 0.004  # one more at the ends
    assert power.unreadable == (("MGTAVCC", "not there"),)


def test_a_rail_that_fails_on_the_way_is_in_no_sum(
    bundle: Bundle, images: NDArray[np.uint8]
) -> None:
    device = FakeBackend(bundle, images, job_seconds=0.002)

    def fails() -> float:
        if device.record.jobs() > 3:
            raise OSError(121, "Remote I/O error")
        return 2.0

    rails = (
        Rail(name="VCCINT", group="PL", read=fails, averaging_ms=1.0),
        Rail(name="VCCAUX", group="PL", read=lambda: 1.0, averaging_ms=1.0),
    )
    power = measured(rails, device, bundle, images)
    assert power.watts() == (1.0, 1.0)
    assert ("VCCINT", "Remote I/O error") in power.unreadable
    with pytest.raises(HostError, match=r"no power rail could be read to the end.*Remote"):
        measured(rails[:1], FakeBackend(bundle, images), bundle, images)
    assert device.record.closed == 1


def test_what_was_averaged_before_is_left_out(bundle: Bundle, images: NDArray[np.uint8]) -> None:
    """A monitor that answers with what was true 30 ms ago."""
    device = FakeBackend(bundle, images, job_seconds=0.002)
    history: list[tuple[float, float]] = []

    def late() -> float:

        now = time.perf_counter()
        history.append((now, 5.0 if device.record.jobs() else 2.0))
        return next((watts for at, watts in reversed(history) if at <= now - 0.03), 2.0)

    rail = Rail(name="VCCINT", group="PL", read=late, averaging_ms=150.0)
    power = measured((rail,), device, bundle, images)
    assert power.watts() == (2.0, 5.0)


def test_sampling_ends_with_its_block() -> None:
    readings: list[int] = []

    def read() -> float:
        readings.append(1)
        return 1.0

    with pytest.raises(KeyboardInterrupt), Sampler([Rail(name="a", group="", read=read)], 0.001):
        while len(readings) < 3:
            pass
        raise KeyboardInterrupt
    count = len(readings)
    assert count >= 3

    time.sleep(0.01)
    assert len(readings) == count


def test_no_time_to_sample() -> None:
    with pytest.raises(HostError, match=r"over 0 s idle and 10 s busy: give at least 0\.1 s each"):
        PowerMeter(rails=Rails(source="", rails=()), idle_seconds=0.0)
