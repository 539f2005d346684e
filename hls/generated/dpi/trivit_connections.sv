// Generated from hls/kernel.yaml by `python -m trivit.tools.kernel`; do not edit.
// The block connections by its C++ (hls/simulation/dpi): its ports move between two
// rising edges, when all registers stand still.
module trivit_connections (
    input wire ap_clk,
    input wire ap_rst_n,
    input wire [255:0] commands_TDATA,
    input wire commands_TVALID,
    output wire commands_TREADY,
    input wire [271:0] all_TDATA,
    input wire all_TVALID,
    output wire all_TREADY,
    output wire [31:0] open_TDATA,
    output wire open_TVALID,
    input wire open_TREADY,
    input wire [7:0] kept_TDATA,
    input wire kept_TVALID,
    output wire kept_TREADY,
    output wire [63:0] reports_TDATA,
    output wire reports_TVALID,
    input wire reports_TREADY
);
  import "DPI-C" function void trivit_connections_clock(
      input bit running,
      input bit [2:0] taken_valid, input bit [575:0] taken_data,
      output bit [2:0] taken_ready, input bit [1:0] given_ready,
      output bit [1:0] given_valid, output bit [95:0] given_data
  );
  bit [2:0] taken_ready;
  bit [1:0] given_valid;
  bit [95:0] given_data;
  assign {kept_TREADY, all_TREADY, commands_TREADY} = taken_ready;
  assign {reports_TVALID, open_TVALID} = given_valid;
  assign open_TDATA = given_data[0+:32];
  assign reports_TDATA = given_data[32+:64];
  always @(negedge ap_clk)
    trivit_connections_clock(
        ap_rst_n, {kept_TVALID, all_TVALID, commands_TVALID},
        {{24'b0, kept_TDATA}, {16'b0, all_TDATA}, commands_TDATA}, taken_ready,
        {reports_TREADY, open_TREADY}, given_valid, given_data);
endmodule
