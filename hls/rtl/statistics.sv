// Cycles since the last `clear` by what the array did or waited for (engine_types, STALL_*).
module statistics (
    input  logic                                  clk,
    input  logic                                  clear,
    input  logic [                           2:0] stall,
    output logic [engine_types::STALLS*32-1:0]    cycles
);
  localparam int STALLS = engine_types::STALLS;
  logic [2:0] stall_q;
  always_ff @(posedge clk) begin
    stall_q <= stall;
    for (int cause = 0; cause < STALLS; cause++)
      if (clear) cycles[32*cause+:32] <= '0;
      else if (stall_q == 3'(cause)) cycles[32*cause+:32] <= cycles[32*cause+:32] + 1'b1;
  end
endmodule
