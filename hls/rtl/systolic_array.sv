// TOKENS x OUTPUTS x DEPTH multipliers. Element (t, f) of the operand comes t + f cycles after
// element (0, 0); the weights of column group g (DEPTH columns) f + g cycles after it. Group g
// works g cycles behind group 0, so an activation register serves DEPTH columns.
module systolic_array #(
    parameter int TOKENS = 8,
    parameter int OUTPUTS = 32,
    parameter int DEPTH = 8,
    parameter int SUM_BITS = 40
) (
    input  logic                                      clk,
    input  logic [        TOKENS*DEPTH*16-1:0]        activations,
    input  logic [       OUTPUTS*DEPTH*16-1:0]        weights,
    input  logic                                      first,  // of row 0, with the cascade's sum
    input  logic [       OUTPUTS*SUM_BITS-1:0]        start,
    input  logic [OUTPUTS/DEPTH*$clog2(TOKENS)-1:0]   row,    // whose sum leaves, for each group
    output logic [       OUTPUTS*SUM_BITS-1:0]        sums
);
  localparam int PORTS = OUTPUTS / DEPTH;
  localparam int BLOCK = TOKENS * DEPTH * 16;
  localparam int WORD = DEPTH * 16;
  localparam int ROW_BITS = $clog2(TOKENS);

  logic [PORTS-1:0][BLOCK-1:0] block;
  logic [PORTS+TOKENS-2:0] firsts;

  assign block[0] = activations;
  assign firsts[0] = first;
  always_ff @(posedge clk) begin
    for (int g = 1; g < PORTS; g++) block[g] <= block[g-1];
    firsts[PORTS+TOKENS-2:1] <= firsts[PORTS+TOKENS-3:0];
  end

  generate
    for (genvar n = 0; n < OUTPUTS; n++) begin : columns
      array_column #(
          .TOKENS(TOKENS),
          .DEPTH(DEPTH),
          .SUM_BITS(SUM_BITS)
      ) column (
          .clk,
          .activations(block[n/DEPTH]),
          .weights(weights[WORD*n+:WORD]),
          .first(firsts[n/DEPTH+:TOKENS]),
          .start(start[SUM_BITS*n+:SUM_BITS]),
          .row(row[ROW_BITS*(n/DEPTH)+:ROW_BITS]),
          .sum(sums[SUM_BITS*n+:SUM_BITS])
      );
    end
  endgenerate
endmodule
