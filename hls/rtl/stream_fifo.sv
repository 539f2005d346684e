// First in, first out: DEPTH words (a power of two) in distributed memory and one in the output
// register, so that neither side's logic reaches the other's.
module stream_fifo #(
    parameter int WIDTH = 16,
    parameter int DEPTH = 16
) (
    input  logic             clk,
    input  logic             reset,
    input  logic [WIDTH-1:0] in_data,
    input  logic             in_valid,
    output logic             in_ready,
    output logic [WIDTH-1:0] out_data,
    output logic             out_valid,
    input  logic             out_ready
);
  localparam int BITS = $clog2(DEPTH);

  (* ram_style = "distributed" *) logic [WIDTH-1:0] memory[DEPTH];
  logic [BITS:0] head, tail;  // of the memory; one bit more than the address
  logic push, pop;

  assign in_ready = (tail - head) != (BITS + 1)'(DEPTH);
  assign push = in_valid && in_ready;
  assign pop = head != tail && (!out_valid || out_ready);

  always_ff @(posedge clk) begin
    if (push) memory[tail[BITS-1:0]] <= in_data;
    if (pop) out_data <= memory[head[BITS-1:0]];
  end

  always_ff @(posedge clk) begin
    if (reset) begin
      head <= '0;
      tail <= '0;
      out_valid <= 1'b0;
    end else begin
      if (push) tail <= tail + 1'b1;
      if (pop) head <= head + 1'b1;
      out_valid <= pop || (out_valid && !out_ready);
    end
  end
endmodule
