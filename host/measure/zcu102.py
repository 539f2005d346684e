"""The ZCU102's power monitors: 18 INA226 behind a PCA9544 at address 0x75 of the PS's I2C 0.

Designators, addresses and shunts as Linux's device tree has them (zynqmp-zcu102-revA.dts, which
revision 1.0 includes); names of the rails as the board's user guide (UG1182).
"""

from dataclasses import dataclass

#: What the device tree calls the board begins or ends like this.
MODEL = "ZCU102"


@dataclass(frozen=True)
class Monitor:
    """An INA226: its rail, whether that feeds PS or PL, and where it sits.

    ``designator`` is that of the board (``ina226-u79`` in Linux), ``channel`` of the multiplexer,
    ``address`` on its bus, ``shunt`` in micro-ohms.
    """

    rail: str
    group: str
    designator: str
    channel: int
    address: int
    shunt: int


MONITORS = (
    Monitor("VCCPSINTFP", "PS", "u76", 0, 0x40, 5000),
    Monitor("VCCPSINTLP", "PS", "u77", 0, 0x41, 5000),
    Monitor("VCCPSAUX", "PS", "u78", 0, 0x42, 5000),
    Monitor("VCCPSPLL", "PS", "u87", 0, 0x43, 5000),
    Monitor("MGTRAVCC", "PS", "u85", 0, 0x44, 5000),
    Monitor("MGTRAVTT", "PS", "u86", 0, 0x45, 5000),
    Monitor("VCCO_PSDDR_504", "PS", "u93", 0, 0x46, 5000),
    Monitor("VCCOPS", "PS", "u88", 0, 0x47, 5000),
    Monitor("VCCOPS3", "PS", "u15", 0, 0x4A, 5000),
    Monitor("VCCPSDDRPLL", "PS", "u92", 0, 0x4B, 5000),
    Monitor("VCCINT", "PL", "u79", 1, 0x40, 2000),
    Monitor("VCCBRAM", "PL", "u81", 1, 0x41, 5000),
    Monitor("VCCAUX", "PL", "u80", 1, 0x42, 5000),
    Monitor("VCC1V2", "PL", "u84", 1, 0x43, 5000),
    Monitor("VCC3V3", "PL", "u16", 1, 0x44, 5000),
    Monitor("VADJ_FMC", "PL", "u65", 1, 0x45, 5000),
    Monitor("MGTAVCC", "PL", "u74", 1, 0x46, 5000),
    Monitor("MGTAVTT", "PL", "u75", 1, 0x47, 5000),
)
