"""Power rails that this machine can read: through PYNQ's libsensors, or INA226 in sysfs."""

import importlib
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trivit.host.errors import HostError
from trivit.host.measure.hwmon import find_monitors
from trivit.host.measure.zcu102 import MONITORS

#: Of a rail that no table assigns to PS or PL.
UNASSIGNED = "unassigned"
#: What libsensors calls inputs that no configuration names.
_UNNAMED = re.compile(r"(in|curr|power)\d+")


@dataclass(frozen=True, kw_only=True)
class Rail:
    """One rail: ``read`` returns watts and raises OSError or ValueError where that fails.

    ``group`` is PS, PL or unassigned; ``averaging_ms`` the time over which the monitor averages, or
    None where nothing tells it.
    """

    name: str
    group: str
    read: Callable[[], float]
    averaging_ms: float | None = None


@dataclass(frozen=True, kw_only=True)
class Rails:
    """All rails that can be read, and for each that cannot its name and why."""

    source: str
    rails: tuple[Rail, ...]
    unreadable: tuple[tuple[str, str], ...] = ()


def find_rails(root: Path = Path("/sys")) -> Rails:
    """Return the rails that PYNQ names, else those of INA226 in the sysfs at ``root``.

    Raises:
        HostError: there is none.
    """
    found = _pynq_rails()
    if found is not None:
        return found
    monitors, unreadable = find_monitors(root)
    if not monitors:
        why = "; ".join(f"{name}: {reason}" for name, reason in unreadable[:1])
        raise HostError(
            f"no power rail can be read: PYNQ names none, and {root}/class/hwmon has no INA226"
            f"{f' that can be read ({why})' if why else ''}; load the kernel's ina2xx driver, or "
            "leave out --power"
        )
    return Rails(
        source=f"INA226 in {root}/class/hwmon",
        rails=tuple(
            Rail(
                name=monitor.rail,
                group=monitor.group or UNASSIGNED,
                read=monitor.read_watts,
                averaging_ms=monitor.averaging_ms,
            )
            for monitor in monitors
        ),
        unreadable=tuple(unreadable),
    )


def _pynq_rails() -> Rails | None:
    """Return what ``pynq.get_rails`` names; None without PYNQ, or where it names nothing."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            get_rails = importlib.import_module("pynq").get_rails
            named = {
                name: rail for name, rail in get_rails().items() if not _UNNAMED.fullmatch(name)
            }
    except (ImportError, AttributeError):
        return None
    groups = {monitor.rail: monitor.group for monitor in MONITORS}
    rails, unreadable = [], []
    for name, rail in named.items():
        read = _pynq_reader(rail)
        if read is None:
            unreadable.append((name, "PYNQ has neither its power nor both voltage and current"))
        else:
            rails.append(Rail(name=name, group=groups.get(name, UNASSIGNED), read=read))
    if not rails:
        return None
    return Rails(source="pynq.get_rails", rails=tuple(rails), unreadable=tuple(unreadable))


def _pynq_reader(rail: Any) -> Callable[[], float] | None:
    if rail.power is not None:
        return lambda: float(rail.power.value)
    if rail.voltage is not None and rail.current is not None:
        return lambda: float(rail.voltage.value) * float(rail.current.value)
    return None
