# One HLS block in Vitis HLS: C simulation with its bench, synthesis, export as an IP. `make hls` runs
# it in the folder of the block's results; TRIVIT_BLOCK names the block.
source [file join [file dirname [info script]] facts.tcl]

namespace eval trivit::block {
    proc build {block} {
        if {$block ni $trivit::streams::blocks} {
            error "no block $block; there are $trivit::streams::blocks"
        }
        set root [file dirname $trivit::hls]
        set top trivit_$block
        set flags "-std=c++14 -I$trivit::hls/include"
        # TRIVIT_CSIM: the benches use the vendor's streams, and simulate no clocks.
        set bench_flags "$flags -I$root/hw_tests/blocks -DTRIVIT_CSIM -Wno-unknown-pragmas"

        trivit::release::open_hls_project $top
        add_files $trivit::hls/src/$block.cpp -cflags $flags
        add_files -tb $root/hw_tests/blocks/bench_$block.cpp -cflags $bench_flags
        trivit::release::open_hls_solution $trivit::board::name
        set_part $trivit::board::part
        create_clock -period [format %.3f [expr {1000.0 / $trivit::board::clock_mhz}]] -name default
        csim_design
        csynth_design
        export_design -format ip_catalog -vendor trivit -library hls -ipname $top \
            -version $trivit::board::kernel_version.0
        close_project
    }
}

if {[catch {trivit::block::build [trivit::setting TRIVIT_BLOCK]} message]} {
    puts "trivit: $message"
    exit 1
}
exit 0
