# What differs between releases of Vitis and Vivado, and nothing else does. tools/vivado/releases.py
# reads the variables of this file, too: one a line.
namespace eval trivit::release {
    # The oldest and the newest that the scripts are written for.
    variable oldest 2021.1
    variable newest 2025.1
    # They number exported IPs by the date, too large a number since 2022: AMD's patch AR 76960.
    variable unpatched {2021.1 2021.2}
    # How Vitis HLS runs a script; the first program that is there. Newer releases have no vitis_hls.
    variable hls_programs {{vitis_hls -f} {vitis-run --mode hls --tcl}}
    variable vivado_programs {{vivado -mode batch -nojournal -nolog -source}}

    # Full name of an IP in its newest version, of ours too.
    proc ip {name {library xilinx.com:ip}} {
        set found [lsort -dictionary [get_ipdefs -all "$library:$name:*"]]
        if {$found eq ""} {
            error "this Vivado has no IP $library:$name"
        }
        return [lindex $found end]
    }

    # Full name of a board in the newest version of its files.
    proc board_part {name} {
        set found [lsort -dictionary [get_board_parts -quiet "$name:*"]]
        if {$found eq ""} {
            error "this Vivado has no files for the board $name: install them from its store\
                (Tools > Vivado Store > Boards, or xhub::install \[xhub::get_xitems *zcu102*\])"
        }
        return [lindex $found end]
    }

    # A project of Vitis HLS for one top function, empty. The flow decides what defaults mean: with
    # `vivado` an IP for a block design.
    proc open_hls_project {name} {
        open_project -reset $name
        set_top $name
    }
    proc open_hls_solution {name} {
        open_solution -reset $name -flow_target vivado
    }

    # The address space of a master, and the segments of a slave: releases differ in prefix and case.
    proc address_space {cell interface} {
        return [one "address space of $cell/$interface" [get_bd_addr_spaces "$cell/*$interface"]]
    }
    proc address_segment {cell interface} {
        set found [get_bd_addr_segs -of_objects [get_bd_intf_pins $cell/$interface]]
        return [one "address segment of $cell/$interface" $found]
    }
    proc one {what found} {
        if {[llength $found] != 1} {
            error "expected one $what, found [llength $found]: $found"
        }
        return [lindex $found 0]
    }
}
