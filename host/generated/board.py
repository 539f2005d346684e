"""The board that the accelerator is built for. Generated from hls/kernel.yaml by `python -m trivit.tools.kernel`; do not edit."""

NAME = "zcu102"
PART = "xczu9eg-ffvb1156-2-e"
BOARD_PART = "xilinx.com:zcu102:part0"
CELL = "trivit"
MODULE = "trivit_top"
CONTROL_ADDRESS = 0xa0000000
CONTROL_BYTES = 0x1000
INTERRUPTS_ADDRESS = 0xa0010000
INTERRUPTS_BYTES = 0x10000
CLOCK_MHZ = 150
#: PS port of each AXI4 master.
MEMORY = {
    "gmem0": "hp2",
    "gmem1": "hp0",
    "gmem2": "hp1",
    "gmem3": "hp3",
    "gmem4": "hpc0",
}
