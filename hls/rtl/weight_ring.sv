// The ring of weights: PORTS streams fill it side by side, the array reads it skewed. A fill is
// handed to all ports; each works at its own pace. Counts run modulo twice the ring's size.
module weight_ring #(
    parameter int OUTPUTS = 32,
    parameter int DEPTH = 8,
    parameter int WEIGHT_DEPTH = 1024,
    parameter int WEIGHT_TILES = 64
) (
    input  logic                                          clk,
    input  logic                                          reset,
    input  engine_types::fill_t                           fill,
    input  logic                                          fill_valid,
    output logic                                          fill_ready,
    input  logic                                          discard,
    input  logic [                OUTPUTS*16-1:0]         word,
    input  logic [             OUTPUTS/DEPTH-1:0]         word_valid,
    output logic [             OUTPUTS/DEPTH-1:0]         word_ready,
    output logic [             OUTPUTS/DEPTH-1:0]         place_room,
    input  logic [             OUTPUTS/DEPTH-1:0]         place,
    output logic [OUTPUTS/DEPTH*$clog2(WEIGHT_DEPTH)-1:0] place_address,
    input  logic [             OUTPUTS/DEPTH-1:0]         block_valid,
    input  logic [      $clog2(WEIGHT_DEPTH)-1:0]         block_address,
    input  logic [            DEPTH*DEPTH*16-1:0]         block,
    input  logic                                          release_word,
    input  logic                                          release_bias,
    output logic [OUTPUTS/DEPTH*($clog2(WEIGHT_DEPTH)+1)-1:0] filled,
    input  logic [      $clog2(WEIGHT_DEPTH)-1:0]         read_address,
    output logic [          OUTPUTS*DEPTH*16-1:0]         weights,  // g + f + 3 cycles later
    input  logic [OUTPUTS/DEPTH*$clog2(WEIGHT_TILES)-1:0] bias_read,
    output logic [                OUTPUTS*16-1:0]         biases
);
  localparam int PORTS = OUTPUTS / DEPTH;
  localparam int RING = $clog2(WEIGHT_DEPTH);
  localparam int TILE = $clog2(WEIGHT_TILES);
  localparam int WORD = DEPTH * 16;
  localparam int FILL = engine_types::FILL_BITS;
  // The last memory that reads a word is asked this many cycles after the request.
  localparam int READ_LAST = PORTS + DEPTH;

  logic released_now, bias_released_now;
  delay #(.CYCLES(READ_LAST), .RESET(1'b1)) release_words (
      .clk, .reset, .value(release_word), .delayed(released_now));
  delay #(.CYCLES(READ_LAST), .RESET(1'b1)) release_biases (
      .clk, .reset, .value(release_bias), .delayed(bias_released_now));
  logic [RING:0] released;
  logic [TILE:0] released_biases;
  always_ff @(posedge clk) begin
    released <= reset ? '0 : released + (RING + 1)'(released_now);
    released_biases <= reset ? '0 : released_biases + (TILE + 1)'(bias_released_now);
  end

  // A port's request comes a cycle behind that of the port before.
  logic [PORTS:0][RING-1:0] addresses;
  assign addresses[0] = read_address;
  always_ff @(posedge clk) addresses[PORTS:1] <= addresses[PORTS-1:0];

  logic [PORTS-1:0] queue_ready;
  assign fill_ready = &queue_ready;

  // Which stream a port takes its next word from, and which port a stream's next word is for. Both
  // are those of a port itself but for transposed matrices, whose words go from each to each.
  localparam int WHO = $clog2(PORTS);
  logic [PORTS*WHO-1:0] from, to;
  logic [PORTS-1:0] to_valid, takes;
  generate
    for (genvar p = 0; p < PORTS; p++) begin : ports
      logic [WHO-1:0] stream, port_to;
      logic valid, sent;
      assign stream = from[WHO*p+:WHO];
      assign port_to = to[WHO*p+:WHO];
      assign valid = word_valid[stream] && to_valid[stream] && to[WHO*stream+:WHO] == WHO'(p);
      assign word_ready[p] = to_valid[p] && takes[port_to] && from[WHO*port_to+:WHO] == WHO'(p);
      assign sent = word_valid[p] && word_ready[p];
      logic [FILL-1:0] next;
      logic next_valid, next_ready;
      stream_fifo #(
          .WIDTH(FILL),
          .DEPTH(8)
      ) queue (
          .clk,
          .reset,
          .in_data(fill),
          .in_valid(fill_valid && fill_ready),
          .in_ready(queue_ready[p]),
          .out_data(next),
          .out_valid(next_valid),
          .out_ready(next_ready)
      );
      weight_port #(
          .PORT(p),
          .PORTS(PORTS),
          .DEPTH(DEPTH),
          .WEIGHT_DEPTH(WEIGHT_DEPTH),
          .WEIGHT_TILES(WEIGHT_TILES)
      ) port (
          .clk,
          .reset,
          .fill(next),
          .fill_valid(next_valid),
          .fill_ready(next_ready),
          .discard,
          .from(from[WHO*p+:WHO]),
          .word(word[WORD*stream+:WORD]),
          .word_valid(valid),
          .word_ready(takes[p]),
          .to(to[WHO*p+:WHO]),
          .to_valid(to_valid[p]),
          .sent,
          .place_room(place_room[p]),
          .place(place[p]),
          .place_address(place_address[RING*p+:RING]),
          .block_valid(block_valid[p]),
          .block_address,
          .block,
          .released,
          .released_biases,
          .filled(filled[(RING+1)*p+:RING+1]),
          .read_address(addresses[p+1]),
          .weights(weights[WORD*DEPTH*p+:WORD*DEPTH]),
          .bias_read(bias_read[TILE*p+:TILE]),
          .biases(biases[WORD*p+:WORD])
      );
    end
  endgenerate
endmodule
