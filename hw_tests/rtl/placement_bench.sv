// What copies matrices from the banks into the ring, and what tells when it may: one small build.
// Test benches drive the signals here. Sizes are those of SMALL in designs.py.
module placement_bench;
  localparam int TOKENS = 4;
  localparam int DEPTH = 4;
  localparam int PORTS = 2;
  localparam int ADDRESS_BITS = 12;
  localparam int RING = 6;
  localparam int NUMBER = engine_types::NUMBER_BITS;

  // slot_order
  logic order_clk, order_reset, order_taken, order_failed, order_claim, order_begins;
  logic [2:0] order_target_slot, order_clear_slot, order_placed_slot;
  logic order_behind;
  logic [NUMBER-1:0] order_writer, order_begun;
  engine_types::product_t product;
  always_comb begin
    product = '0;
    product.failed = order_failed;
    product.claim = order_claim;
    product.target_slot = order_target_slot;
    product.clear_slot = order_clear_slot;
  end
  slot_order order (
      .clk(order_clk),
      .reset(order_reset),
      .product_taken(order_taken),
      .product,
      .placed_slot(order_placed_slot),
      .behind(order_behind),
      .writer(order_writer),
      .begins(order_begins),
      .begun(order_begun)
  );

  // placer
  logic placer_clk, placer_reset, placer_valid, placer_ready, placer_transposed, placer_behind;
  logic [2:0] placer_placed_slot, placer_slot;
  logic [engine_types::COUNT_BITS-1:0] placer_first, placer_groups;
  logic [8:0] placer_tiles, placer_out_words, placer_depth_words;
  logic [NUMBER-1:0] placer_writer, placer_begun;
  logic [3:0] placer_last_rows;
  logic [13:0] placer_source, placer_stride;
  logic [PORTS-1:0] placer_room, placer_take, placer_write;
  logic [PORTS*RING-1:0] placer_place;
  logic placer_read, placer_free;
  logic [ADDRESS_BITS-1:0] placer_address;
  logic [TOKENS*DEPTH*16-1:0] placer_bank_data, placer_block;
  logic [RING-1:0] placer_write_address;
  engine_types::placement_t placement;
  assign placement.transposed = placer_transposed;
  assign placement.slot = placer_placed_slot;
  assign placement.first = placer_first;
  assign placement.behind = placer_behind;
  assign placement.writer = placer_writer;
  assign placement.last_rows = placer_last_rows;
  assign placement.tiles = placer_tiles;
  assign placement.out_words = placer_out_words;
  assign placement.depth_words = placer_depth_words;
  assign placement.source = placer_source;
  assign placement.stride = placer_stride;
  placer #(
      .TOKENS(TOKENS),
      .PORTS(PORTS),
      .DEPTH(DEPTH),
      .ADDRESS_BITS(ADDRESS_BITS),
      .RING(RING)
  ) placing (
      .clk(placer_clk),
      .reset(placer_reset),
      .placement,
      .placement_valid(placer_valid),
      .placement_ready(placer_ready),
      .slot(placer_slot),
      .groups(placer_groups),
      .begun(placer_begun),
      .room(placer_room),
      .place(placer_place),
      .take(placer_take),
      .read(placer_read),
      .free(placer_free),
      .address(placer_address),
      .bank_data(placer_bank_data),
      .write(placer_write),
      .write_address(placer_write_address),
      .block(placer_block)
  );
endmodule
