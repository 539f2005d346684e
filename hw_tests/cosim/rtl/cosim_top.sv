// The complete accelerator with a memory: what a host sees of it, and a watcher at each AXI4 port.
`define MASTER(g) \
      .m_axi_gmem``g``_ARADDR(araddr[g]), .m_axi_gmem``g``_ARLEN(arlen[g]), \
      .m_axi_gmem``g``_ARSIZE(arsize[g]), .m_axi_gmem``g``_ARBURST(arburst[g]), \
      .m_axi_gmem``g``_ARID(), .m_axi_gmem``g``_ARLOCK(), .m_axi_gmem``g``_ARCACHE(), \
      .m_axi_gmem``g``_ARPROT(), .m_axi_gmem``g``_ARQOS(), .m_axi_gmem``g``_ARREGION(), \
      .m_axi_gmem``g``_ARVALID(arvalid[g]), .m_axi_gmem``g``_ARREADY(arready[g]), \
      .m_axi_gmem``g``_AWADDR(awaddr[g]), .m_axi_gmem``g``_AWLEN(awlen[g]), \
      .m_axi_gmem``g``_AWSIZE(awsize[g]), .m_axi_gmem``g``_AWBURST(awburst[g]), \
      .m_axi_gmem``g``_AWID(), .m_axi_gmem``g``_AWLOCK(), .m_axi_gmem``g``_AWCACHE(), \
      .m_axi_gmem``g``_AWPROT(), .m_axi_gmem``g``_AWQOS(), .m_axi_gmem``g``_AWREGION(), \
      .m_axi_gmem``g``_AWVALID(awvalid[g]), .m_axi_gmem``g``_AWREADY(awready[g]), \
      .m_axi_gmem``g``_RID(1'b0), .m_axi_gmem``g``_RDATA(rdata[g]), \
      .m_axi_gmem``g``_RRESP(rresp[g]), .m_axi_gmem``g``_RLAST(rlast[g]), \
      .m_axi_gmem``g``_RVALID(rvalid[g]), .m_axi_gmem``g``_RREADY(rready[g]), \
      .m_axi_gmem``g``_WDATA(wdata[g]), .m_axi_gmem``g``_WSTRB(wstrb[g]), \
      .m_axi_gmem``g``_WLAST(wlast[g]), .m_axi_gmem``g``_WVALID(wvalid[g]), \
      .m_axi_gmem``g``_WREADY(wready[g]), .m_axi_gmem``g``_BID(1'b0), \
      .m_axi_gmem``g``_BRESP(bresp[g]), .m_axi_gmem``g``_BVALID(bvalid[g]), \
      .m_axi_gmem``g``_BREADY(bready[g])

`define WATCH(g) \
  axi_checker #(.DATA_BYTES(16), .MAX_BURST(16), .DATA_FIRST(1'b1)) check_gmem``g`` ( \
      .clk(ap_clk), .reset(!ap_rst_n), \
      .awvalid(awvalid[g]), .awready(awready[g]), .awaddr(awaddr[g]), .awlen(awlen[g]), \
      .awsize(awsize[g]), .awburst(awburst[g]), .wvalid(wvalid[g]), .wready(wready[g]), \
      .wdata(wdata[g]), .wstrb(wstrb[g]), .wlast(wlast[g]), .bvalid(bvalid[g]), \
      .bready(bready[g]), .arvalid(arvalid[g]), .arready(arready[g]), .araddr(araddr[g]), \
      .arlen(arlen[g]), .arsize(arsize[g]), .arburst(arburst[g]), .rvalid(rvalid[g]), \
      .rready(rready[g]), .rlast(rlast[g]));

module cosim_top (
    input  logic        ap_clk,
    input  logic        ap_rst_n,
    output logic        interrupt,
    input  logic [11:0] s_axi_control_AWADDR,
    input  logic        s_axi_control_AWVALID,
    output logic        s_axi_control_AWREADY,
    input  logic [31:0] s_axi_control_WDATA,
    input  logic [ 3:0] s_axi_control_WSTRB,
    input  logic        s_axi_control_WVALID,
    output logic        s_axi_control_WREADY,
    output logic [ 1:0] s_axi_control_BRESP,
    output logic        s_axi_control_BVALID,
    input  logic        s_axi_control_BREADY,
    input  logic [11:0] s_axi_control_ARADDR,
    input  logic        s_axi_control_ARVALID,
    output logic        s_axi_control_ARREADY,
    output logic [31:0] s_axi_control_RDATA,
    output logic [ 1:0] s_axi_control_RRESP,
    output logic        s_axi_control_RVALID,
    input  logic        s_axi_control_RREADY
);
  localparam int PORTS = 5;

  logic [PORTS-1:0][63:0] araddr, awaddr;
  logic [PORTS-1:0][7:0] arlen, awlen;
  logic [PORTS-1:0][2:0] arsize, awsize;
  logic [PORTS-1:0][1:0] arburst, awburst, rresp, bresp;
  logic [PORTS-1:0][127:0] rdata, wdata;
  logic [PORTS-1:0][15:0] wstrb;
  logic [PORTS-1:0] arvalid, arready, rlast, rvalid, rready, awvalid, awready;
  logic [PORTS-1:0] wlast, wvalid, wready, bvalid, bready;

  trivit_system system (
      .ap_clk, .ap_rst_n, .interrupt,
      .s_axi_control_AWADDR, .s_axi_control_AWVALID, .s_axi_control_AWREADY,
      .s_axi_control_WDATA, .s_axi_control_WSTRB, .s_axi_control_WVALID, .s_axi_control_WREADY,
      .s_axi_control_BRESP, .s_axi_control_BVALID, .s_axi_control_BREADY,
      .s_axi_control_ARADDR, .s_axi_control_ARVALID, .s_axi_control_ARREADY,
      .s_axi_control_RDATA, .s_axi_control_RRESP, .s_axi_control_RVALID, .s_axi_control_RREADY,
      `MASTER(0), `MASTER(1), `MASTER(2), `MASTER(3), `MASTER(4)
  );

  ddr_memory #(
      .PORTS(PORTS)
  ) memory (
      .clk(ap_clk), .resetn(ap_rst_n), .araddr, .arlen, .arvalid, .arready, .rdata, .rresp, .rlast,
      .rvalid, .rready, .awaddr, .awlen, .awvalid, .awready, .wdata, .wlast, .wvalid, .wready,
      .bresp, .bvalid, .bready
  );

  `WATCH(0)
  `WATCH(1)
  `WATCH(2)
  `WATCH(3)
  `WATCH(4)
endmodule
