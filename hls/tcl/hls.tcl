# One HLS block in Vitis HLS: C simulation with its bench, synthesis, export as an IP. `make hls` runs
# it in the folder of the block's results; TRIVIT_BLOCK names the block.
source [file join [file dirname [info script]] facts.tcl]

namespace eval trivit::block {
    # Those of inference and those of training.
    variable blocks [concat $trivit::streams::blocks $trivit::streams::training_blocks]

    # Blocks that a bench calls besides its own.
    proc others {block bench} {
        set file [open $bench]
        set text [read $file]
        close $file
        set found {}
        foreach other $trivit::block::blocks {
            if {$other ne $block && [string first "trivit_${other}(" $text] >= 0} {
                lappend found $other
            }
        }
        return $found
    }

    proc build {block} {
        if {$block ni $trivit::block::blocks} {
            error "no block $block; there are $trivit::block::blocks"
        }
        set root [file dirname $trivit::hls]
        set top trivit_$block
        set flags "-std=c++14 -I$trivit::hls/include"
        # Without TRIVIT_SIMULATION the benches use the vendor's streams, and simulate no clocks.
        set bench_flags "$flags -I$root/hw_tests/blocks -I$trivit::hls/simulation"

        trivit::release::open_hls_project $top
        add_files $trivit::hls/src/$block.cpp -cflags $flags
        set bench $root/hw_tests/blocks/bench_$block.cpp
        add_files -tb $bench -cflags $bench_flags
        foreach other [others $block $bench] {
            add_files -tb $trivit::hls/src/$other.cpp -cflags $flags
        }
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
