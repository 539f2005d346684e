// Which row groups of which tensor are written. A slot stands for a tensor; it counts its complete
// row groups, which become complete in order. A product claims its target's slot when it begins,
// which empties it; writers outside the engine set the count. Slot 0 is always complete.
module scoreboard (
    input  logic       clk,
    input  logic       reset,
    input  logic       claim,          // a product begins to write `claim_slot`
    input  logic [2:0] claim_slot,
    input  logic       complete,       // the next row group of `complete_slot` is written
    input  logic [2:0] complete_slot,
    input  logic       finish,         // with `complete`: it was the last
    input  logic       set,            // from outside
    input  logic [2:0] set_slot,
    input  logic [8:0] set_groups,
    input  logic [2:0] source_slot,
    output logic [8:0] source_groups,
    input  logic [2:0] residual_slot,
    output logic [8:0] residual_groups,
    input  logic [2:0] placed_slot,
    output logic [8:0] placed_groups,
    input  logic [2:0] target_slot,
    output logic       target_busy
);
  localparam int SLOTS = engine_types::SLOTS;
  logic [SLOTS-1:0][8:0] groups;
  logic [SLOTS-1:0] busy;

  assign source_groups = groups[source_slot];
  assign residual_groups = groups[residual_slot];
  assign placed_groups = groups[placed_slot];
  assign target_busy = busy[target_slot];

  always_ff @(posedge clk) begin
    for (int slot = 1; slot < SLOTS; slot++) begin
      if (complete && complete_slot == 3'(slot)) begin
        groups[slot] <= groups[slot] + 1'b1;
        if (finish) busy[slot] <= 1'b0;
      end
      if (set && set_slot == 3'(slot)) groups[slot] <= set_groups;
      if (claim && claim_slot == 3'(slot)) begin
        groups[slot] <= '0;
        busy[slot] <= 1'b1;
      end
    end
    groups[0] <= '1;
    busy[0] <= 1'b0;
    if (reset) begin
      groups <= '0;
      busy <= '0;
    end
  end
endmodule
