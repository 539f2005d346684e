// Rounds the sums of a row per cycle in all column groups; group g works g cycles behind group 0.
// `row` is told 2 cycles ahead of the row's sums, its residual 1 cycle ahead; values come 5 cycles
// behind the sums, still skewed, and the number of saturated ones of the whole row PORTS cycles
// behind those of group 0.
module epilogue #(
    parameter int OUTPUTS = 32,
    parameter int DEPTH = 8,
    parameter int SUM_BITS = 40,
    parameter bit TRAINING = 1'b0
) (
    input  logic                                clk,
    input  logic                                reset,
    input  engine_types::row_t                  row,        // of group 0
    output logic [     OUTPUTS/DEPTH*3-1:0]     row_select, // of every group, with its sums
    input  logic [          OUTPUTS*16-1:0]     residual,
    input  logic [    OUTPUTS*SUM_BITS-1:0]     sums,
    output logic [          OUTPUTS*16-1:0]     values,
    output logic [          OUTPUTS*16-1:0]     partner,    // with the values
    output logic [   $clog2(OUTPUTS+1)-1:0]     saturated,
    output logic [                    15:0]     largest     // with it
);
  localparam int PORTS = OUTPUTS / DEPTH;
  localparam int COUNT = $clog2(OUTPUTS + 1);
  localparam int ROW = engine_types::ROW_BITS;

  // A record's first field is its highest bit: valid.
  logic [PORTS-1:0][ROW-1:0] rows;
  assign rows[0] = row;
  always_ff @(posedge clk) begin
    for (int g = 1; g < PORTS; g++) rows[g] <= {rows[g-1][ROW-1] && !reset, rows[g-1][ROW-2:0]};
  end

  logic [OUTPUTS-1:0] flags, flags_together;
  logic [PORTS-1:0][15:0] largest_of, largest_together;
  generate
    for (genvar g = 0; g < PORTS; g++) begin : groups
      rounding_group #(
          .DEPTH(DEPTH),
          .SUM_BITS(SUM_BITS),
          .GROUP(g),
          .TRAINING(TRAINING)
      ) group (
          .clk,
          .row(rows[g]),
          .row_select(row_select[3*g+:3]),
          .residual(residual[16*DEPTH*g+:16*DEPTH]),
          .sums(sums[SUM_BITS*DEPTH*g+:SUM_BITS*DEPTH]),
          .values(values[16*DEPTH*g+:16*DEPTH]),
          .partner(partner[16*DEPTH*g+:16*DEPTH]),
          .saturated(flags[DEPTH*g+:DEPTH]),
          .largest(largest_of[g])
      );
      delay #(
          .WIDTH(16),
          .CYCLES(PORTS - 1 - g)
      ) largest_too (
          .clk,
          .reset,
          .value(largest_of[g]),
          .delayed(largest_together[g])
      );
      delay #(
          .WIDTH(DEPTH),
          .CYCLES(PORTS - 1 - g)
      ) together (
          .clk,
          .reset,
          .value(flags[DEPTH*g+:DEPTH]),
          .delayed(flags_together[DEPTH*g+:DEPTH])
      );
    end
  endgenerate

  logic [COUNT-1:0] ones;
  always_comb begin
    ones = '0;
    for (int n = 0; n < OUTPUTS; n++) ones = ones + COUNT'(flags_together[n]);
  end
  always_ff @(posedge clk) saturated <= ones;
  always_comb begin
    largest = '0;
    for (int g = 0; g < PORTS; g++)
      if (largest_together[g] > largest) largest = largest_together[g];
  end
endmodule
