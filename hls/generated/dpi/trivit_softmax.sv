// Generated from hls/kernel.yaml by `python -m trivit.tools.kernel`; do not edit.
// The block softmax by its C++ (hls/simulation/dpi): its ports move between two
// rising edges, when all registers stand still.
module trivit_softmax (
    input wire ap_clk,
    input wire ap_rst_n,
    input wire [255:0] commands_TDATA,
    input wire commands_TVALID,
    output wire commands_TREADY,
    input wire [511:0] scores_TDATA,
    input wire scores_TVALID,
    output wire scores_TREADY,
    output wire [255:0] results_TDATA,
    output wire results_TVALID,
    input wire results_TREADY,
    output wire [127:0] cls_TDATA,
    output wire cls_TVALID,
    input wire cls_TREADY,
    output wire [271:0] all_TDATA,
    output wire all_TVALID,
    input wire all_TREADY,
    input wire [31:0] open_TDATA,
    input wire open_TVALID,
    output wire open_TREADY,
    output wire [63:0] reports_TDATA,
    output wire reports_TVALID,
    input wire reports_TREADY
);
  import "DPI-C" function void trivit_softmax_clock(
      input bit running,
      input bit [2:0] taken_valid, input bit [799:0] taken_data,
      output bit [2:0] taken_ready, input bit [3:0] given_ready,
      output bit [3:0] given_valid, output bit [735:0] given_data
  );
  bit [2:0] taken_ready;
  bit [3:0] given_valid;
  bit [735:0] given_data;
  assign {open_TREADY, scores_TREADY, commands_TREADY} = taken_ready;
  assign {reports_TVALID, all_TVALID, cls_TVALID, results_TVALID} = given_valid;
  assign results_TDATA = given_data[0+:256];
  assign cls_TDATA = given_data[256+:128];
  assign all_TDATA = given_data[384+:272];
  assign reports_TDATA = given_data[672+:64];
  always @(negedge ap_clk)
    trivit_softmax_clock(
        ap_rst_n, {open_TVALID, scores_TVALID, commands_TVALID},
        {open_TDATA, scores_TDATA, commands_TDATA}, taken_ready,
        {reports_TREADY, all_TREADY, cls_TREADY, results_TREADY}, given_valid, given_data);
endmodule
