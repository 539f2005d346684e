// What commands that have not run yet still do to the tensors behind the scoreboard's slots.
// `reading`: rows of a slot are still to be read, so whoever writes them over port B must wait. And
// for a placement, which runs ahead of the products: the last product before it that writes its
// slot, if that has not begun. Products among themselves run in order and need none of this.
module slot_order (
    input  logic                             clk,
    input  logic                             reset,
    // A command in the guard, and when it is handed on
    input  logic                             held,
    input  logic [                     15:0] held_slots,
    input  logic                             product_taken,
    input  engine_types::product_t           product,
    input  logic                             placement_taken,
    output logic                             behind,       // of a placement that is taken
    output logic [                      5:0] writer,
    // Products that begin
    input  logic                             begins,
    input  logic                             claim,
    input  logic [                      2:0] claim_slot,
    output logic [                      5:0] begun,        // their number, modulo 64
    // Products and placements that have read everything
    input  logic                             product_done,
    input  logic [                      2:0] done_source,
    input  logic                             done_has_residual,
    input  logic [                      2:0] done_residual,
    input  logic                             placement_done,
    input  logic [                      2:0] done_placement,
    output logic [engine_types::SLOTS-1:0]   reading
);
  localparam int SLOTS = engine_types::SLOTS;
  logic [SLOTS-1:0][6:0] readers;
  logic [SLOTS-1:0][5:0] last_writer;
  logic [SLOTS-1:0] waiting;  // the last writer has not begun
  logic [5:0] count;          // products taken

  logic taken;
  assign taken = product_taken && !product.failed;
  assign behind = waiting[held_slots[2:0]];
  assign writer = last_writer[held_slots[2:0]];

  always_comb begin
    reading = '0;
    for (int slot = 1; slot < SLOTS; slot++)
      reading[slot] = readers[slot] != '0 || (held && (held_slots[2:0] == 3'(slot)
                                                       || held_slots[6:4] == 3'(slot)));
  end

  always_ff @(posedge clk) begin
    count <= count + 6'(product_taken);
    begun <= begun + 6'(begins);
    for (int slot = 1; slot < SLOTS; slot++) begin
      readers[slot] <= readers[slot]
          + 7'(taken && product.source_slot == 3'(slot))
          + 7'(taken && product.residual && product.residual_slot == 3'(slot))
          + 7'(placement_taken && held_slots[2:0] == 3'(slot))
          - 7'(product_done && done_source == 3'(slot))
          - 7'(product_done && done_has_residual && done_residual == 3'(slot))
          - 7'(placement_done && done_placement == 3'(slot));
      if (claim && claim_slot == 3'(slot) && last_writer[slot] == begun) waiting[slot] <= 1'b0;
      if (taken && product.to_banks && product.target_slot == 3'(slot)) begin
        waiting[slot] <= 1'b1;
        last_writer[slot] <= count;
      end
    end
    waiting[0] <= 1'b0;
    readers[0] <= '0;
    last_writer[0] <= '0;
    if (reset) begin
      count <= '0;
      begun <= '0;
      readers <= '0;
      waiting <= '0;
    end
  end
endmodule
