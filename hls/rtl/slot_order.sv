// Placements run ahead of the products. Slots are used again, so a placement must wait until the
// last product before it that empties its slot has begun: before, the count is that of an older
// tensor. Products among themselves run in order and need none of this.
module slot_order (
    input  logic                                  clk,
    input  logic                                  reset,
    // Commands that are handed on
    input  logic                                  product_taken,
    input  engine_types::product_t                product,
    input  logic [                           2:0] placed_slot,  // of a placement
    output logic                                  behind,       // it must wait for product `writer`
    output logic [engine_types::NUMBER_BITS-1:0]  writer,
    // Products that begin
    input  logic                                  begins,
    output logic [engine_types::NUMBER_BITS-1:0]  begun         // how many
);
  localparam int SLOTS = engine_types::SLOTS;
  localparam int NUMBER = engine_types::NUMBER_BITS;
  logic [SLOTS-1:0][NUMBER-1:0] last;  // product that empties the slot
  logic [SLOTS-1:0] waiting;           // and has not begun
  logic [NUMBER-1:0] taken;            // products

  assign behind = waiting[placed_slot];
  assign writer = last[placed_slot];

  always_ff @(posedge clk) begin
    taken <= taken + NUMBER'(product_taken);
    begun <= begun + NUMBER'(begins);
    for (int slot = 1; slot < SLOTS; slot++) begin
      if (begins && last[slot] == begun) waiting[slot] <= 1'b0;
      if (product_taken && !product.failed
          && ((product.claim && product.target_slot == 3'(slot))
              || product.clear_slot == 3'(slot))) begin
        waiting[slot] <= 1'b1;
        last[slot] <= taken;
      end
    end
    waiting[0] <= 1'b0;
    last[0] <= '0;
    if (reset) begin
      taken <= '0;
      begun <= '0;
      waiting <= '0;
    end
  end
endmodule
