// Cycles since the last `clear` by what a unit did or waited for.
module statistics #(
    parameter int CAUSES = 8
) (
    input  logic                      clk,
    input  logic                      clear,
    input  logic [$clog2(CAUSES)-1:0] cause,
    output logic [     CAUSES*32-1:0] cycles
);
  logic [$clog2(CAUSES)-1:0] cause_q;
  always_ff @(posedge clk) begin
    cause_q <= cause;
    for (int c = 0; c < CAUSES; c++)
      if (clear) cycles[32*c+:32] <= '0;
      else if (cause_q == ($clog2(CAUSES))'(c)) cycles[32*c+:32] <= cycles[32*c+:32] + 1'b1;
  end
endmodule
