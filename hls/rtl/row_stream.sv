// The result's rows for the blocks behind: OUTPUTS values a word, one row after the other, each with
// whom it is for, `last` with a product's last row. Room for a row group is taken when its first depth word is issued, so
// the array never waits with a result in hand.
module row_stream #(
    parameter int OUTPUTS = 32,
    parameter int DEPTH = 8,
    parameter int ROWS = 64
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
    output logic [  OUTPUTS*16-1:0] row,
    output logic [             2:0] row_to,
    output engine_types::row_place_t row_place,
    output logic                    row_last,
    output logic                    row_valid,
    input  logic                    row_ready
);
  localparam int PORTS = OUTPUTS / DEPTH;
  localparam int WORD = DEPTH * 16;
  localparam int COUNT = $clog2(ROWS) + 1;

  logic [OUTPUTS*16-1:0] together;
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
  stream_fifo #(
      .WIDTH(OUTPUTS * 16 + 4 + engine_types::ROW_PLACE_BITS),
      .DEPTH(ROWS)
  ) queue (
      .clk,
      .reset,
      .in_data({push_place, push_to, push_last, together}),
      .in_valid(push),
      .in_ready(has_room),
      .out_data({row_place, row_to, row_last, row}),
      .out_valid(row_valid),
      .out_ready(row_ready)
  );
`ifndef SYNTHESIS
  always_ff @(posedge clk) assert (reset || !push || has_room) else $error("row stream overrun");
`endif

  always_ff @(posedge clk)
    room <= reset ? COUNT'(ROWS) : room - COUNT'(take) + COUNT'(row_valid && row_ready);
endmodule
