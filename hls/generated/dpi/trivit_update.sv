// Generated from hls/kernel.yaml by `python -m trivit.tools.kernel`; do not edit.
// The block update by its C++ (hls/simulation/dpi): its ports move between two
// rising edges, when all registers stand still.
module trivit_update (
    input wire ap_clk,
    input wire ap_rst_n,
    input wire [255:0] commands_TDATA,
    input wire commands_TVALID,
    output wire commands_TREADY,
    input wire [127:0] words0_TDATA,
    input wire words0_TVALID,
    output wire words0_TREADY,
    input wire [127:0] words1_TDATA,
    input wire words1_TVALID,
    output wire words1_TREADY,
    input wire [127:0] words2_TDATA,
    input wire words2_TVALID,
    output wire words2_TREADY,
    input wire [127:0] words3_TDATA,
    input wire words3_TVALID,
    output wire words3_TREADY,
    output wire [127:0] results0_TDATA,
    output wire results0_TVALID,
    input wire results0_TREADY,
    output wire [127:0] results1_TDATA,
    output wire results1_TVALID,
    input wire results1_TREADY,
    output wire [127:0] results2_TDATA,
    output wire results2_TVALID,
    input wire results2_TREADY,
    output wire [127:0] results3_TDATA,
    output wire results3_TVALID,
    input wire results3_TREADY,
    output wire [63:0] reports_TDATA,
    output wire reports_TVALID,
    input wire reports_TREADY
);
  import "DPI-C" function void trivit_update_clock(
      input bit running,
      input bit [4:0] taken_valid, input bit [767:0] taken_data,
      output bit [4:0] taken_ready, input bit [4:0] given_ready,
      output bit [4:0] given_valid, output bit [575:0] given_data
  );
  bit [4:0] taken_ready;
  bit [4:0] given_valid;
  bit [575:0] given_data;
  assign {words3_TREADY, words2_TREADY, words1_TREADY, words0_TREADY, commands_TREADY} = taken_ready;
  assign {reports_TVALID, results3_TVALID, results2_TVALID, results1_TVALID, results0_TVALID} = given_valid;
  assign results0_TDATA = given_data[0+:128];
  assign results1_TDATA = given_data[128+:128];
  assign results2_TDATA = given_data[256+:128];
  assign results3_TDATA = given_data[384+:128];
  assign reports_TDATA = given_data[512+:64];
  always @(negedge ap_clk)
    trivit_update_clock(
        ap_rst_n, {words3_TVALID, words2_TVALID, words1_TVALID, words0_TVALID, commands_TVALID},
        {words3_TDATA, words2_TDATA, words1_TDATA, words0_TDATA, commands_TDATA}, taken_ready,
        {reports_TREADY, results3_TREADY, results2_TREADY, results1_TREADY, results0_TREADY}, given_valid, given_data);
endmodule
