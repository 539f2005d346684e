// Whose words a port writes: those that its moves ask for, in the order of the moves. One by columns
// takes words of the matrix writer, any other the store unit's.
module write_order #(
    parameter int DEPTH = 8,
    parameter int COMMANDS = 32
) (
    input  logic                clk,
    input  logic                reset,
    input  mover_types::move_t  command,
    input  logic                command_valid,  // it is handed to the mover
    output logic                room,
    input  logic                word_taken,
    output logic                store,          // the next word is one of the store unit
    output logic                matrix,         // or of a matrix; neither: no move waits for words
    output logic                idle
);
  localparam int OUT = $clog2(DEPTH);

  logic next_matrix, next_valid, next_ready, active, kind, line_ends, ends;
  logic [7:0] next_tiles;
  logic [23:0] next_words, left;      // words, or lines of a matrix: a depth word of all its tiles
  logic [OUT+7:0] line_left, next_line, line;
  stream_fifo #(
      .WIDTH(32),
      .DEPTH(COMMANDS)
  ) queue (
      .clk,
      .reset,
      .in_data({command.tiles, command.words}),
      .in_valid(command_valid && command.words != '0),
      .in_ready(room),
      .out_data({next_tiles, next_words}),
      .out_valid(next_valid),
      .out_ready(next_ready)
  );
  assign next_matrix = next_tiles != '0;
  assign next_line = next_matrix ? {next_tiles, OUT'(0)} : (OUT + 8)'(1);
  assign line_ends = line_left == (OUT + 8)'(1);
  assign ends = word_taken && line_ends && left == 24'd1;
  assign next_ready = !active || ends;
  assign store = active && !kind;
  assign matrix = active && kind;
  assign idle = !active && !next_valid;

  always_ff @(posedge clk) begin
    if (word_taken) begin
      line_left <= line_ends ? line : line_left - 1'b1;
      if (line_ends) left <= left - 1'b1;
    end
    if (next_ready) begin
      active <= next_valid;
      kind <= next_matrix;
      line <= next_line;
      line_left <= next_line;
      left <= next_words;
    end
    if (reset) active <= 1'b0;
  end
endmodule
