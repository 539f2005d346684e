// One lane of one output's words in the ring: written and read independently, data two cycles after
// the read address.
module weight_memory #(
    parameter int WORDS = 1024
) (
    input  logic                     clk,
    input  logic                     write,
    input  logic [$clog2(WORDS)-1:0] write_address,
    input  logic [             15:0] written,
    input  logic [$clog2(WORDS)-1:0] read_address,
    output logic [             15:0] data
);
  (* ram_style = "block" *) logic [15:0] memory[WORDS];
  logic [15:0] read;
  always_ff @(posedge clk) begin
    if (write) memory[write_address] <= written;
    read <= memory[read_address];
    data <= read;
  end
endmodule
