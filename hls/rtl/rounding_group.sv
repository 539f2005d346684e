// The rounding lanes of one column group, and what they need when. Cycles count from `row`.
module rounding_group #(
    parameter int DEPTH = 8,
    parameter int SUM_BITS = 40,
    parameter int GROUP = 0,
    parameter bit TRAINING = 1'b0  // whether there are partners, and a largest magnitude
) (
    input  logic                              clk,
    input  logic [engine_types::ROW_BITS-1:0] row,
    output logic [                       2:0] row_select,  // 2 cycles later
    input  logic [              DEPTH*16-1:0] residual,    // 1
    input  logic [        DEPTH*SUM_BITS-1:0] sums,        // 2
    output logic [              DEPTH*16-1:0] values,      // 7
    output logic [              DEPTH*16-1:0] partner,     // 7; the residual
    output logic [                 DEPTH-1:0] saturated,   // 7; of values that count
    output logic [                      15:0] largest      // 8; magnitude of those
);
  localparam int STAGES = 8;

  function automatic logic [30:0] below(input logic [4:0] shift);
    for (int i = 0; i < 31; i++) below[i] = 5'(i) < shift;
  endfunction

  logic [STAGES-1:0][engine_types::ROW_BITS-1:0] later;
  engine_types::row_t scaled, selected, masked, shifted, clamping, valued;
  assign later[0] = row;
  always_ff @(posedge clk) later[STAGES-1:1] <= later[STAGES-2:0];
  assign scaled = later[1];
  assign selected = later[2];
  assign masked = later[3];
  assign shifted = later[4];
  assign clamping = later[5];
  assign valued = later[7];

  assign row_select = selected.row;
  logic [24:0] factor;
  assign factor = TRAINING && scaled.partner ? '0 : 25'd1 << scaled.residual_shift;
  logic [30:0] dropped;
  always_ff @(posedge clk) dropped <= below(masked.out_shift);
  logic counts;
  assign counts = valued.valid && {1'b0, valued.row} < valued.rows && 4'(GROUP) < valued.words;

  generate
    for (genvar n = 0; n < DEPTH; n++) begin : lanes
      logic clamped;
      rounding_lane #(
          .SUM_BITS(SUM_BITS)
      ) lane (
          .clk,
          .residual(residual[16*n+:16]),
          .factor,
          .sum(sums[SUM_BITS*n+:SUM_BITS]),
          .shift_eights(shifted.out_shift[4:3]),
          .dropped,
          .shift_ones(clamping.out_shift[2:0]),
          .rounds(clamping.out_shift != 5'd0),
          .value(values[16*n+:16]),
          .saturated(clamped)
      );
      assign saturated[n] = clamped && counts;
    end
    if (TRAINING) begin : training
      delay #(
          .WIDTH(DEPTH * 16),
          .CYCLES(6)
      ) until_valued (
          .clk,
          .reset(1'b0),
          .value(residual),
          .delayed(partner)
      );
      logic [DEPTH-1:0][15:0] sizes;
      always_comb begin
        for (int n = 0; n < DEPTH; n++)
          sizes[n] = values[16*n+15] ? -values[16*n+:16] : values[16*n+:16];
        for (int step = 1; step < DEPTH; step *= 2)
          for (int n = 0; n + step < DEPTH; n += 2 * step)
            if (sizes[n+step] > sizes[n]) sizes[n] = sizes[n+step];
      end
      always_ff @(posedge clk) largest <= counts ? sizes[0] : '0;
    end else begin : inference
      assign partner = '0;
      assign largest = '0;
    end
  endgenerate
endmodule
