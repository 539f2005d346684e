// From a sum to an int16: plus residual · 2^residual_shift, a right shift that rounds half to even,
// saturation. The sum already holds half of the unit that is cut off (bias_aligner), so rounding is
// a shift that clears the last bit on a tie: what the shift drops is zero then. The residual comes
// a cycle before the sum; the value 5 cycles behind the sum.
module rounding_lane #(
    parameter int SUM_BITS = 40
) (
    input  logic                       clk,
    input  logic        [        15:0] residual,
    input  logic        [        24:0] factor,       // 2^residual_shift, with the residual
    input  logic        [SUM_BITS-1:0] sum,
    input  logic        [         1:0] shift_eights, // 2 cycles behind the sum
    input  logic        [        30:0] dropped,      // bits that the shift drops; same cycle
    input  logic        [         2:0] shift_ones,   // 3 cycles behind the sum
    input  logic                       rounds,       // the shift is not zero; in the same cycle
    output logic        [        15:0] value,
    output logic                       saturated
);
  // One DSP block.
  logic signed [15:0] residual_q;
  logic signed [24:0] factor_q;
  logic signed [40:0] product;
  logic signed [SUM_BITS-1:0] sum_q, total;
  always_ff @(posedge clk) begin
    residual_q <= residual;
    factor_q <= factor;
    product <= residual_q * factor_q;
    sum_q <= sum;
    total <= sum_q + SUM_BITS'(product);
  end

  logic signed [SUM_BITS-1:0] coarse, fine;
  logic exact, tie;
  assign tie = exact && rounds;
  always_ff @(posedge clk) begin
    coarse <= total >>> {shift_eights, 3'b0};
    exact <= (total[30:0] & dropped) == '0;
    fine <= coarse >>> shift_ones;
    if (tie) fine[0] <= 1'b0;  // coarse[shift_ones] was the last bit that stays
  end

  logic fits;
  assign fits = fine[SUM_BITS-1:15] == {SUM_BITS - 15{fine[SUM_BITS-1]}};
  always_ff @(posedge clk) begin
    value <= fits ? fine[15:0] : {fine[SUM_BITS-1], {15{~fine[SUM_BITS-1]}}};
    saturated <= !fits;
  end
endmodule
