// Words on their way to the banks, a queue for each, so that a bank that is busy holds up no other.
module write_queues #(
    parameter int TOKENS = 8,
    parameter int WORD = 128,
    parameter int BANK = 14,
    parameter int PLACES = 16,  // of a queue, a power of two
    parameter int ROOM = 1      // places that `word_room` promises, PLACES at most
) (
    input  logic                   clk,
    input  logic                   reset,
    input  logic [     TOKENS-1:0] word_valid,
    output logic [     TOKENS-1:0] word_room,
    input  logic [TOKENS*BANK-1:0] word_address,
    input  logic [TOKENS*WORD-1:0] word,
    input  logic [     TOKENS-1:0] word_ends,     // the last of its row
    input  logic [     TOKENS-1:0] hold,          // row_groups
    output logic [     TOKENS-1:0] ended,
    output logic [     TOKENS-1:0] bank_valid,
    input  logic [     TOKENS-1:0] bank_ready,
    output logic [TOKENS*BANK-1:0] bank_address,
    output logic [TOKENS*WORD-1:0] bank_written
);
  localparam int COUNT = $clog2(PLACES) + 1;

  generate
    for (genvar t = 0; t < TOKENS; t++) begin : banks
      logic has_place, valid, ends, take;  // `has_place` always: there was room
      stream_fifo #(
          .WIDTH(1 + BANK + WORD),
          .DEPTH(PLACES)
      ) queue (
          .clk,
          .reset,
          .in_data({word_ends[t], word_address[BANK*t+:BANK], word[WORD*t+:WORD]}),
          .in_valid(word_valid[t]),
          .in_ready(has_place),
          .out_data({ends, bank_address[BANK*t+:BANK], bank_written[WORD*t+:WORD]}),
          .out_valid(valid),
          .out_ready(take)
      );
`ifndef SYNTHESIS
      always_ff @(posedge clk)
        assert (reset || !word_valid[t] || has_place) else $error("write queue overrun");
`endif
      assign bank_valid[t] = valid && !hold[t];
      assign take = bank_valid[t] && bank_ready[t];
      assign ended[t] = take && ends;

      logic [COUNT-1:0] words;
      assign word_room[t] = words <= COUNT'(PLACES - ROOM);
      always_ff @(posedge clk)
        words <= reset ? '0 : words + COUNT'(word_valid[t]) - COUNT'(take);
    end
  endgenerate
endmodule
