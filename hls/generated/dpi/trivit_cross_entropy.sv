// Generated from hls/kernel.yaml by `python -m trivit.tools.kernel`; do not edit.
// The block cross_entropy by its C++ (hls/simulation/dpi): its ports move between two
// rising edges, when all registers stand still.
module trivit_cross_entropy (
    input wire ap_clk,
    input wire ap_rst_n,
    input wire [255:0] commands_TDATA,
    input wire commands_TVALID,
    output wire commands_TREADY,
    input wire [511:0] logits_TDATA,
    input wire logits_TVALID,
    output wire logits_TREADY,
    input wire [511:0] targets_TDATA,
    input wire targets_TVALID,
    output wire targets_TREADY,
    output wire [511:0] results_TDATA,
    output wire results_TVALID,
    input wire results_TREADY,
    output wire [63:0] reports_TDATA,
    output wire reports_TVALID,
    input wire reports_TREADY
);
  import "DPI-C" function void trivit_cross_entropy_clock(
      input bit running,
      input bit [2:0] taken_valid, input bit [1279:0] taken_data,
      output bit [2:0] taken_ready, input bit [1:0] given_ready,
      output bit [1:0] given_valid, output bit [575:0] given_data
  );
  bit [2:0] taken_ready;
  bit [1:0] given_valid;
  bit [575:0] given_data;
  assign {targets_TREADY, logits_TREADY, commands_TREADY} = taken_ready;
  assign {reports_TVALID, results_TVALID} = given_valid;
  assign results_TDATA = given_data[0+:512];
  assign reports_TDATA = given_data[512+:64];
  always @(negedge ap_clk)
    trivit_cross_entropy_clock(
        ap_rst_n, {targets_TVALID, logits_TVALID, commands_TVALID},
        {targets_TDATA, logits_TDATA, commands_TDATA}, taken_ready,
        {reports_TREADY, results_TREADY}, given_valid, given_data);
endmodule
