// The accelerator as a block design sees it: AXI4-Lite control, five AXI4 memory ports, an interrupt.
// Port names are those that Vitis HLS gives the kernel; the compiled C++ kernel runs behind them.

`define TRIVIT_AXI_PORTS(P) \
    output logic         m_axi_``P``_AWVALID, \
    input  logic         m_axi_``P``_AWREADY, \
    output logic [63:0]  m_axi_``P``_AWADDR, \
    output logic [0:0]   m_axi_``P``_AWID, \
    output logic [7:0]   m_axi_``P``_AWLEN, \
    output logic [2:0]   m_axi_``P``_AWSIZE, \
    output logic [1:0]   m_axi_``P``_AWBURST, \
    output logic [0:0]   m_axi_``P``_AWLOCK, \
    output logic [3:0]   m_axi_``P``_AWCACHE, \
    output logic [2:0]   m_axi_``P``_AWPROT, \
    output logic [3:0]   m_axi_``P``_AWQOS, \
    output logic [3:0]   m_axi_``P``_AWREGION, \
    output logic         m_axi_``P``_WVALID, \
    input  logic         m_axi_``P``_WREADY, \
    output logic [127:0] m_axi_``P``_WDATA, \
    output logic [15:0]  m_axi_``P``_WSTRB, \
    output logic         m_axi_``P``_WLAST, \
    input  logic         m_axi_``P``_BVALID, \
    output logic         m_axi_``P``_BREADY, \
    input  logic [1:0]   m_axi_``P``_BRESP, \
    input  logic [0:0]   m_axi_``P``_BID, \
    output logic         m_axi_``P``_ARVALID, \
    input  logic         m_axi_``P``_ARREADY, \
    output logic [63:0]  m_axi_``P``_ARADDR, \
    output logic [0:0]   m_axi_``P``_ARID, \
    output logic [7:0]   m_axi_``P``_ARLEN, \
    output logic [2:0]   m_axi_``P``_ARSIZE, \
    output logic [1:0]   m_axi_``P``_ARBURST, \
    output logic [0:0]   m_axi_``P``_ARLOCK, \
    output logic [3:0]   m_axi_``P``_ARCACHE, \
    output logic [2:0]   m_axi_``P``_ARPROT, \
    output logic [3:0]   m_axi_``P``_ARQOS, \
    output logic [3:0]   m_axi_``P``_ARREGION, \
    input  logic         m_axi_``P``_RVALID, \
    output logic         m_axi_``P``_RREADY, \
    input  logic [127:0] m_axi_``P``_RDATA, \
    input  logic         m_axi_``P``_RLAST, \
    input  logic [0:0]   m_axi_``P``_RID, \
    input  logic [1:0]   m_axi_``P``_RRESP

// One port: its master, the constant signals and its checker.
`define TRIVIT_AXI_MASTER(P, I, OUTSTANDING) \
  axi_master #(.DATA_BYTES(16), .MAX_BURST(MAX_BURST), .MAX_OUTSTANDING(OUTSTANDING)) P ( \
      .clk(ap_clk), .reset(reset), \
      .request_valid(request_valid[I]), .request_write(request_write), \
      .request_address(request_address), .request_beats(request_beats), \
      .request_ready(request_ready[I]), .done(done[I]), .error(error[I]), \
      .read_valid(read_valid[I]), .read_data(read_data[I]), \
      .write_valid(write_valid), .write_data(write_data), .write_ready(write_ready[I]), \
      .awvalid(m_axi_``P``_AWVALID), .awready(m_axi_``P``_AWREADY), \
      .awaddr(m_axi_``P``_AWADDR), .awlen(m_axi_``P``_AWLEN), \
      .wvalid(m_axi_``P``_WVALID), .wready(m_axi_``P``_WREADY), \
      .wdata(m_axi_``P``_WDATA), .wlast(m_axi_``P``_WLAST), \
      .bvalid(m_axi_``P``_BVALID), .bready(m_axi_``P``_BREADY), .bresp(m_axi_``P``_BRESP), \
      .arvalid(m_axi_``P``_ARVALID), .arready(m_axi_``P``_ARREADY), \
      .araddr(m_axi_``P``_ARADDR), .arlen(m_axi_``P``_ARLEN), \
      .rvalid(m_axi_``P``_RVALID), .rready(m_axi_``P``_RREADY), .rdata(m_axi_``P``_RDATA), \
      .rresp(m_axi_``P``_RRESP), .rlast(m_axi_``P``_RLAST)); \
  assign m_axi_``P``_AWID = '0; \
  assign m_axi_``P``_AWSIZE = 3'd4; \
  assign m_axi_``P``_AWBURST = 2'b01; \
  assign m_axi_``P``_AWLOCK = '0; \
  assign m_axi_``P``_AWCACHE = 4'b0011; \
  assign m_axi_``P``_AWPROT = '0; \
  assign m_axi_``P``_AWQOS = '0; \
  assign m_axi_``P``_AWREGION = '0; \
  assign m_axi_``P``_WSTRB = '1; \
  assign m_axi_``P``_ARID = '0; \
  assign m_axi_``P``_ARSIZE = 3'd4; \
  assign m_axi_``P``_ARBURST = 2'b01; \
  assign m_axi_``P``_ARLOCK = '0; \
  assign m_axi_``P``_ARCACHE = 4'b0011; \
  assign m_axi_``P``_ARPROT = '0; \
  assign m_axi_``P``_ARQOS = '0; \
  assign m_axi_``P``_ARREGION = '0; \
  axi_checker #(.DATA_BYTES(16), .MAX_BURST(MAX_BURST)) check_``P ( \
      .clk(ap_clk), .reset(reset), \
      .awvalid(m_axi_``P``_AWVALID), .awready(m_axi_``P``_AWREADY), \
      .awaddr(m_axi_``P``_AWADDR), .awlen(m_axi_``P``_AWLEN), .awsize(m_axi_``P``_AWSIZE), \
      .awburst(m_axi_``P``_AWBURST), \
      .wvalid(m_axi_``P``_WVALID), .wready(m_axi_``P``_WREADY), \
      .wdata(m_axi_``P``_WDATA), .wstrb(m_axi_``P``_WSTRB), .wlast(m_axi_``P``_WLAST), \
      .bvalid(m_axi_``P``_BVALID), .bready(m_axi_``P``_BREADY), \
      .arvalid(m_axi_``P``_ARVALID), .arready(m_axi_``P``_ARREADY), \
      .araddr(m_axi_``P``_ARADDR), .arlen(m_axi_``P``_ARLEN), .arsize(m_axi_``P``_ARSIZE), \
      .arburst(m_axi_``P``_ARBURST), \
      .rvalid(m_axi_``P``_RVALID), .rready(m_axi_``P``_RREADY), .rlast(m_axi_``P``_RLAST));

module trivit_kernel #(
    parameter int C_S_AXI_CONTROL_ADDR_WIDTH = 8,
    parameter int MAX_BURST = 64  // beats: max_read_burst_length and max_write_burst_length
) (
    input  logic                                  ap_clk,
    input  logic                                  ap_rst_n,
    output logic                                  interrupt,

    input  logic                                  s_axi_control_AWVALID,
    output logic                                  s_axi_control_AWREADY,
    input  logic [C_S_AXI_CONTROL_ADDR_WIDTH-1:0] s_axi_control_AWADDR,
    input  logic                                  s_axi_control_WVALID,
    output logic                                  s_axi_control_WREADY,
    input  logic [31:0]                           s_axi_control_WDATA,
    input  logic [3:0]                            s_axi_control_WSTRB,
    output logic                                  s_axi_control_BVALID,
    input  logic                                  s_axi_control_BREADY,
    output logic [1:0]                            s_axi_control_BRESP,
    input  logic                                  s_axi_control_ARVALID,
    output logic                                  s_axi_control_ARREADY,
    input  logic [C_S_AXI_CONTROL_ADDR_WIDTH-1:0] s_axi_control_ARADDR,
    output logic                                  s_axi_control_RVALID,
    input  logic                                  s_axi_control_RREADY,
    output logic [31:0]                           s_axi_control_RDATA,
    output logic [1:0]                            s_axi_control_RRESP,

    `TRIVIT_AXI_PORTS(gmem0),
    `TRIVIT_AXI_PORTS(gmem1),
    `TRIVIT_AXI_PORTS(gmem2),
    `TRIVIT_AXI_PORTS(gmem3),
    `TRIVIT_AXI_PORTS(gmem4)
);
  localparam int NUM_PORTS = 5;

  logic reset;
  logic ap_start, ap_done, ap_ready, ap_idle;
  logic [31:0] ap_return;
  logic [63:0] program_pointer, output_pointer, stats_pointer;
  logic [63:0] params_pointer0, params_pointer1, params_pointer2, params_pointer3;
  logic [63:0] input_pointer0, input_pointer1, input_pointer2, input_pointer3;
  logic [31:0] num_instructions, num_images, params_words, input_words, output_words;

  logic [NUM_PORTS-1:0] request_valid, request_ready, done, error, read_valid, write_ready;
  logic request_write, write_valid;
  logic [63:0] request_address;
  logic [31:0] request_beats;
  logic [127:0] read_data[NUM_PORTS];
  logic [127:0] write_data;

  always_ff @(posedge ap_clk) reset <= !ap_rst_n;

  control_s_axi #(.ADDR_WIDTH(C_S_AXI_CONTROL_ADDR_WIDTH)) control (
      .clk(ap_clk),
      .awaddr(s_axi_control_AWADDR), .awvalid(s_axi_control_AWVALID),
      .awready(s_axi_control_AWREADY), .wdata(s_axi_control_WDATA),
      .wstrb(s_axi_control_WSTRB), .wvalid(s_axi_control_WVALID),
      .wready(s_axi_control_WREADY), .bresp(s_axi_control_BRESP),
      .bvalid(s_axi_control_BVALID), .bready(s_axi_control_BREADY),
      .araddr(s_axi_control_ARADDR), .arvalid(s_axi_control_ARVALID),
      .arready(s_axi_control_ARREADY), .rdata(s_axi_control_RDATA),
      .rresp(s_axi_control_RRESP), .rvalid(s_axi_control_RVALID),
      .rready(s_axi_control_RREADY),
      .*
  );

  kernel_bridge #(.NUM_PORTS(NUM_PORTS)) bridge (.clk(ap_clk), .*);

  // Bursts in flight as the kernel's interface pragmas ask for them.
  `TRIVIT_AXI_MASTER(gmem0, 0, 4)
  `TRIVIT_AXI_MASTER(gmem1, 1, 16)
  `TRIVIT_AXI_MASTER(gmem2, 2, 16)
  `TRIVIT_AXI_MASTER(gmem3, 3, 16)
  `TRIVIT_AXI_MASTER(gmem4, 4, 16)
endmodule
