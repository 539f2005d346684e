// A word for two channels that take it when each of them is ready.
module stream_fork (
    input  logic       clk,
    input  logic       reset,
    input  logic       in_valid,
    output logic       in_ready,   // both have it with this cycle
    output logic [1:0] out_valid,
    input  logic [1:0] out_ready
);
  logic [1:0] has;  // that have taken it
  assign out_valid = in_valid ? ~has : '0;
  assign in_ready = (has | out_ready) == '1;
  always_ff @(posedge clk)
    has <= reset || !in_valid || in_ready ? '0 : has | out_ready;
endmodule
