// Cuts commands into bursts. A burst ends where an aligned block of BURST words ends, so none
// crosses 4 KB; only a command's first and last can be short. A command of zero words becomes one
// burst of zero beats. `halt` forgets what has not left, and swallows every command. A matrix by
// columns is a row of pieces: PORTS depth words of a tile's outputs here, then the same of the next
// tile, and so on with the next depth words. With biases, those of the first depth words begin a word
// earlier. Planes are the same with as many words of each plane for a tile.
module mover_bursts #(
    parameter int BURST = 16,      // a power of two, 2 to 256
    parameter int COMMANDS = 16,
    parameter int PORTS = 4,
    parameter int DEPTH = 8,       // outputs of a tile in a port
    parameter bit COLUMNS = 1'b0,  // whether it knows matrices by columns
    parameter bit PLANES = 1'b0,   // whether it knows planes
    parameter bit BIASES = 1'b0    // whether matrices may have biases
) (
    input  logic                              clk,
    input  logic                              reset,
    input  logic                              halt,
    input  logic [mover_types::MOVE_BITS-1:0] command,
    input  logic [                       7:0] command_age,    // comes back with its bursts
    input  logic                              command_valid,
    output logic                              command_ready,
    input  logic [              PORTS*16-1:0] finished,       // write commands of each port
    output logic                              fenced,         // a command waits for them
    output logic [                      35:0] address,        // of the burst's first word
    output logic [           $clog2(BURST):0] beats,
    output logic [                       7:0] age,
    output logic                              last,           // of its command
    output logic                              valid,
    input  logic                              ready
);
  localparam int BITS = $clog2(BURST);

  mover_types::move_t next;
  logic [7:0] next_age, now_age;
  logic next_valid, next_ready, passes;
  stream_fifo #(
      .WIDTH(mover_types::MOVE_BITS + 8),
      .DEPTH(COMMANDS)
  ) queue (
      .clk,
      .reset,
      .in_data({command_age, command}),
      .in_valid(command_valid),
      .in_ready(command_ready),
      .out_data({next_age, next}),
      .out_valid(next_valid),
      .out_ready(next_ready)
  );

  logic [PORTS-1:0] missing;  // ports that have not finished `fence` commands
  logic [15:0] ahead;
  always_comb begin
    ahead = '0;
    for (int p = 0; p < PORTS; p++) begin
      ahead = finished[16*p+:16] - next.fence;
      missing[p] = next.fence_ports[p] && ahead[15];
    end
  end
  assign passes = missing == '0;
  assign fenced = next_valid && !passes;

  logic busy, move, ends, ends_all;
  logic [35:0] position;
  logic [23:0] left;
  logic [BITS:0] block, now;
  assign block = (BITS + 1)'(BURST) - {1'b0, position[BITS-1:0]};  // words to the block's end
  assign ends = left <= 24'(block);
  assign now = ends ? left[BITS:0] : block;
  assign move = busy && (!valid || ready);
  assign next_ready = halt || (passes && (!busy || (move && ends_all)));

  // Pieces of a matrix by columns, or of planes. `across`: words from this piece on, of a row (all
  // its outputs in a tile), or of a plane; `head`: the first pieces have one more, a bias.
  localparam int OUT = $clog2(DEPTH);
  localparam int PIECE = PORTS << OUT;
  logic [7:0] tiles, tiles_left, next_tiles;
  logic [23:0] across, across_then, next_across;
  logic [35:0] stride;                // from a tile's piece to the next tile's
  logic [35:0] piece, first, piece_then;
  logic last_tile, last_piece, by_planes, head, head_then, next_head;
  function automatic logic [23:0] piece_words(input logic [23:0] left_across, input logic bias);
    piece_words = (left_across > 24'(PIECE) ? 24'(PIECE) : left_across) + 24'(bias);
  endfunction
  assign by_planes = PLANES && next.planes > 3'd1;
  assign next_tiles = by_planes ? 8'(next.planes) : COLUMNS ? next.tiles : '0;
  assign next_across = by_planes ? next.words : 24'(next.words[8:0]) << OUT;
  assign next_head = BIASES && next.bias && next_tiles != '0;
  assign last_tile = tiles_left == 8'd1;
  assign last_piece = tiles == '0 || (last_tile && across <= 24'(PIECE));
  assign ends_all = ends && last_piece;
  assign across_then = last_tile ? across - 24'(PIECE) : across;
  assign head_then = BIASES && head && !last_tile;
  assign piece_then = (last_tile ? first : piece) + (last_tile ? 36'(PIECE) : stride);

  always_ff @(posedge clk) begin
    valid <= busy || (valid && !ready);
    if (move) begin
      address <= position;
      beats <= now;
      age <= now_age;
      last <= ends_all;
      left <= left - 24'(now);
      position[35:BITS] <= position[35:BITS] + 1'b1;
      position[BITS-1:0] <= '0;
      busy <= !ends_all;
      if (ends && !last_piece) begin
        position <= piece_then - 36'(head_then);
        left <= piece_words(across_then, head_then);
        head <= head_then;
        piece <= piece_then;
        across <= across_then;
        tiles_left <= last_tile ? tiles : tiles_left - 1'b1;
        if (last_tile) first <= piece_then;
      end
    end
    if (next_valid && next_ready) begin
      busy <= 1'b1;
      position <= next.address - 36'(next_head);
      left <= next_tiles == '0 ? next.words : piece_words(next_across, next_head);
      head <= next_head;
      piece <= next.address;
      first <= next.address;
      across <= next_across;
      tiles <= next_tiles;
      tiles_left <= next_tiles;
      stride <= by_planes ? 36'(next.plane_stride) : 36'({next.words[8:0], OUT'(1)});
      now_age <= next_age;
    end
    if (halt || reset) begin
      busy <= 1'b0;
      valid <= 1'b0;
    end
  end
endmodule
