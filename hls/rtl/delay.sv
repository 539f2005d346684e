// A value some cycles later. With RESET it is zero after a reset.
module delay #(
    parameter int WIDTH = 1,
    parameter int CYCLES = 1,
    parameter bit RESET = 1'b0
) (
    input  logic             clk,
    input  logic             reset,
    input  logic [WIDTH-1:0] value,
    output logic [WIDTH-1:0] delayed
);
  generate
    if (CYCLES == 0) begin : none
      logic unused;
      assign unused = clk & reset;
      assign delayed = value;
    end else if (CYCLES == 1) begin : one
      always_ff @(posedge clk) delayed <= reset && RESET ? '0 : value;
    end else begin : some
      logic [CYCLES*WIDTH-1:0] stages;
      always_ff @(posedge clk)
        stages <= reset && RESET ? '0 : {stages[(CYCLES-1)*WIDTH-1:0], value};
      assign delayed = stages[(CYCLES-1)*WIDTH+:WIDTH];
    end
  endgenerate
endmodule
