// The rules of AXI4 at every port of the top, watched by the bench of the simulated kernel.
`define WATCH(port) \
  bind trivit_top axi_checker #(.DATA_BYTES(16), .MAX_BURST(16), .DATA_FIRST(1'b1)) check_``port ( \
      .clk(ap_clk), .reset(!ap_rst_n), \
      .awvalid(m_axi_``port``_AWVALID), .awready(m_axi_``port``_AWREADY), \
      .awaddr(m_axi_``port``_AWADDR), .awlen(m_axi_``port``_AWLEN), \
      .awsize(m_axi_``port``_AWSIZE), .awburst(m_axi_``port``_AWBURST), \
      .wvalid(m_axi_``port``_WVALID), .wready(m_axi_``port``_WREADY), \
      .wdata(m_axi_``port``_WDATA), .wstrb(m_axi_``port``_WSTRB), .wlast(m_axi_``port``_WLAST), \
      .bvalid(m_axi_``port``_BVALID), .bready(m_axi_``port``_BREADY), \
      .arvalid(m_axi_``port``_ARVALID), .arready(m_axi_``port``_ARREADY), \
      .araddr(m_axi_``port``_ARADDR), .arlen(m_axi_``port``_ARLEN), \
      .arsize(m_axi_``port``_ARSIZE), .arburst(m_axi_``port``_ARBURST), \
      .rvalid(m_axi_``port``_RVALID), .rready(m_axi_``port``_RREADY), \
      .rlast(m_axi_``port``_RLAST));
`WATCH(gmem0)
`WATCH(gmem1)
`WATCH(gmem2)
`WATCH(gmem3)
`WATCH(gmem4)
