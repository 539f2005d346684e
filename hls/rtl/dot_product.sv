// A cascade of DEPTH DSP blocks: each multiplies two registered int16 and adds the product, registered,
// to the sum of the block before. Element f comes f cycles after element 0; the sum leaves DEPTH + 2
// cycles after element 0.
module dot_product #(
    parameter int DEPTH = 8
) (
    input  logic                clk,
    input  logic [DEPTH*16-1:0] a,
    input  logic [DEPTH*16-1:0] b,
    output logic [        47:0] sum
);
  logic [DEPTH-1:0][15:0] a_q, b_q;
  always_ff @(posedge clk) begin
    a_q <= a;
    b_q <= b;
  end

  // Sums are signals of their own: of one vector, the simulation would merge words of all blocks.
  generate
    for (genvar f = 0; f < DEPTH; f++) begin : dsp
      logic signed [31:0] product;
      logic signed [47:0] sum_in, sum_out;
      if (f == 0) begin : head
        assign sum_in = '0;
      end else begin : tail
        assign sum_in = dsp[f-1].sum_out;
      end
      always_ff @(posedge clk) begin
        product <= $signed(a_q[f]) * $signed(b_q[f]);
        sum_out <= sum_in + 48'(product);
      end
    end
  endgenerate
  assign sum = dsp[DEPTH-1].sum_out;
endmodule
