"""A tree like /sys with INA226 monitors."""

from __future__ import annotations

from pathlib import Path

from trivit.host.measure.zcu102 import MONITORS, Monitor

ZCU102 = "ZynqMP ZCU102 Rev1.0"


def board(root: Path, model: str = ZCU102) -> Path:
    """Write what the device tree calls the board; return ``root``."""
    path = root / "firmware/devicetree/base/model"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.encode() + b"\0")
    return root


def sensor(root: Path, number: int, **files: object) -> Path:
    """Write one hwmon folder."""
    folder = root / f"class/hwmon/hwmon{number}"
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in files.items():
        (folder / name).write_text(f"{value}\n")
    return folder


def ina2xx(root: Path, number: int, monitor: Monitor, watts: float, **files: object) -> Path:
    """Write a monitor as the driver ina2xx has it (0.85 V), with the device tree's label."""
    values: dict[str, object] = {
        "name": "ina226",
        "label": f"ina226-{monitor.designator}",
        "in0_input": 1,
        "in1_input": 850,
        "curr1_input": round(1e6 * watts / 850),
        "power1_input": round(1e6 * watts),
        "shunt_resistor": monitor.shunt,
        "update_interval": 4,
    }
    return sensor(root, number, **{**values, **files})


def iio(root: Path, number: int, monitor: Monitor, watts: float) -> Path:
    """Write a monitor as iio-hwmon has it: in1 is the shunt, in2 the rail."""
    return sensor(
        root,
        number,
        name=f"ina226_{monitor.designator}",
        in1_input=1,
        in2_input=850,
        curr1_input=round(1e6 * watts / 850),
        power1_input=round(1e6 * watts),
    )


def whole_board(root: Path) -> Path:
    """Write all monitors of a ZCU102: number n draws n/10 W; and a sensor of another kind."""
    board(root)
    sensor(root, 0, name="xilinx_ams", temp1_input=40000)
    for number, monitor in enumerate(MONITORS, 1):
        (ina2xx if number % 2 else iio)(root, number, monitor, number / 10)
    return root


def behind_multiplexer(root: Path, number: int, monitor: Monitor, watts: float) -> Path:
    """Write a monitor without label at its I2C address behind a channel of the multiplexer."""
    folder = ina2xx(root, number, monitor, watts)
    (folder / "label").unlink()
    bus = f"i2c-{3 + monitor.channel}"
    multiplexer = root / "devices/ff020000.i2c/i2c-0/0-0075"
    device = multiplexer / bus / f"{3 + monitor.channel}-{monitor.address:04x}"
    device.mkdir(parents=True)
    channel = multiplexer / f"channel-{monitor.channel}"
    if not channel.is_symlink():
        channel.symlink_to(bus)
    (folder / "device").symlink_to(device)
    return folder
