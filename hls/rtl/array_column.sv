// One output column: TOKENS rows. Weights go down from row to row, a cycle each, so row t works
// t cycles behind row 0; one row's sum leaves per cycle.
module array_column #(
    parameter int TOKENS = 8,
    parameter int DEPTH = 8,
    parameter int SUM_BITS = 40
) (
    input  logic                       clk,
    input  logic [TOKENS*DEPTH*16-1:0] activations,
    input  logic [       DEPTH*16-1:0] weights,
    input  logic [         TOKENS-1:0] first,
    input  logic [       SUM_BITS-1:0] start,
    input  logic [ $clog2(TOKENS)-1:0] row,
    output logic [       SUM_BITS-1:0] sum
);
  localparam int WORD = DEPTH * 16;
  logic [TOKENS-1:0][WORD-1:0] chain;
  logic [TOKENS-1:0][SUM_BITS-1:0] sums;

  assign chain[0] = weights;
  always_ff @(posedge clk) chain[TOKENS-1:1] <= chain[TOKENS-2:0];

  generate
    for (genvar t = 0; t < TOKENS; t++) begin : rows
      row_sum #(
          .DEPTH(DEPTH),
          .SUM_BITS(SUM_BITS)
      ) unit (
          .clk,
          .activations(activations[WORD*t+:WORD]),
          .weights(chain[t]),
          .first(first[t]),
          .start,
          .sum(sums[t])
      );
    end
  endgenerate

  // The register of the block that adds the residual (rounding_lane) follows.
  assign sum = sums[row];
endmodule
