# The block design: PS, RTL, HLS blocks, and what connects them. Names of cells are what the driver
# finds in the .hwh; docs/vitis.md lists them.
namespace eval trivit::design {
    # Everything runs by one clock; each reset has its users.
    variable clocked {}
    variable reset_by {}

    proc ip {name type parameters {library xilinx.com:ip}} {
        set cell [create_bd_cell -type ip -vlnv [trivit::release::ip $type $library] $name]
        if {$parameters ne ""} {
            set_property -dict $parameters $cell
        }
        return $cell
    }

    # A cell's pins of the clock, and those of a reset.
    proc clocks {args} {
        variable clocked
        lappend clocked {*}$args
    }
    proc resets {source args} {
        variable reset_by
        dict lappend reset_by $source {*}$args
    }

    proc pin {name} {
        return [trivit::release::one "pin $name" [get_bd_pins $name]]
    }
    proc port {name} {
        return [trivit::release::one "interface $name" [get_bd_intf_pins $name]]
    }
    proc net {source args} {
        set users {}
        foreach name $args {
            lappend users [pin $name]
        }
        connect_bd_net [pin $source] {*}$users
    }
    proc bus {master slave} {
        connect_bd_intf_net [port $master] [port $slave]
    }

    # Names of a PS port: its number among the slave ports, and how pins and segments spell it.
    proc ps_port {port} {
        set number [lsearch -exact {hpc0 hpc1 hp0 hp1 hp2 hp3} $port]
        set name [string toupper $port]
        return [dict create number $number interface S_AXI_${name}_FPD \
            clock saxi[string tolower $port]_fpd_aclk segments SAXIGP$number/${name}]
    }

    proc processor {} {
        set cell [ip ps zynq_ultra_ps_e {}]
        apply_bd_automation -rule xilinx.com:bd_rule:zynq_ultra_ps_e \
            -config {apply_board_preset 1} $cell
        set wanted {
            CONFIG.PSU__USE__M_AXI_GP0 1 CONFIG.PSU__USE__M_AXI_GP1 0 CONFIG.PSU__USE__M_AXI_GP2 0
            CONFIG.PSU__MAXIGP0__DATA_WIDTH 32
            CONFIG.PSU__USE__IRQ0 1 CONFIG.PSU__FPGA_PL0_ENABLE 1
        }
        lappend wanted CONFIG.PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ $trivit::board::clock_mhz
        foreach {master port} $trivit::board::memory {
            set number [dict get [ps_port $port] number]
            lappend wanted CONFIG.PSU__USE__S_AXI_GP$number 1
            lappend wanted CONFIG.PSU__SAXIGP${number}__DATA_WIDTH 128
            clocks ps/[dict get [ps_port $port] clock]
        }
        set_property -dict $wanted $cell
        clocks ps/maxihpm0_fpd_aclk
        set actual [get_property CONFIG.PSU__CRL_APB__PL0_REF_CTRL__ACT_FREQMHZ $cell]
        if {abs($actual - $trivit::board::clock_mhz) > 0.001 * $trivit::board::clock_mhz} {
            error "the PS makes $actual MHz of the PL clock, not $trivit::board::clock_mhz:\
                name one that it can divide in hls/kernel.yaml, timing: clock_mhz"
        }
        ip reset proc_sys_reset {}
        clocks reset/slowest_sync_clk
        net ps/pl_resetn0 reset/ext_reset_in
    }

    proc accelerator {} {
        create_bd_cell -type module -reference $trivit::board::module $trivit::board::cell
        clocks $trivit::board::cell/ap_clk
        resets reset/peripheral_aresetn $trivit::board::cell/ap_rst_n
        foreach block $trivit::streams::blocks {
            ip $block trivit_$block {} trivit:hls
            clocks $block/ap_clk
            resets $trivit::board::cell/blocks_rst_n $block/ap_rst_n
        }
    }

    # An AXI4-Stream FIFO in each channel. After an error the RTL resets blocks and channels alike.
    proc streams {} {
        foreach {name stream} $trivit::streams::streams {
            set fifo fifo_$name
            set depth 16
            while {$depth < [dict get $stream depth]} {
                set depth [expr {2 * $depth}]
            }
            ip $fifo axis_data_fifo [list CONFIG.TDATA_NUM_BYTES [dict get $stream bytes] \
                CONFIG.FIFO_DEPTH $depth CONFIG.FIFO_MEMORY_TYPE distributed]
            clocks $fifo/s_axis_aclk
            resets $trivit::board::cell/blocks_rst_n $fifo/s_axis_aresetn
            bus [stream_end $name [dict get $stream from]] $fifo/S_AXIS
            bus $fifo/M_AXIS [stream_end $name [dict get $stream to]]
        }
    }
    proc stream_end {name end} {
        if {$end eq "rtl"} {
            return $trivit::board::cell/$name
        }
        return [string map {. /} $end]
    }

    proc smartconnect {name slaves masters} {
        ip $name smartconnect [list CONFIG.NUM_SI $slaves CONFIG.NUM_MI $masters]
        clocks $name/aclk
        resets reset/peripheral_aresetn $name/aresetn
    }

    proc memory {} {
        foreach {master port} $trivit::board::memory {
            smartconnect smartconnect_$master 1 1
            bus $trivit::board::cell/m_axi_$master smartconnect_$master/S00_AXI
            bus smartconnect_$master/M00_AXI ps/[dict get [ps_port $port] interface]
        }
    }

    # Registers, and the interrupt through a controller: PYNQ finds interrupts by it.
    proc control {} {
        smartconnect smartconnect_control 1 2
        ip interrupts axi_intc {CONFIG.C_IRQ_CONNECTION 1}
        clocks interrupts/s_axi_aclk
        resets reset/peripheral_aresetn interrupts/s_axi_aresetn
        bus ps/M_AXI_HPM0_FPD smartconnect_control/S00_AXI
        bus smartconnect_control/M00_AXI $trivit::board::cell/s_axi_control
        bus smartconnect_control/M01_AXI interrupts/s_axi
        net $trivit::board::cell/interrupt interrupts/intr
        net interrupts/irq ps/pl_ps_irq0
    }

    # The processor's windows as the kernel description has them. The accelerator sees DDR alone, at
    # the addresses that the PS gives it: what lies there is not ours to choose.
    proc addresses {} {
        foreach {window cell interface} [list control $trivit::board::cell s_axi_control \
                interrupts interrupts s_axi] {
            assign_bd_address -offset [set trivit::board::${window}_address] \
                -range [set trivit::board::${window}_bytes] \
                -target_address_space [get_bd_addr_spaces ps/Data] \
                [trivit::release::address_segment $cell $interface] -force
        }
        foreach {master port} $trivit::board::memory {
            set space [trivit::release::address_space $trivit::board::cell m_axi_$master]
            set segments ps/[dict get [ps_port $port] segments]
            foreach segment [get_bd_addr_segs ${segments}_*] {
                if {[string match *_DDR_* $segment]} {
                    assign_bd_address -target_address_space $space $segment
                } else {
                    exclude_bd_addr_seg -target_address_space $space $segment
                }
            }
        }
    }

    proc create {name} {
        variable clocked
        variable reset_by
        create_bd_design $name
        processor
        accelerator
        streams
        memory
        control
        net ps/pl_clk0 {*}$clocked
        dict for {source users} $reset_by {
            net $source {*}$users
        }
        addresses
        validate_bd_design
        save_bd_design
    }
}
