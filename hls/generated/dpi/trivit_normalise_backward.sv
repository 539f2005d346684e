// Generated from hls/kernel.yaml by `python -m trivit.tools.kernel`; do not edit.
// The block normalise_backward by its C++ (hls/simulation/dpi): its ports move between two
// rising edges, when all registers stand still.
module trivit_normalise_backward (
    input wire ap_clk,
    input wire ap_rst_n,
    input wire [255:0] commands_TDATA,
    input wire commands_TVALID,
    output wire commands_TREADY,
    input wire [255:0] rows_TDATA,
    input wire rows_TVALID,
    output wire rows_TREADY,
    input wire [255:0] vectors_TDATA,
    input wire vectors_TVALID,
    output wire vectors_TREADY,
    output wire [255:0] results_TDATA,
    output wire results_TVALID,
    input wire results_TREADY,
    output wire [63:0] reports_TDATA,
    output wire reports_TVALID,
    input wire reports_TREADY
);
  import "DPI-C" function void trivit_normalise_backward_clock(
      input bit running,
      input bit [2:0] taken_valid, input bit [767:0] taken_data,
      output bit [2:0] taken_ready, input bit [1:0] given_ready,
      output bit [1:0] given_valid, output bit [319:0] given_data
  );
  bit [2:0] taken_ready;
  bit [1:0] given_valid;
  bit [319:0] given_data;
  assign {vectors_TREADY, rows_TREADY, commands_TREADY} = taken_ready;
  assign {reports_TVALID, results_TVALID} = given_valid;
  assign results_TDATA = given_data[0+:256];
  assign reports_TDATA = given_data[256+:64];
  always @(negedge ap_clk)
    trivit_normalise_backward_clock(
        ap_rst_n, {vectors_TVALID, rows_TVALID, commands_TVALID},
        {vectors_TDATA, rows_TDATA, commands_TDATA}, taken_ready,
        {reports_TREADY, results_TREADY}, given_valid, given_data);
endmodule
