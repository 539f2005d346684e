# The bitstream in Vivado: project, block design, synthesis, implementation. `make bitstream` runs it
# and names TRIVIT_PROJECT, where the project goes, TRIVIT_IPS, folders of the HLS blocks' IPs,
# TRIVIT_OUT, an empty folder for results, and TRIVIT_JOBS.
source [file join [file dirname [info script]] facts.tcl]
source [file join [file dirname [info script]] design.tcl]

namespace eval trivit::build {
    variable design system
    # What implementation tries, one after the other, until timing is met.
    variable strategies {
        Performance_ExplorePostRoutePhysOpt Performance_ExtraTimingOpt Performance_NetDelay_high
        Congestion_SpreadLogic_high
    }

    proc project {folder ips} {
        create_project -force trivit $folder -part $trivit::board::part
        set board [trivit::release::board_part $trivit::board::board_part]
        set_property board_part $board [current_project]
        set_property ip_repo_paths $ips [current_project]
        update_ip_catalog -rebuild
        add_files -norecurse [trivit::rtl_sources]
        update_compile_order -fileset sources_1
    }

    proc wrapper {} {
        variable design
        add_files -norecurse [make_wrapper -files [get_files $design.bd] -top]
        set_property top ${design}_wrapper [current_fileset]
        update_compile_order -fileset sources_1
        generate_target all [get_files $design.bd]
    }

    proc finish_run {run} {
        wait_on_run $run
        if {[get_property PROGRESS [get_runs $run]] ne "100%"} {
            error "$run ended with '[get_property STATUS [get_runs $run]]': see runme.log in its folder"
        }
    }

    # Slack of the worst path of set-up and hold, in ns; pulse widths and open nets count as well.
    proc slack {run} {
        set run [get_runs $run]
        set slack [expr {min([get_property STATS.WNS $run], [get_property STATS.WHS $run])}]
        if {[get_property STATS.TPWS $run] < 0 || [get_property STATS.FAILED_NETS $run] > 0} {
            set slack [expr {min($slack, -0.001)}]
        }
        return $slack
    }

    # Runs implementation by each strategy until one meets timing, and returns slack and strategy.
    proc implement {jobs} {
        variable strategies
        set tried {}
        foreach strategy $strategies {
            reset_run impl_1
            set_property strategy $strategy [get_runs impl_1]
            launch_runs impl_1 -jobs $jobs
            if {[catch {finish_run impl_1} message]} {
                lappend tried "$strategy: $message"
                continue
            }
            set slack [slack impl_1]
            puts "trivit-note: $strategy: slack $slack ns"
            if {$slack >= 0} {
                return [list $slack $strategy]
            }
            lappend tried "$strategy: $slack ns"
        }
        error "no bitstream, because timing fails at $trivit::board::clock_mhz MHz with every\
            strategy ([join $tried {; }]): see docs/vitis.md, \"When timing fails\""
    }

    proc reports {folder} {
        file mkdir $folder
        open_run impl_1
        report_timing_summary -max_paths 10 -file [file join $folder timing.rpt]
        report_utilization -hierarchical -hierarchical_depth 7 -file [file join $folder utilisation.rpt]
        report_power -file [file join $folder power.rpt]
    }

    proc collect {project out} {
        variable design
        foreach {ending patterns} [list \
                bit [list *.runs/impl_1/${design}_wrapper.bit] \
                hwh [list *.gen/sources_1/bd/$design/hw_handoff/$design.hwh \
                    *.srcs/sources_1/bd/$design/hw_handoff/$design.hwh]] {
            set found [glob -nocomplain -directory $project {*}$patterns]
            if {$found eq ""} {
                error "Vivado wrote no .$ending under $project"
            }
            file copy [lindex $found 0] [file join $out trivit.$ending]
        }
        write_hw_platform -fixed -include_bit -force -file [file join $out trivit.xsa]
    }

    proc all {} {
        variable design
        set project [trivit::setting TRIVIT_PROJECT]
        set out [trivit::setting TRIVIT_OUT]
        set jobs [trivit::setting TRIVIT_JOBS]
        project $project [trivit::setting TRIVIT_IPS]
        trivit::design::create $design
        wrapper
        launch_runs synth_1 -jobs $jobs
        finish_run synth_1
        set failed [catch {implement $jobs} result options]
        if {[get_property PROGRESS [get_runs impl_1]] eq "100%"} {
            reports [file join $out reports]
        }
        if {$failed} {
            return -options $options $result
        }
        launch_runs impl_1 -to_step write_bitstream -jobs $jobs
        finish_run impl_1
        collect $project $out
        puts "trivit-result: slack_ns [lindex $result 0] strategy [lindex $result 1]"
    }
}

if {[catch {trivit::build::all} message]} {
    puts "trivit: $message"
    exit 1
}
exit 0
