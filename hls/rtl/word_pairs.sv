// Two words after each other become one of twice the width, the first one low.
module word_pairs #(
    parameter int WIDTH = 128
) (
    input  logic               clk,
    input  logic               reset,
    input  logic [  WIDTH-1:0] in_data,
    input  logic               in_valid,
    output logic               in_ready,
    output logic [2*WIDTH-1:0] out_data,
    output logic               out_valid,
    input  logic               out_ready
);
  logic half;
  assign in_ready = !out_valid || out_ready;

  always_ff @(posedge clk) begin
    if (in_valid && in_ready) begin
      out_data <= {in_data, out_data[2*WIDTH-1:WIDTH]};
      half <= !half;
    end
    out_valid <= in_ready ? in_valid && half : 1'b1;
    if (reset) begin
      half <= 1'b0;
      out_valid <= 1'b0;
    end
  end
endmodule
