# tclsh in the place of Vitis HLS or Vivado: every command that Tcl does not know is handed, argument
# by argument, to the process that started this one (recorder.py), whose answer is its result.
# Vivado of 2021 has Tcl 8.5, so what came later is not there.
foreach newer {lmap try throw tailcall coroutine yield yieldto zlib} {
    rename $newer {}
}
fconfigure stdin -encoding utf-8 -translation lf
fconfigure stdout -encoding utf-8 -translation lf -buffering line

namespace eval stand_ins {
    proc hex {text} {
        return [binary encode hex [encoding convertto utf-8 $text]]
    }
    proc unhex {text} {
        return [encoding convertfrom utf-8 [binary decode hex $text]]
    }
}
proc unknown {args} {
    set words {}
    foreach word $args {
        lappend words x[stand_ins::hex $word]
    }
    puts "\x01[join $words { }]"
    if {[gets stdin answer] < 0} {
        exit 99
    }
    set text [stand_ins::unhex [string range $answer 1 end]]
    if {[string index $answer 0] eq "e"} {
        return -code error $text
    }
    return $text
}
set argv0 [lindex $argv 0]
source $argv0
