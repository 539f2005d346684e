// What one port brings: the ring's words of DEPTH outputs and their biases. Lane f of every output
// is a memory of its own, asked f cycles after lane 0, so the words leave skewed as the array
// wants.
module weight_port #(
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
    input  logic [            DEPTH*16-1:0] word,
    input  logic                            word_valid,
    output logic                            word_ready,
    output logic                            place_room,
    input  logic                            place,
    output logic [$clog2(WEIGHT_DEPTH)-1:0] place_address,
    input  logic                            block_valid,    // from the banks
    input  logic [$clog2(WEIGHT_DEPTH)-1:0] block_address,
    input  logic [      DEPTH*DEPTH*16-1:0] block,          // a word for each output
    input  logic [  $clog2(WEIGHT_DEPTH):0] released,
    input  logic [  $clog2(WEIGHT_TILES):0] released_biases,
    output logic [  $clog2(WEIGHT_DEPTH):0] filled,
    input  logic [$clog2(WEIGHT_DEPTH)-1:0] read_address,   // of lane 0
    output logic [      DEPTH*DEPTH*16-1:0] weights,        // lane f two cycles and f after it
    input  logic [$clog2(WEIGHT_TILES)-1:0] bias_read,
    output logic [            DEPTH*16-1:0] biases          // in the same cycle
);
  localparam int RING = $clog2(WEIGHT_DEPTH);
  localparam int TILE = $clog2(WEIGHT_TILES);

  logic [DEPTH-1:0] write, write_q;
  logic [RING-1:0] address, address_q;
  logic write_bias, write_bias_q;
  logic [TILE-1:0] bias_address, bias_address_q;
  logic [DEPTH*DEPTH*16-1:0] words_q;
  logic block_q;

  weight_filler #(
      .DEPTH(DEPTH),
      .WEIGHT_DEPTH(WEIGHT_DEPTH),
      .WEIGHT_TILES(WEIGHT_TILES)
  ) filler (
      .clk,
      .reset,
      .fill,
      .fill_valid,
      .fill_ready,
      .discard,
      .word_valid,
      .word_ready,
      .place_room,
      .place,
      .placed(block_q),
      .released,
      .released_biases,
      .filled,
      .write,
      .address,
      .write_bias,
      .bias_address
  );

  (* ram_style = "distributed" *) logic [DEPTH*16-1:0] bias_memory[WEIGHT_TILES];
  always_ff @(posedge clk) begin
    write_q <= reset ? '0 : write | {DEPTH{block_valid}};
    block_q <= block_valid && !reset;
    address_q <= block_valid ? block_address : address;
    write_bias_q <= write_bias && !reset;
    bias_address_q <= bias_address;
    words_q <= block_valid ? block : {DEPTH{word}};
    if (write_bias_q) bias_memory[bias_address_q] <= words_q[DEPTH*16-1:0];
  end
  assign place_address = address;
  assign biases = bias_memory[bias_read];

  logic [DEPTH-1:0][RING-1:0] addresses;
  assign addresses[0] = read_address;
  always_ff @(posedge clk) addresses[DEPTH-1:1] <= addresses[DEPTH-2:0];

  generate
    for (genvar o = 0; o < DEPTH; o++) begin : outputs
      for (genvar f = 0; f < DEPTH; f++) begin : lane
        weight_memory #(
            .WORDS(WEIGHT_DEPTH)
        ) ram (
            .clk,
            .write(write_q[o]),
            .write_address(address_q),
            .written(words_q[16*(DEPTH*o+f)+:16]),
            .read_address(addresses[f]),
            .data(weights[16*(DEPTH*o+f)+:16])
        );
      end
    end
  endgenerate
endmodule
