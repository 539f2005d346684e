# Generated from hls/kernel.yaml by `python -m trivit.tools.kernel`; do not edit.
namespace eval trivit::board {
    variable name zcu102
    variable part xczu9eg-ffvb1156-2-e
    variable board_part xilinx.com:zcu102:part0
    variable cell trivit
    variable module trivit_top
    variable control_address 0xa0000000
    variable control_bytes 0x1000
    variable interrupts_address 0xa0010000
    variable interrupts_bytes 0x10000
    variable clock_mhz 150
    variable kernel_version 4
    variable memory {gmem0 hp2 gmem1 hp0 gmem2 hp1 gmem3 hp3 gmem4 hpc0}
}
