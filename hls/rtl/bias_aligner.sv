// What the sums of a column group begin with: bias · 2^bias_shift + half of the rounded-off unit.
// One shifter serves the group's DEPTH columns, one a cycle. Column 0 is aligned 4 cycles after
// `from`, and all columns are handed to the array together DEPTH + 3 cycles after it; a row group
// takes DEPTH cycles at least, so the next one's columns follow exactly behind.
module bias_aligner #(
    parameter int DEPTH = 8,
    parameter int SUM_BITS = 40,
    parameter int WEIGHT_TILES = 64
) (
    input  logic                            clk,
    input  logic                            reset,
    input  engine_types::start_t            from,
    output logic [$clog2(WEIGHT_TILES)-1:0] bias_read,
    input  logic [            DEPTH*16-1:0] biases,     // in the same cycle
    output logic [      DEPTH*SUM_BITS-1:0] start       // DEPTH + 4 cycles after `from`
);
  localparam int OUT = $clog2(DEPTH);

  assign bias_read = from.index[$clog2(WEIGHT_TILES)-1:0];

  logic [DEPTH*16-1:0] word;
  logic [4:0] bias_shift, out_shift;
  logic [OUT-1:0] column, column_1, column_2;
  logic active, active_1, active_2;
  logic signed [SUM_BITS-1:0] aligned, half, half_1, sum;
  logic [DEPTH*SUM_BITS-1:0] next;
  logic load;

  delay #(.CYCLES(DEPTH + 3), .RESET(1'b1)) loading (
      .clk, .reset, .value(from.valid), .delayed(load));

  assign half = out_shift == '0 ? '0 : SUM_BITS'(1) << (out_shift - 1'b1);

  always_ff @(posedge clk) begin
    if (from.valid) begin
      word <= from.bias ? biases : '0;
      bias_shift <= from.bias_shift;
      out_shift <= from.out_shift;
      column <= '0;
    end else begin
      column <= column + 1'b1;
    end
    active <= !reset && (from.valid || (active && column != OUT'(DEPTH - 1)));
    column_1 <= column;
    active_1 <= active && !reset;
    aligned <= SUM_BITS'($signed(word[16*column+:16])) << bias_shift;
    half_1 <= half;
    column_2 <= column_1;
    active_2 <= active_1 && !reset;
    sum <= aligned + half_1;
    for (int n = 0; n < DEPTH; n++)
      if (active_2 && column_2 == OUT'(n)) next[SUM_BITS*n+:SUM_BITS] <= sum;
    if (load) start <= next;
  end
endmodule
