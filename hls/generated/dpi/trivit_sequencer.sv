// Generated from hls/kernel.yaml by `python -m trivit.tools.kernel`; do not edit.
// The block sequencer by its C++ (hls/simulation/dpi): its ports move between two
// rising edges, when all registers stand still.
module trivit_sequencer (
    input wire ap_clk,
    input wire ap_rst_n,
    input wire [255:0] jobs_TDATA,
    input wire jobs_TVALID,
    output wire jobs_TREADY,
    input wire [255:0] descriptors_TDATA,
    input wire descriptors_TVALID,
    output wire descriptors_TREADY,
    output wire [23:0] program_end_TDATA,
    output wire program_end_TVALID,
    input wire program_end_TREADY,
    output wire [255:0] engine_TDATA,
    output wire engine_TVALID,
    input wire engine_TREADY,
    output wire [255:0] row_writer_TDATA,
    output wire row_writer_TVALID,
    input wire row_writer_TREADY,
    output wire [255:0] softmax_writer_TDATA,
    output wire softmax_writer_TVALID,
    input wire softmax_writer_TREADY,
    output wire [255:0] norm_writer_TDATA,
    output wire norm_writer_TVALID,
    input wire norm_writer_TREADY,
    output wire [255:0] row_reader_TDATA,
    output wire row_reader_TVALID,
    input wire row_reader_TREADY,
    output wire [255:0] load_TDATA,
    output wire load_TVALID,
    input wire load_TREADY,
    output wire [255:0] store_TDATA,
    output wire store_TVALID,
    input wire store_TREADY,
    output wire [255:0] gelu_TDATA,
    output wire gelu_TVALID,
    input wire gelu_TREADY,
    output wire [255:0] softmax_TDATA,
    output wire softmax_TVALID,
    input wire softmax_TREADY,
    output wire [255:0] normalise_TDATA,
    output wire normalise_TVALID,
    input wire normalise_TREADY,
    output wire [255:0] select_TDATA,
    output wire select_TVALID,
    input wire select_TREADY,
    output wire [255:0] connections_TDATA,
    output wire connections_TVALID,
    input wire connections_TREADY,
    output wire [255:0] training_TDATA,
    output wire training_TVALID,
    input wire training_TREADY,
    output wire [127:0] weights0_TDATA,
    output wire weights0_TVALID,
    input wire weights0_TREADY,
    output wire [127:0] weights1_TDATA,
    output wire weights1_TVALID,
    input wire weights1_TREADY,
    output wire [127:0] weights2_TDATA,
    output wire weights2_TVALID,
    input wire weights2_TREADY,
    output wire [127:0] weights3_TDATA,
    output wire weights3_TVALID,
    input wire weights3_TREADY,
    output wire [127:0] rows0_TDATA,
    output wire rows0_TVALID,
    input wire rows0_TREADY,
    output wire [127:0] rows1_TDATA,
    output wire rows1_TVALID,
    input wire rows1_TREADY,
    output wire [127:0] rows2_TDATA,
    output wire rows2_TVALID,
    input wire rows2_TREADY,
    output wire [127:0] rows3_TDATA,
    output wire rows3_TVALID,
    input wire rows3_TREADY,
    output wire [127:0] stores0_TDATA,
    output wire stores0_TVALID,
    input wire stores0_TREADY,
    output wire [127:0] stores1_TDATA,
    output wire stores1_TVALID,
    input wire stores1_TREADY,
    output wire [127:0] stores2_TDATA,
    output wire stores2_TVALID,
    input wire stores2_TREADY,
    output wire [127:0] stores3_TDATA,
    output wire stores3_TVALID,
    input wire stores3_TREADY
);
  import "DPI-C" function void trivit_sequencer_clock(
      input bit running,
      input bit [1:0] taken_valid, input bit [511:0] taken_data,
      output bit [1:0] taken_ready, input bit [25:0] given_ready,
      output bit [25:0] given_valid, output bit [4895:0] given_data
  );
  bit [1:0] taken_ready;
  bit [25:0] given_valid;
  bit [4895:0] given_data;
  assign {descriptors_TREADY, jobs_TREADY} = taken_ready;
  assign {stores3_TVALID, stores2_TVALID, stores1_TVALID, stores0_TVALID, rows3_TVALID, rows2_TVALID, rows1_TVALID, rows0_TVALID, weights3_TVALID, weights2_TVALID, weights1_TVALID, weights0_TVALID, training_TVALID, connections_TVALID, select_TVALID, normalise_TVALID, softmax_TVALID, gelu_TVALID, store_TVALID, load_TVALID, row_reader_TVALID, norm_writer_TVALID, softmax_writer_TVALID, row_writer_TVALID, engine_TVALID, program_end_TVALID} = given_valid;
  assign program_end_TDATA = given_data[0+:24];
  assign engine_TDATA = given_data[32+:256];
  assign row_writer_TDATA = given_data[288+:256];
  assign softmax_writer_TDATA = given_data[544+:256];
  assign norm_writer_TDATA = given_data[800+:256];
  assign row_reader_TDATA = given_data[1056+:256];
  assign load_TDATA = given_data[1312+:256];
  assign store_TDATA = given_data[1568+:256];
  assign gelu_TDATA = given_data[1824+:256];
  assign softmax_TDATA = given_data[2080+:256];
  assign normalise_TDATA = given_data[2336+:256];
  assign select_TDATA = given_data[2592+:256];
  assign connections_TDATA = given_data[2848+:256];
  assign training_TDATA = given_data[3104+:256];
  assign weights0_TDATA = given_data[3360+:128];
  assign weights1_TDATA = given_data[3488+:128];
  assign weights2_TDATA = given_data[3616+:128];
  assign weights3_TDATA = given_data[3744+:128];
  assign rows0_TDATA = given_data[3872+:128];
  assign rows1_TDATA = given_data[4000+:128];
  assign rows2_TDATA = given_data[4128+:128];
  assign rows3_TDATA = given_data[4256+:128];
  assign stores0_TDATA = given_data[4384+:128];
  assign stores1_TDATA = given_data[4512+:128];
  assign stores2_TDATA = given_data[4640+:128];
  assign stores3_TDATA = given_data[4768+:128];
  always @(negedge ap_clk)
    trivit_sequencer_clock(
        ap_rst_n, {descriptors_TVALID, jobs_TVALID},
        {descriptors_TDATA, jobs_TDATA}, taken_ready,
        {stores3_TREADY, stores2_TREADY, stores1_TREADY, stores0_TREADY, rows3_TREADY, rows2_TREADY, rows1_TREADY, rows0_TREADY, weights3_TREADY, weights2_TREADY, weights1_TREADY, weights0_TREADY, training_TREADY, connections_TREADY, select_TREADY, normalise_TREADY, softmax_TREADY, gelu_TREADY, store_TREADY, load_TREADY, row_reader_TREADY, norm_writer_TREADY, softmax_writer_TREADY, row_writer_TREADY, engine_TREADY, program_end_TREADY}, given_valid, given_data);
endmodule
