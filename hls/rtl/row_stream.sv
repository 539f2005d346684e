// The result's rows for the blocks behind: OUTPUTS values a word, one row after the other, each with
// whom it is for, `last` with a product's last row. Room for a row group is taken when its first depth word is issued, so
// the array never waits with a result in hand.
module row_stream #(
    parameter int OUTPUTS = 32,
    parameter int DEPTH = 8,
    parameter int ROWS = 64,
    parameter bit TRAINING = 1'b0  // whether rows have partners
) (
    input  logic                    clk,
    input  logic                    reset,
    input  logic [             3:0] take,     // rows of a row group that is issued
    output logic [  $clog2(ROWS):0] room,
    input  logic                    send,     // with the values of group 0 of a row
    input  logic                    send_last,
    input  logic [             2:0] send_to,
    input  engine_types::row_place_t send_place,
    input  logic [  OUTPUTS*16-1:0] values,   // group g comes g cycles later
    input  logic [  OUTPUTS*16-1:0] partners, // with them
    output logic [  OUTPUTS*16-1:0] row,
    output logic [  OUTPUTS*16-1:0] partner,
    output logic [             2:0] row_to,
    output engine_types::row_place_t row_place,
    output logic                    row_last,
    output logic                    row_valid,
    input  logic                    row_ready
);
  localparam int PORTS = OUTPUTS / DEPTH;
  localparam int WORD = DEPTH * 16;
  localparam int COUNT = $clog2(ROWS) + 1;

  localparam int PARTNER = TRAINING ? OUTPUTS * 16 : 0;
  localparam int MARKS = 4 + engine_types::ROW_PLACE_BITS;

  logic [OUTPUTS*16-1:0] together, partners_together;
  generate
    for (genvar g = 0; g < PORTS; g++) begin : groups
      delay #(
          .WIDTH(WORD),
          .CYCLES(PORTS - 1 - g)
      ) wait_for_others (
          .clk,
          .reset,
          .value(values[WORD*g+:WORD]),
          .delayed(together[WORD*g+:WORD])
      );
      delay #(
          .WIDTH(WORD),
          .CYCLES(PORTS - 1 - g)
      ) partners_too (
          .clk,
          .reset,
          .value(partners[WORD*g+:WORD]),
          .delayed(partners_together[WORD*g+:WORD])
      );
    end
  endgenerate
  logic push, push_last;
  logic [2:0] push_to;
  engine_types::row_place_t push_place;
  delay #(
      .WIDTH(5 + engine_types::ROW_PLACE_BITS),
      .CYCLES(PORTS - 1),
      .RESET(1'b1)
  ) wait_send (
      .clk,
      .reset,
      .value({send_place, send_to, send_last, send}),
      .delayed({push_place, push_to, push_last, push})
  );

  logic has_room;  // always: room was taken before
  logic [PARTNER+OUTPUTS*16+MARKS-1:0] in_data, out_data;
  generate
    if (TRAINING) begin : pairs
      assign in_data = {partners_together, push_place, push_to, push_last, together};
      assign partner = out_data[OUTPUTS*16+MARKS+:OUTPUTS*16];
    end else begin : singles
      assign in_data = {push_place, push_to, push_last, together};
      assign partner = '0;
    end
  endgenerate
  assign {row_place, row_to, row_last, row} = out_data[OUTPUTS*16+MARKS-1:0];
  stream_fifo #(
      .WIDTH(PARTNER + OUTPUTS * 16 + MARKS),
      .DEPTH(ROWS)
  ) queue (
      .clk,
      .reset,
      .in_data,
      .in_valid(push),
      .in_ready(has_room),
      .out_data,
      .out_valid(row_valid),
      .out_ready(row_ready)
  );
`ifndef SYNTHESIS
  always_ff @(posedge clk) assert (reset || !push || has_room) else $error("row stream overrun");
`endif

  always_ff @(posedge clk)
    room <= reset ? COUNT'(ROWS) : room - COUNT'(take) + COUNT'(row_valid && row_ready);
endmodule
