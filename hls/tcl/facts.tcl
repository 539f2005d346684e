# Where things are, and what hls/kernel.yaml says of board and streams.
namespace eval trivit {
    variable hls [file normalize [file join [file dirname [info script]] ..]]

    proc setting {name} {
        if {![info exists ::env($name)]} {
            error "$name is not set: run this by make hls or make bitstream"
        }
        return $::env($name)
    }

    # SystemVerilog of the accelerator, packages first, and its top in Verilog.
    proc rtl_sources {} {
        variable hls
        set file [open [file join $hls rtl packages.f]]
        set sources {}
        foreach name [read $file] {
            lappend sources [file join $hls $name]
        }
        close $file
        foreach folder {rtl rtl/banks} {
            foreach path [lsort [glob [file join $hls $folder *.sv]]] {
                if {$path ni $sources} {
                    lappend sources $path
                }
            }
        }
        return [lappend sources [file join $hls generated trivit_top.v]]
    }
}
foreach name {board streams} {
    source [file join $trivit::hls generated $name.tcl]
}
source [file join $trivit::hls tcl releases.tcl]
