// A DDR memory behind the five AXI4 ports of trivit_system, by the C++ of hls/simulation/ddr.cpp:
// one call a clock. What it does in a clock follows from what the ports showed in the one before.
module ddr_memory #(
    parameter int PORTS = 5
) (
    input  logic                 clk,
    input  logic                 resetn,
    input  logic [PORTS*64-1:0]  araddr,
    input  logic [PORTS*8-1:0]   arlen,
    input  logic [PORTS-1:0]     arvalid,
    output logic [PORTS-1:0]     arready,
    output logic [PORTS*128-1:0] rdata,
    output logic [PORTS*2-1:0]   rresp,
    output logic [PORTS-1:0]     rlast,
    output logic [PORTS-1:0]     rvalid,
    input  logic [PORTS-1:0]     rready,
    input  logic [PORTS*64-1:0]  awaddr,
    input  logic [PORTS*8-1:0]   awlen,
    input  logic [PORTS-1:0]     awvalid,
    output logic [PORTS-1:0]     awready,
    input  logic [PORTS*128-1:0] wdata,
    input  logic [PORTS-1:0]     wlast,
    input  logic [PORTS-1:0]     wvalid,
    output logic [PORTS-1:0]     wready,
    output logic [PORTS*2-1:0]   bresp,
    output logic [PORTS-1:0]     bvalid,
    input  logic [PORTS-1:0]     bready
);
  import "DPI-C" function void trivit_memory_clock(
      input bit running,
      input bit [PORTS*64-1:0] araddr, input bit [PORTS*8-1:0] arlen,
      input bit [PORTS*64-1:0] awaddr, input bit [PORTS*8-1:0] awlen,
      input bit [PORTS*128-1:0] wdata, input bit [PORTS-1:0] wlast,
      input bit [PORTS-1:0] arvalid, input bit [PORTS-1:0] awvalid, input bit [PORTS-1:0] wvalid,
      input bit [PORTS-1:0] rready, input bit [PORTS-1:0] bready,
      output bit [PORTS-1:0] arready, output bit [PORTS-1:0] awready, output bit [PORTS-1:0] wready,
      output bit [PORTS*128-1:0] rdata, output bit [PORTS*2-1:0] rresp,
      output bit [PORTS-1:0] rlast, output bit [PORTS-1:0] rvalid,
      output bit [PORTS*2-1:0] bresp, output bit [PORTS-1:0] bvalid
  );
  bit [PORTS-1:0] next_arready, next_awready, next_wready, next_rlast, next_rvalid, next_bvalid;
  bit [PORTS*128-1:0] next_rdata;
  bit [PORTS*2-1:0] next_rresp, next_bresp;

  always @(posedge clk) begin
    trivit_memory_clock(
        resetn, araddr, arlen, awaddr, awlen, wdata, wlast, arvalid, awvalid, wvalid, rready, bready,
        next_arready, next_awready, next_wready, next_rdata, next_rresp, next_rlast, next_rvalid,
        next_bresp, next_bvalid);
    arready <= next_arready;
    awready <= next_awready;
    wready  <= next_wready;
    rdata   <= next_rdata;
    rresp   <= next_rresp;
    rlast   <= next_rlast;
    rvalid  <= next_rvalid;
    bresp   <= next_bresp;
    bvalid  <= next_bvalid;
  end
endmodule
