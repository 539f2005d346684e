// Whose the words of a port's moves are, in the order of the moves. What is written comes from the
// matrix writer if the move is by columns, from `update` if it says so, otherwise from the store unit;
// what is read goes to `update` or to `load`.
module word_order #(
    parameter int DEPTH = 8,
    parameter int COMMANDS = 32,
    parameter bit TRAINING = 1'b0  // updates, and biases of matrices
) (
    input  logic                clk,
    input  logic                reset,
    input  mover_types::move_t  command,
    input  logic                command_valid,  // it is handed to the mover
    output logic                room,
    input  logic                word_taken,
    output logic                rows,           // the next word is one of the store unit, or for `load`
    output logic                matrix,         // or of a matrix
    output logic                update,         // or of the update; none: no move waits for words
    output logic                idle
);
  localparam int OUT = $clog2(DEPTH);
  localparam logic [1:0] ROWS = 2'd0;
  localparam logic [1:0] MATRIX = 2'd1;
  localparam logic [1:0] UPDATE = 2'd2;

  // A line is a depth word of all tiles, a word of all planes, or a word; biases make one more.
  logic next_bias, next_update, next_valid, next_ready, active, line_ends, ends;
  logic [1:0] next_kind, kind;
  logic [7:0] next_count;             // tiles or planes
  logic [23:0] next_words, left;      // lines
  logic [OUT+7:0] line_left, next_line, line;
  stream_fifo #(
      .WIDTH(34),
      .DEPTH(COMMANDS)
  ) queue (
      .clk,
      .reset,
      .in_data({TRAINING && command.update, TRAINING && command.bias && command.tiles != '0,
                TRAINING && command.update ? 8'(command.planes) : command.tiles, command.words}),
      .in_valid(command_valid && command.words != '0),
      .in_ready(room),
      .out_data({next_update, next_bias, next_count, next_words}),
      .out_valid(next_valid),
      .out_ready(next_ready)
  );
  assign next_kind = next_update ? UPDATE : next_count != '0 ? MATRIX : ROWS;
  assign next_line = next_count == '0 ? (OUT + 8)'(1)
      : next_update ? (OUT + 8)'(next_count) : {next_count, OUT'(0)};
  assign line_ends = line_left == (OUT + 8)'(1);
  assign ends = word_taken && line_ends && left == 24'd1;
  assign next_ready = !active || ends;
  assign rows = active && kind == ROWS;
  assign matrix = active && kind == MATRIX;
  assign update = active && kind == UPDATE;
  assign idle = !active && !next_valid;

  always_ff @(posedge clk) begin
    if (word_taken) begin
      line_left <= line_ends ? line : line_left - 1'b1;
      if (line_ends) left <= left - 1'b1;
    end
    if (next_ready) begin
      active <= next_valid;
      kind <= next_kind;
      line <= next_line;
      line_left <= next_bias ? (OUT + 8)'(next_count) : next_line;
      left <= next_words + 24'(next_bias);
    end
    if (reset) active <= 1'b0;
  end
endmodule
