# Synthesise the kernel with Vitis HLS for the ZCU102 and export it as an IP for Vivado:
#
#     vitis_hls -f hls/scripts/synthesize.tcl                  synthesis and report
#     vitis_hls -f hls/scripts/synthesize.tcl -tclargs export  also hls/build/trivit_kernel.zip
#
# Written from the documentation (UG1399, 2022.2); it has not been run, see hls/README.md.

set root [file normalize [file join [file dirname [info script]] .. ..]]
set build [file join $root hls build]
set part xczu9eg-ffvb1156-2-e
set period_ns 6.667 ;# 150 MHz, kernel.yaml: timing.clock_mhz

set flags "-std=c++14 -I[file join $root hls include]"
set bench_flags "$flags -I[file join $root hw_tests csim] -Wno-unknown-pragmas"

file mkdir $build
cd $build

open_project -reset trivit_kernel
set_top trivit_kernel
add_files [file join $root hls src trivit_kernel.cpp] -cflags $flags
# The whole-program bench calls the top function and returns non-zero on any difference.
add_files -tb [file join $root hw_tests csim bench_program.cpp] -cflags $bench_flags

# The vivado flow gives ap_ctrl_hs, which PYNQ drives; the vitis flow would give ap_ctrl_chain.
open_solution -reset zcu102 -flow_target vivado
set_part $part
create_clock -period $period_ns -name default
# The register map of kernel.yaml has 64-bit pointers.
config_interface -m_axi_addr64=1

csim_design
csynth_design

if {[lsearch $argv export] >= 0} {
    export_design -format ip_catalog -vendor trivit -library kernels -ipname trivit_kernel \
        -version 1.0 -output [file join $build trivit_kernel.zip]
}
exit
