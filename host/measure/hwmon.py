"""INA226 power monitors in sysfs, under the driver ina2xx or under IIO's (iio-hwmon)."""

import re
from dataclasses import dataclass
from pathlib import Path

from trivit.host.measure.zcu102 import MODEL, MONITORS, Monitor

_DESIGNATOR = re.compile(r"ina226[-_](u\d+)")
#: A driver whose power is so many times voltage times current, or less, has another unit or shunt.
_FACTOR = 2.0
#: Below so many watts the monitors' resolution makes that comparison worthless.
_LEAST_WATTS = 0.1


@dataclass(frozen=True, kw_only=True)
class Ina226:
    """A monitor in sysfs: the rail's name (or Linux's, where no table names it), its group or "".

    ``averaging_ms`` is the driver's update interval; None where the driver does not tell.
    """

    rail: str
    group: str
    folder: Path
    averaging_ms: float | None

    def read_watts(self) -> float:
        """Return the rail's power.

        Raises:
            OSError: the driver gives none.
            ValueError: what it gives is no number.
        """
        return _number(self.folder / "power1_input") / 1e6


def find_monitors(root: Path) -> tuple[list[Ina226], list[tuple[str, str]]]:
    """Return the monitors under ``root`` (/sys), and name and reason of each that is of no use.

    On a ZCU102 the reasons name every rail of the board that is missing.
    """
    table = MONITORS if MODEL in _text(root / "firmware/devicetree/base/model") else ()
    found: list[Ina226] = []
    unreadable: list[tuple[str, str]] = []
    for folder in sorted((root / "class/hwmon").glob("hwmon*"), key=_order):
        label = _label(folder)
        if "ina226" not in label:
            continue
        known = _identify(folder, label, table)
        name = known.rail if known else f"{label} ({folder.name})"
        if any(monitor.rail == name for monitor in found):
            unreadable.append((name, f"{folder.name} is a second monitor of this name"))
            continue
        reason = _fault(folder, known)
        if reason:
            unreadable.append((name, reason))
            continue
        found.append(
            Ina226(
                rail=name,
                group=known.group if known else "",
                folder=folder,
                averaging_ms=_optional(folder / "update_interval"),
            )
        )
    seen = {monitor.rail for monitor in found} | {name for name, _ in unreadable}
    for monitor in table:
        if monitor.rail not in seen:
            place = f"ina226-{monitor.designator}, {monitor.group} bus, 0x{monitor.address:02x}"
            unreadable.append((monitor.rail, f"not in sysfs ({place})"))
    return found, unreadable


def _identify(folder: Path, label: str, table: tuple[Monitor, ...]) -> Monitor | None:
    """Find a monitor by its designator, or else by its address behind the multiplexer."""
    named = _DESIGNATOR.search(label)
    place = None if named else _place(folder)
    for monitor in table:
        if named and named[1] == monitor.designator:
            return monitor
        if place == (monitor.channel, monitor.address):
            return monitor
    return None


def _label(folder: Path) -> str:
    for path in (folder / "label", folder / "device/of_node/label", folder / "name"):
        text = _text(path)
        if "ina226" in text:
            return text
    return ""


def _place(folder: Path) -> tuple[int, int] | None:
    """Return channel of the multiplexer and address of an I2C device, ``.../i2c-3/3-0040``."""
    device = (folder / "device").resolve()
    address = re.fullmatch(r"\d+-([0-9a-f]{4})", device.name)
    bus = device.parent
    for channel in bus.parent.glob("channel-*"):
        if address and channel.resolve() == bus:
            return int(channel.name.removeprefix("channel-")), int(address[1], 16)
    return None


def _fault(folder: Path, known: Monitor | None) -> str:
    """Say why a monitor's power cannot be used; nothing where it can."""
    try:
        watts = _number(folder / "power1_input") / 1e6
    except OSError as error:
        return f"{folder.name}/power1_input: {error.strerror or error}"
    except ValueError:
        return f"{folder.name}/power1_input holds no number"
    shunt = _optional(folder / "shunt_resistor")
    if known and shunt is not None and shunt != known.shunt:
        return (
            f"{folder.name}/shunt_resistor is {shunt:g} micro-ohms, the board has {known.shunt}: "
            "write that to the file"
        )
    # in0 is the shunt's voltage under ina2xx, in1 under iio-hwmon; the next one is the rail's.
    volts = "in1_input" if (folder / "in0_input").exists() else "in2_input"
    millivolts = _optional(folder / volts)
    milliamperes = _optional(folder / "curr1_input")
    if millivolts is None or milliamperes is None:
        return ""
    product = millivolts * milliamperes / 1e6
    if max(watts, product) > _LEAST_WATTS and not product / _FACTOR < watts < product * _FACTOR:
        return f"{folder.name} says {watts:g} W, but its volts times amperes are {product:g} W"
    return ""


def _order(folder: Path) -> tuple[int, str]:
    digits = folder.name.removeprefix("hwmon")
    return (int(digits) if digits.isdigit() else 0, folder.name)


def _text(path: Path) -> str:
    try:
        return path.read_bytes().rstrip(b"\0\n ").decode("utf-8", "replace")
    except OSError:
        return ""


def _number(path: Path) -> float:
    return float(path.read_text("ascii"))


def _optional(path: Path) -> float | None:
    try:
        return _number(path)
    except (OSError, ValueError):
        return None
