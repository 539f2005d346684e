// Which row groups of which tensor are written. A slot stands for a tensor; it counts its complete
// row groups, which become complete in order. A product that begins may empty the slot that it
// writes (`claim`) and one that somebody outside writes next (`empty`); else counts go on. Slot 0
// is always complete.
module scoreboard (
    input  logic                                 clk,
    input  logic                                 reset,
    input  logic                                 begins,         // a product
    input  logic                                 writes,         // it writes `target_slot`
    input  logic                                 claim,          // and empties that
    input  logic [                          2:0] target_slot,
    input  logic [                          2:0] empty_slot,     // emptied too; 0: none
    output logic                                 busy,           // an engine's write of the slots
                                                                 // to be emptied is under way
    input  logic                                 complete,       // row group of `complete_slot`
    input  logic [                          2:0] complete_slot,
    input  logic                                 finish,         // with `complete`: the last
    // Row groups that others have written
    input  logic [    engine_types::OUTSIDE-1:0] outside,
    input  logic [  engine_types::OUTSIDE*3-1:0] outside_slot,
    input  logic [                          2:0] source_slot,
    output logic [engine_types::COUNT_BITS-1:0]  source_groups,
    input  logic [                          2:0] residual_slot,
    output logic [engine_types::COUNT_BITS-1:0]  residual_groups,
    input  logic [                          2:0] placed_slot,
    output logic [engine_types::COUNT_BITS-1:0]  placed_groups,
    output logic [engine_types::SLOTS*engine_types::COUNT_BITS-1:0] slot_groups
);
  localparam int SLOTS = engine_types::SLOTS;
  localparam int OUTSIDE = engine_types::OUTSIDE;
  localparam int COUNT = engine_types::COUNT_BITS;
  logic [SLOTS-1:0][COUNT-1:0] groups;
  logic [SLOTS-1:0][3:0] writers;  // products that write the slot, begun and not finished

  assign slot_groups = groups;
  assign source_groups = groups[source_slot];
  assign residual_groups = groups[residual_slot];
  assign placed_groups = groups[placed_slot];
  assign busy = (claim && writers[target_slot] != '0) || writers[empty_slot] != '0;

  logic [SLOTS-1:0][2:0] completed;  // row groups of each slot that are complete now
  always_comb begin
    for (int slot = 0; slot < SLOTS; slot++) begin
      completed[slot] = 3'(complete && complete_slot == 3'(slot));
      for (int writer = 0; writer < OUTSIDE; writer++)
        completed[slot] = completed[slot]
                        + 3'(outside[writer] && outside_slot[3*writer+:3] == 3'(slot));
    end
  end

  always_ff @(posedge clk) begin
    for (int slot = 1; slot < SLOTS; slot++) begin
      groups[slot] <= groups[slot] + COUNT'(completed[slot]);
      if (begins && ((claim && target_slot == 3'(slot)) || empty_slot == 3'(slot)))
        groups[slot] <= '0;
      writers[slot] <= writers[slot]
                       + 4'(begins && writes && target_slot == 3'(slot))
                       - 4'(complete && finish && complete_slot == 3'(slot));
    end
    groups[0] <= '1;
    writers[0] <= '0;
    if (reset) begin
      groups <= '0;
      writers <= '0;
    end
  end
endmodule
