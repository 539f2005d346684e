// Takes the words of one port in their order in memory (docs/numerics.md, Parameters): for each
// tile a word of biases, if the product has them, then for each depth word a word for every output.
// Says where each belongs. Stops where the ring or the memory of biases is full. `discard`: after a
// refused command, swallow what no checked product waits for. Words from the banks claim their
// places in the same order: `place` is when one is claimed, `placed` when it is written.
//
// Of a transposed matrix, this port's depth words come from all streams in turn, and its own stream
// brings words for all ports in turn (README.md). Outputs beyond the matrix are zero.
module weight_filler #(
    parameter int PORT = 0,
    parameter int PORTS = 4,
    parameter int DEPTH = 8,
    parameter int WEIGHT_DEPTH = 1024,
    parameter int WEIGHT_TILES = 64
) (
    input  logic                            clk,
    input  logic                            reset,
    input  engine_types::fill_t             fill,
    input  logic                            fill_valid,
    output logic                            fill_ready,
    input  logic                            discard,
    output logic [       $clog2(PORTS)-1:0] from,            // the stream that brings the next word
    input  logic                            word_valid,
    output logic                            word_ready,
    output logic [       $clog2(PORTS)-1:0] to,              // the port that this stream's word is for
    output logic                            to_valid,
    input  logic                            sent,            // it is taken
    output logic                            place_room,
    input  logic                            place,
    input  logic                            placed,
    input  logic [  $clog2(WEIGHT_DEPTH):0] released,        // depth words, modulo twice the ring
    input  logic [  $clog2(WEIGHT_TILES):0] released_biases,
    output logic [  $clog2(WEIGHT_DEPTH):0] filled,          // depth words, modulo twice the ring
    output logic [               DEPTH-1:0] write,           // of a weight, for each output,
    output logic [               DEPTH-1:0] write_lane,      // and for each lane of it
    output logic                            turned,          // the word has an element for each output
    output logic                            zero,            // the elements are zero
    output logic [$clog2(WEIGHT_DEPTH)-1:0] address,
    output logic                            write_bias,
    output logic [$clog2(WEIGHT_TILES)-1:0] bias_address
);
  localparam int RING = $clog2(WEIGHT_DEPTH);
  localparam int TILE = $clog2(WEIGHT_TILES);
  localparam int OUT = $clog2(DEPTH);
  localparam int WHO = $clog2(PORTS);
  localparam logic [WHO-1:0] OWN = WHO'(PORT);

  engine_types::fill_t now;
  logic busy, at_bias;
  logic sunk;               // the transposed matrix is here, this stream has words of it for others
  logic [8:0] words_left, tiles_left;
  logic [OUT-1:0] lane;
  logic [RING:0] position;  // depth words begun
  logic [TILE:0] biases;
  logic [4:0] under_way;    // places that are claimed and not written
  logic streams, room, take, word_end, tile_end, sink_end;

  assign streams = busy && !now.banks && !sunk;
  assign turned = now.transposed;
  assign zero = streams && turned && tiles_left == 9'd1 && 4'(PORT) >= now.last_ports;
  assign room = at_bias ? biases - released_biases != (TILE + 1)'(WEIGHT_TILES)
                        : position - released != (RING + 1)'(WEIGHT_DEPTH);
  assign word_ready = busy && !now.banks ? room && under_way == '0 && !zero && !sunk
                                         : discard && !fill_valid;
  assign place_room = busy && now.banks && room;
  assign take = streams && word_ready && word_valid;
  assign word_end = place || (take && !at_bias && lane == OUT'(DEPTH - 1))
                    || (zero && room && under_way == '0);
  assign tile_end = word_end && words_left == 9'd1;
  assign sink_end = tile_end && tiles_left == 9'd1;

  // What this stream brings of a transposed matrix: for each tile every PORTS-th depth word, of each
  // a block for every port that has outputs there.
  logic [OUT-1:0] sent_words;
  logic [8:0] blocks, blocks_left, sent_tiles;
  logic drained, block_end, source_end;
  function automatic logic [8:0] blocks_of(input logic [8:0] depth_words);
    blocks_of = 9'((10'(depth_words) + 10'(PORTS - 1 - PORT)) >> WHO);
  endfunction
  assign blocks = blocks_of(now.depth_words);
  assign to_valid = !(busy && turned && drained);
  assign block_end = sent && turned && sent_words == OUT'(DEPTH - 1)
                     && 4'(to) + 4'd1 == (sent_tiles == 9'd1 ? now.last_ports : 4'(PORTS));
  assign source_end = block_end && blocks_left == 9'd1 && sent_tiles == 9'd1;
  assign fill_ready = !busy || ((sink_end || sunk) && (!turned || drained || source_end));

  always_comb begin
    write = '0;
    write_lane = '0;
    if (zero) begin
      write = {DEPTH{room && under_way == '0}};
      write_lane = '1;
    end else if (turned) begin
      write = {DEPTH{take}};
      write_lane[lane] = 1'b1;
    end else begin
      write[lane] = take && !at_bias;
      write_lane = '1;
    end
  end
  assign address = position[RING-1:0];
  assign write_bias = take && at_bias;
  assign bias_address = biases[TILE-1:0];

  always_ff @(posedge clk) begin
    // A cycle after the word was written, so that it is there for whoever reads the count.
    filled <= position - (RING + 1)'(under_way);
    under_way <= under_way + 5'(place) - 5'(placed);
    if (take) begin
      if (at_bias) begin
        at_bias <= 1'b0;
        biases <= biases + 1'b1;
      end else begin
        lane <= lane + 1'b1;
      end
    end
    if (word_end) begin
      lane <= '0;
      position <= position + 1'b1;
      words_left <= words_left - 1'b1;
      if (turned) from <= from + 1'b1;
    end
    if (tile_end) begin
      words_left <= now.depth_words;
      tiles_left <= tiles_left - 1'b1;
      at_bias <= now.bias;
      from <= turned ? '0 : OWN;
    end
    if (sink_end) sunk <= 1'b1;

    if (sent && turned) begin
      sent_words <= sent_words + 1'b1;
      if (sent_words == OUT'(DEPTH - 1)) to <= to + 1'b1;
    end
    if (block_end) begin
      to <= '0;
      blocks_left <= blocks_left - 1'b1;
      if (blocks_left == 9'd1) begin
        blocks_left <= blocks;
        sent_tiles <= sent_tiles - 1'b1;
      end
    end
    if (source_end) drained <= 1'b1;

    if (fill_ready) begin
      busy <= fill_valid;
      now <= fill;
      at_bias <= fill.bias;
      words_left <= fill.depth_words;
      tiles_left <= fill.tiles;
      sunk <= 1'b0;
      from <= fill_valid && fill.transposed ? '0 : OWN;
      to <= fill_valid && fill.transposed ? '0 : OWN;
      sent_words <= '0;
      blocks_left <= blocks_of(fill.depth_words);
      sent_tiles <= fill.tiles;
      drained <= blocks_of(fill.depth_words) == '0;
    end
    if (reset) begin
      busy <= 1'b0;
      sunk <= 1'b0;
      from <= OWN;
      to <= OWN;
      filled <= '0;
      under_way <= '0;
      position <= '0;
      biases <= '0;
      lane <= '0;
    end
  end
endmodule
