// Generated from hls/kernel.yaml by `python -m trivit.tools.kernel`; do not edit.
// The block select by its C++ (hls/simulation/dpi): its ports move between two
// rising edges, when all registers stand still.
module trivit_select (
    input wire ap_clk,
    input wire ap_rst_n,
    input wire [255:0] commands_TDATA,
    input wire commands_TVALID,
    output wire commands_TREADY,
    input wire [127:0] cls_TDATA,
    input wire cls_TVALID,
    output wire cls_TREADY,
    output wire [7:0] kept_TDATA,
    output wire kept_TVALID,
    input wire kept_TREADY,
    output wire [127:0] lists_TDATA,
    output wire lists_TVALID,
    input wire lists_TREADY,
    output wire [63:0] reports_TDATA,
    output wire reports_TVALID,
    input wire reports_TREADY
);
  import "DPI-C" function void trivit_select_clock(
      input bit running,
      input bit [1:0] taken_valid, input bit [383:0] taken_data,
      output bit [1:0] taken_ready, input bit [2:0] given_ready,
      output bit [2:0] given_valid, output bit [223:0] given_data
  );
  bit [1:0] taken_ready;
  bit [2:0] given_valid;
  bit [223:0] given_data;
  assign {cls_TREADY, commands_TREADY} = taken_ready;
  assign {reports_TVALID, lists_TVALID, kept_TVALID} = given_valid;
  assign kept_TDATA = given_data[0+:8];
  assign lists_TDATA = given_data[32+:128];
  assign reports_TDATA = given_data[160+:64];
  always @(negedge ap_clk)
    trivit_select_clock(
        ap_rst_n, {cls_TVALID, commands_TVALID},
        {cls_TDATA, commands_TDATA}, taken_ready,
        {reports_TREADY, lists_TREADY, kept_TREADY}, given_valid, given_data);
endmodule
