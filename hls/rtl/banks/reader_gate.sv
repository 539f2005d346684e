// When an agent may read: not before the product that writes its rows has begun (`announce`, a
// token for each command), and then as far as row groups are complete.
module reader_gate #(
    parameter int COUNT = trivit_spec::ENGINE_COUNT_BITS
) (
    input  logic               clk,
    input  logic               reset,
    input  logic               announce,
    input  logic               begins,       // a command; `begin_ready` must be high
    output logic               begin_ready,
    input  logic [        2:0] slot,
    input  logic [  COUNT-1:0] first,        // the command's first row group in the slot
    input  logic               next,         // the row group is read
    input  logic [8*COUNT-1:0] slot_groups,
    output logic               open          // the next row group is complete
);
  localparam int TOKENS = 8;  // bits of the number of tokens

  logic [TOKENS-1:0] tokens;
  logic [2:0] now_slot;
  logic [COUNT:0] group;
  assign begin_ready = tokens != '0;
  assign open = now_slot == '0 || {1'b0, slot_groups[COUNT*now_slot+:COUNT]} > group;
  always_ff @(posedge clk) begin
    tokens <= tokens + TOKENS'(announce) - TOKENS'(begins);
    if (next) group <= group + 1'b1;
    if (begins) begin
      now_slot <= slot;
      group <= {1'b0, first};
    end
    if (reset) tokens <= '0;
  end
`ifndef SYNTHESIS
  always_ff @(posedge clk)
    assert (reset || !announce || tokens != '1) else $error("too many announcements");
`endif
endmodule
