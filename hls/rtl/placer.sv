// Copies matrices from the banks into the ring: a block of TOKENS x DEPTH per cycle over port B,
// for one port and depth word of the ring. Straight: the tensor's rows are outputs (keys); a word
// goes to the ring as it lies. Transposed: its rows are depth (values); banks and lanes change
// places. What lies beyond the tensor is zero, and whole blocks there cost port B nothing.
module placer #(
    parameter int TOKENS = 8,
    parameter int PORTS = 4,
    parameter int DEPTH = 8,
    parameter int ADDRESS_BITS = 14,
    parameter int RING = 10
) (
    input  logic                             clk,
    input  logic                             reset,
    input  engine_types::placement_t         placement,
    input  logic                             placement_valid,
    output logic                             placement_ready,
    // Row groups that are written, and products that have begun
    output logic [                      2:0] slot,
    input  logic [engine_types::COUNT_BITS-1:0] groups,
    input  logic [engine_types::NUMBER_BITS-1:0] begun,
    // Places in the ring, one for each port
    input  logic [                PORTS-1:0] room,
    input  logic [           PORTS*RING-1:0] place,
    output logic [                PORTS-1:0] take,
    // Port B: one decision for all banks, bank t follows t cycles later
    output logic                             read,
    input  logic                             free,
    output logic [         ADDRESS_BITS-1:0] address,
    input  logic [      TOKENS*DEPTH*16-1:0] bank_data,     // bank t: 3 + t later
    // The ring, TOKENS + 3 cycles after `take`
    output logic [                PORTS-1:0] write,
    output logic [                 RING-1:0] write_address,
    output logic [      TOKENS*DEPTH*16-1:0] block          // the word of each output
);
  localparam int PORT_BITS = $clog2(PORTS);
  localparam int WORD = DEPTH * 16;
  localparam int COUNT = engine_types::COUNT_BITS + 1;  // of a slot's count, with room for a sum
  localparam int READ = 3;  // from the decision to bank 0's data

  engine_types::placement_t now;
  logic active;
  logic [PORT_BITS-1:0] port;
  logic [8:0] depth, tile, word, tile_word;
  logic [13:0] here, depth_start, tile_start;  // now, and where depth word and tile begin
  logic [13:0] across, along;                  // from port to port, from depth word to depth word
  assign across = now.transposed ? 14'd1 : now.stride;
  assign along = now.transposed ? now.stride : 14'd1;

  logic last_port, last_depth, last_tile, finished;
  assign last_port = port == PORT_BITS'(PORTS - 1);
  assign last_depth = depth + 1'b1 == now.depth_words;
  assign last_tile = tile + 1'b1 == now.tiles;
  assign finished = last_port && last_depth && last_tile;

  // The last product that empties the slot must have begun: before, the count is an older tensor's.
  logic [engine_types::NUMBER_BITS-1:0] since;
  logic outside, ordered, has_rows, ready, go;
  assign slot = now.slot;
  assign since = begun - now.writer;
  assign ordered = !now.behind || (since != '0 && !since[engine_types::NUMBER_BITS-1]);
  assign outside = word >= now.out_words;
  assign has_rows = now.slot == '0 || (ordered
      && COUNT'(groups) > COUNT'(now.first) + COUNT'(now.transposed ? depth : word));
  assign ready = active && room[port];
  assign read = ready && !outside && has_rows;
  assign go = ready && (outside || (has_rows && free));
  assign address = ADDRESS_BITS'(here);
  always_comb begin
    take = '0;
    take[port] = go;
  end

  assign placement_ready = !active || (go && finished);
  always_ff @(posedge clk) begin
    if (go) begin
      port <= port + 1'b1;
      word <= word + 1'b1;
      here <= here + across;
      if (last_port) begin
        depth <= depth + 1'b1;
        word <= tile_word;
        here <= depth_start + along;
        depth_start <= depth_start + along;
        if (last_depth) begin
          depth <= '0;
          tile <= tile + 1'b1;
          word <= word + 1'b1;
          tile_word <= word + 1'b1;
          here <= tile_start + (across << PORT_BITS);
          depth_start <= tile_start + (across << PORT_BITS);
          tile_start <= tile_start + (across << PORT_BITS);
        end
      end
    end
    if (placement_ready) begin
      active <= placement_valid;
      now <= placement;
      port <= '0;
      depth <= '0;
      tile <= '0;
      word <= '0;
      tile_word <= '0;
      here <= placement.source;
      depth_start <= placement.source;
      tile_start <= placement.source;
    end
    if (reset) active <= 1'b0;
  end

  // What goes with a block, until all its banks have answered.
  logic last_group;
  logic [3:0] banks, held;
  assign last_group = now.transposed ? last_depth : word + 1'b1 == now.out_words;
  assign banks = outside ? '0 : last_group ? now.last_rows : 4'(TOKENS);
  logic [PORTS-1:0] taken;
  logic swap;
  delay #(.WIDTH(PORTS), .CYCLES(TOKENS + READ - 1), .RESET(1'b1)) valids (
      .clk, .reset, .value(take), .delayed(taken));
  logic [RING-1:0] target;
  delay #(.WIDTH(RING + 5), .CYCLES(TOKENS + READ - 1)) tags (
      .clk,
      .reset,
      .value({place[RING*port+:RING], banks, now.transposed}),
      .delayed({target, held, swap})
  );

  logic [TOKENS*WORD-1:0] aligned, masked;
  generate
    for (genvar t = 0; t < TOKENS; t++) begin : bank
      delay #(
          .WIDTH(WORD),
          .CYCLES(TOKENS - 1 - t)
      ) wait_for_others (
          .clk,
          .reset,
          .value(bank_data[WORD*t+:WORD]),
          .delayed(aligned[WORD*t+:WORD])
      );
      assign masked[WORD*t+:WORD] = aligned[WORD*t+:WORD] & {WORD{4'(t) < held}};
    end
    for (genvar o = 0; o < TOKENS; o++) begin : output_word
      for (genvar f = 0; f < DEPTH; f++) begin : element
        always_ff @(posedge clk)
          block[16*(DEPTH*o+f)+:16] <= swap ? masked[16*(DEPTH*f+o)+:16]
                                            : masked[16*(DEPTH*o+f)+:16];
      end
    end
  endgenerate
  always_ff @(posedge clk) begin
    write <= reset ? '0 : taken;
    write_address <= target;
  end
endmodule
