"""Folders /proc, /sys and /etc of a ZCU102 as PYNQ's image leaves it, to be damaged by tests."""

from pathlib import Path

RAILS = {"u79": ("VCCINT", 2000), "u76": ("VCCPSINTFP", 5000)}


def write(root: Path, name: str, text: str) -> None:
    """Write a file under ``root``."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def zcu102(root: Path, *, state: str = "operating", cma: tuple[int, int] = (512, 400)) -> Path:
    """Write them; ``cma`` is MiB in all and free."""
    total, free = (1024 * mebibytes for mebibytes in cma)
    write(root, "etc/os-release", 'NAME="PynqLinux"\nPRETTY_NAME="PynqLinux (Ubuntu 22.04)"\n')
    write(root, "proc/sys/kernel/osrelease", "5.15.19-xilinx-v2022.1\n")
    write(root, "proc/meminfo", f"MemTotal: 4045352 kB\nCmaTotal: {total} kB\nCmaFree: {free} kB\n")
    write(root, "sys/module/zocl/initstate", "live\n")
    write(root, "sys/class/fpga_manager/fpga0/name", "Xilinx ZynqMP FPGA Manager\n")
    write(root, "sys/class/fpga_manager/fpga0/state", f"{state}\n")
    write(root, "sys/kernel/debug/clk/pl0_ref/clk_rate", "149985000\n")
    write(root, "sys/firmware/devicetree/base/model", "ZynqMP ZCU102 Rev1.0\0")
    for number, (designator, (_, shunt)) in enumerate(RAILS.items()):
        folder = f"sys/class/hwmon/hwmon{number}"
        write(root, f"{folder}/name", f"ina226_{designator}\n")
        write(root, f"{folder}/power1_input", "1700000\n")
        write(root, f"{folder}/shunt_resistor", f"{shunt}\n")
        write(root, f"{folder}/in1_input", "850\n")
        write(root, f"{folder}/curr1_input", "2000\n")
    return root
