// What one port brings: the ring's words of DEPTH outputs and their biases. Lane f of every output
// is a memory of its own, asked f cycles after lane 0, so the words leave skewed as the array
// wants.
module weight_port #(
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
    output logic [       $clog2(PORTS)-1:0] from,           // of a stream; word is its word
    input  logic [            DEPTH*16-1:0] word,
    input  logic                            word_valid,
    output logic                            word_ready,
    output logic [       $clog2(PORTS)-1:0] to,             // where this stream's word belongs
    output logic                            to_valid,
    input  logic                            sent,
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

  logic [DEPTH-1:0] write, write_q, write_lane, lane_q;
  logic turned, zero;
  logic [RING-1:0] address, address_q;
  logic write_bias, write_bias_q;
  logic [TILE-1:0] bias_address, bias_address_q;
  logic [DEPTH*DEPTH*16-1:0] words_q;
  logic block_q;

  weight_filler #(
      .PORT(PORT),
      .PORTS(PORTS),
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
      .from,
      .word_valid,
      .word_ready,
      .to,
      .to_valid,
      .sent,
      .place_room,
      .place,
      .placed(block_q),
      .released,
      .released_biases,
      .filled,
      .write,
      .write_lane,
      .turned,
      .zero,
      .address,
      .write_bias,
      .bias_address
  );

  (* ram_style = "distributed" *) logic [DEPTH*16-1:0] bias_memory[WEIGHT_TILES];
  always_ff @(posedge clk) begin
    write_q <= reset ? '0 : write | {DEPTH{block_valid}};
    lane_q <= write_lane | {DEPTH{block_valid}};
    block_q <= block_valid && !reset;
    address_q <= block_valid ? block_address : address;
    write_bias_q <= write_bias && !reset;
    bias_address_q <= bias_address;
    if (write_bias_q) bias_memory[bias_address_q] <= words_q[DEPTH*16-1:0];
  end
  assign place_address = address;
  assign biases = bias_memory[bias_read];

  logic [DEPTH-1:0][RING-1:0] addresses;
  assign addresses[0] = read_address;
  always_ff @(posedge clk) addresses[DEPTH-1:1] <= addresses[DEPTH-2:0];

  // A word has all lanes of an output, or, of a transposed matrix, a lane of all outputs.
  generate
    for (genvar o = 0; o < DEPTH; o++) begin : outputs
      for (genvar f = 0; f < DEPTH; f++) begin : lane
        always_ff @(posedge clk)
          words_q[16*(DEPTH*o+f)+:16] <= block_valid ? block[16*(DEPTH*o+f)+:16]
              : zero ? '0 : turned ? word[16*o+:16] : word[16*f+:16];
        weight_memory #(
            .WORDS(WEIGHT_DEPTH)
        ) ram (
            .clk,
            .write(write_q[o] && lane_q[f]),
            .write_address(address_q),
            .written(words_q[16*(DEPTH*o+f)+:16]),
            .read_address(addresses[f]),
            .data(weights[16*(DEPTH*o+f)+:16])
        );
      end
    end
  endgenerate
endmodule
