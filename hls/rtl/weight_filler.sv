// Takes the words of one port in their order in memory (docs/numerics.md, Parameters): for each
// tile a word of biases, if the product has them, then for each depth word a word for every output.
// Says where each belongs. Stops where the ring or the memory of biases is full. `discard`: after a
// refused command, swallow what no checked product waits for. Words from the banks claim their
// places in the same order: `place` is when one is claimed, `placed` when it is written.
module weight_filler #(
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
    input  logic                            word_valid,
    output logic                            word_ready,
    output logic                            place_room,
    input  logic                            place,
    input  logic                            placed,
    input  logic [  $clog2(WEIGHT_DEPTH):0] released,        // depth words, modulo twice the ring
    input  logic [  $clog2(WEIGHT_TILES):0] released_biases,
    output logic [  $clog2(WEIGHT_DEPTH):0] filled,          // depth words, modulo twice the ring
    output logic [               DEPTH-1:0] write,           // of a weight, for each output
    output logic [$clog2(WEIGHT_DEPTH)-1:0] address,
    output logic                            write_bias,
    output logic [$clog2(WEIGHT_TILES)-1:0] bias_address
);
  localparam int RING = $clog2(WEIGHT_DEPTH);
  localparam int TILE = $clog2(WEIGHT_TILES);
  localparam int OUT = $clog2(DEPTH);

  engine_types::fill_t now;
  logic busy, at_bias;
  logic [8:0] words_left, tiles_left;
  logic [OUT-1:0] lane;
  logic [RING:0] position;  // depth words begun
  logic [TILE:0] biases;
  logic [4:0] under_way;    // places that are claimed and not written
  logic room, take, word_end, tile_end;

  assign room = at_bias ? biases - released_biases != (TILE + 1)'(WEIGHT_TILES)
                        : position - released != (RING + 1)'(WEIGHT_DEPTH);
  assign word_ready = busy && !now.banks ? room && under_way == '0 : discard && !fill_valid;
  assign place_room = busy && now.banks && room;
  assign take = busy && !now.banks && word_ready && word_valid;
  assign word_end = place || (take && !at_bias && lane == OUT'(DEPTH - 1));
  assign tile_end = word_end && words_left == 9'd1;
  assign fill_ready = !busy || (tile_end && tiles_left == 9'd1);

  always_comb begin
    write = '0;
    write[lane] = take && !at_bias;
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
    end
    if (tile_end) begin
      words_left <= now.depth_words;
      tiles_left <= tiles_left - 1'b1;
      at_bias <= now.bias;
    end
    if (fill_ready) begin
      busy <= fill_valid;
      now <= fill;
      at_bias <= fill.bias;
      words_left <= fill.depth_words;
      tiles_left <= fill.tiles;
    end
    if (reset) begin
      busy <= 1'b0;
      filled <= '0;
      under_way <= '0;
      position <= '0;
      biases <= '0;
      lane <= '0;
    end
  end
endmodule
