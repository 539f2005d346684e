// One DSP block: product of two registered int16, registered, added to the sum of the block before.
// a and b to sum_out: 3 cycles; sum_in to sum_out: 1.
module multiply_add #(
    parameter int BITS = 48
) (
    input  logic                   clk,
    input  logic signed [    15:0] a,
    input  logic signed [    15:0] b,
    input  logic signed [BITS-1:0] sum_in,
    output logic signed [BITS-1:0] sum_out
);
  logic signed [15:0] a_q, b_q;
  logic signed [31:0] product;
  always_ff @(posedge clk) begin
    a_q <= a;
    b_q <= b;
    product <= a_q * b_q;
    sum_out <= sum_in + BITS'(product);
  end
endmodule
