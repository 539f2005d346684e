// One row of one column: a cascade of DEPTH multipliers whose sums are added up over a row group.
// Element f of the operand and of the weights comes f cycles after element 0. `first` belongs to the
// sum that leaves the cascade, DEPTH + 2 cycles after element 0: it restarts at `start`.
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
  localparam int CASCADE_BITS = 48;
  logic [DEPTH:0][CASCADE_BITS-1:0] cascade;

  assign cascade[0] = '0;
  generate
    for (genvar f = 0; f < DEPTH; f++) begin : stage
      multiply_add #(
          .BITS(CASCADE_BITS)
      ) dsp (
          .clk,
          .a(activations[16*f+:16]),
          .b(weights[16*f+:16]),
          .sum_in(cascade[f]),
          .sum_out(cascade[f+1])
      );
    end
  endgenerate

  // The cascade's sum has 32 + log2(DEPTH) bits; what lies above repeats its sign.
  localparam int USED = SUM_BITS < CASCADE_BITS ? SUM_BITS : CASCADE_BITS;
  always_ff @(posedge clk)
    sum <= (first ? start : sum) + SUM_BITS'($signed(cascade[DEPTH][USED-1:0]));
endmodule
