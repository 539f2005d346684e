// One row of one column: a cascade of DEPTH multipliers whose sums are added up over a row group.
// Element f of the operand and of the weights comes f cycles after element 0. `first` belongs to
// the sum that leaves the cascade, DEPTH + 2 cycles after element 0: it restarts at `start`.
module row_sum #(
    parameter int DEPTH = 8,
    parameter int SUM_BITS = 40
) (
    input  logic                      clk,
    input  logic [    DEPTH*16-1:0]   activations,
    input  logic [    DEPTH*16-1:0]   weights,
    input  logic                      first,
    input  logic [    SUM_BITS-1:0]   start,
    output logic [    SUM_BITS-1:0]   sum
);
  logic [47:0] products;
  dot_product #(
      .DEPTH(DEPTH)
  ) dsp (
      .clk,
      .a(activations),
      .b(weights),
      .sum(products)
  );

  always_ff @(posedge clk) sum <= (first ? start : sum) + SUM_BITS'(products);
endmodule
