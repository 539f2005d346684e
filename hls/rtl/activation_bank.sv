// One bank: port A reads, port B reads or writes. Data two cycles after the address.
module activation_bank #(
    parameter int WIDTH = 128,
    parameter int WORDS = 15360
) (
    input  logic                     clk,
    input  logic [$clog2(WORDS)-1:0] a_address,
    output logic [        WIDTH-1:0] a_data,
    input  logic                     b_enable,
    input  logic                     b_write,
    input  logic [$clog2(WORDS)-1:0] b_address,
    input  logic [        WIDTH-1:0] b_written,
    output logic [        WIDTH-1:0] b_data
);
  (* ram_style = "block" *) logic [WIDTH-1:0] memory[WORDS];
  logic [WIDTH-1:0] a_read, b_read;

  always_ff @(posedge clk) a_read <= memory[a_address];
  always_ff @(posedge clk) begin
    if (b_enable) begin
      if (b_write) memory[b_address] <= b_written;
      else b_read <= memory[b_address];
    end
  end
  always_ff @(posedge clk) begin
    a_data <= a_read;
    b_data <= b_read;
  end
endmodule
