// A result's record some cycles later; only its valid bit is reset.
module result_delay #(
    parameter int CYCLES = 1
) (
    input  logic                  clk,
    input  logic                  reset,
    input  engine_types::result_t result,
    output engine_types::result_t delayed
);
  localparam int REST = engine_types::RESULT_BITS - 1;  // below the valid bit
  logic valid;
  logic [REST-1:0] rest;
  delay #(
      .CYCLES(CYCLES),
      .RESET(1'b1)
  ) valid_line (
      .clk,
      .reset,
      .value(result[REST]),
      .delayed(valid)
  );
  delay #(
      .WIDTH(REST),
      .CYCLES(CYCLES)
  ) line (
      .clk,
      .reset,
      .value(result[REST-1:0]),
      .delayed(rest)
  );
  assign delayed = {valid, rest};
endmodule
