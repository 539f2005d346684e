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
  logic [DEPTH-1:0][31:0] product;
  logic [DEPTH:0][47:0] cascade;  // cascade[f]: of the blocks before f
  assign cascade[0] = '0;
  always_ff @(posedge clk) begin
    for (int f = 0; f < DEPTH; f++) begin
      a_q[f] <= a[16*f+:16];
      b_q[f] <= b[16*f+:16];
      product[f] <= $signed(a_q[f]) * $signed(b_q[f]);
      cascade[f+1] <= cascade[f] + 48'($signed(product[f]));
    end
  end
  assign sum = cascade[DEPTH];
endmodule
