// Sums of the operand's rows over their depth, beside the array: of dYᵀ they are the gradients of
// biases. A chain of adders a row takes element f a cycle behind element f - 1, as the elements come;
// an accumulator adds up the depth words. Rows end a cycle behind each other, so one unit rounds all.
// A row group's sums are a word of the output. Cycles count from the issue of its last depth word.
module operand_sums #(
    parameter int TOKENS = 8,
    parameter int DEPTH = 8,
    parameter int PORTS = 4,
    parameter int WORDS = 64      // row groups whose sums wait; each has a row in the output stream
) (
    input  logic                                 clk,
    input  logic                                 reset,
    input  engine_types::sum_step_t              step,
    input  logic [           TOKENS*DEPTH*16-1:0] activations,  // element (t, f): 3 + t + f later
    output logic [                TOKENS*16-1:0] word,
    output logic                                 word_valid,
    input  logic                                 word_ready,
    // Row t, DEPTH + PORTS + 11 + t cycles later: what result_path counts
    output logic                                 saturated,
    output logic [                         15:0] magnitude
);
  localparam int READ = 3;
  localparam int ROW = $clog2(TOKENS);
  localparam int DOT = 16 + $clog2(DEPTH);
  localparam int SUM = 16 + $clog2(DEPTH * (trivit_spec::MAX_DEPTH_WORDS + 1));
  localparam int STEP = engine_types::SUM_STEP_BITS;

  // What row t is told t cycles behind row 0: with element 0, and with the chain's sum.
  engine_types::sum_step_t read, added;
  logic [TOKENS-1:0] skips, begins;
  delay #(.WIDTH(STEP), .CYCLES(READ)) until_read (
      .clk, .reset, .value(step), .delayed(read));
  logic added_valid;
  logic [STEP-2:0] added_rest;  // below the valid bit
  delay #(.WIDTH(STEP - 1), .CYCLES(DEPTH)) until_added (
      .clk, .reset, .value(read[STEP-2:0]), .delayed(added_rest));
  delay #(.CYCLES(READ + DEPTH), .RESET(1'b1)) until_valid (
      .clk, .reset, .value(step[STEP-1]), .delayed(added_valid));
  assign added = {added_valid, added_rest};
  assign skips[0] = read.valid && read.first && read.skip;
  assign begins[0] = added.first;
  always_ff @(posedge clk) begin
    skips[TOKENS-1:1] <= skips[TOKENS-2:0];
    begins[TOKENS-1:1] <= begins[TOKENS-2:0];
  end

  logic signed [TOKENS-1:0][SUM-1:0] sums;
  generate
    for (genvar t = 0; t < TOKENS; t++) begin : rows
      logic signed [DOT-1:0] chain[DEPTH];
      always_ff @(posedge clk) begin
        chain[0] <= skips[t] ? '0 : DOT'($signed(activations[16*DEPTH*t+:16]));
        for (int f = 1; f < DEPTH; f++)
          chain[f] <= chain[f-1] + DOT'($signed(activations[16*(DEPTH*t+f)+:16]));
        sums[t] <= (begins[t] ? '0 : sums[t]) + SUM'(chain[DEPTH-1]);
      end
    end
  endgenerate

  // Rounding, a row a cycle: half of the unit is added, and a tie clears the last bit.
  localparam int WIDE = 33;
  logic active, active_1, active_2, rounded;
  logic [ROW-1:0] row, row_1, row_2, row_3;
  logic [3:0] count;
  logic [4:0] shift, shift_1;
  logic exists_1, exists_2, ends, overflow;
  logic signed [WIDE-1:0] chosen, half, total, shifted;
  logic [WIDE-1:0] below;
  logic tie;
  assign half = shift == '0 ? '0 : WIDE'(1) << (shift - 1'b1);
  assign chosen = WIDE'($signed(sums[row]));
  assign below = (WIDE'(1) << shift_1) - 1'b1;
  assign overflow = shifted[WIDE-1:15] != {WIDE - 15{shifted[WIDE-1]}};
  logic [15:0] value, clamped;
  assign clamped = overflow ? {shifted[WIDE-1], {15{~shifted[WIDE-1]}}}
                            : {shifted[15:1], shifted[0] && !tie};
  logic [TOKENS*16-1:0] collected;
  logic clamps;
  always_ff @(posedge clk) begin
    if (added.valid && added.last) begin
      active <= 1'b1;
      row <= '0;
      count <= added.rows;
      shift <= added.shift;
    end else begin
      row <= row + 1'b1;
      if (row == ROW'(TOKENS - 1)) active <= 1'b0;
    end
    total <= chosen + half;
    shift_1 <= shift;
    row_1 <= row;
    active_1 <= active;
    exists_1 <= 4'(row) < count;
    shifted <= total >>> shift_1;
    tie <= shift_1 != '0 && (total & below) == '0;
    row_2 <= row_1;
    active_2 <= active_1;
    exists_2 <= exists_1;
    value <= exists_2 ? clamped : '0;
    clamps <= active_2 && exists_2 && overflow;
    row_3 <= row_2;
    rounded <= active_2;
    if (rounded) collected[16*row_3+:16] <= value;
    ends <= rounded && row_3 == ROW'(TOKENS - 1);
    if (reset) begin
      active <= 1'b0;
      active_1 <= 1'b0;
      active_2 <= 1'b0;
      rounded <= 1'b0;
      ends <= 1'b0;
    end
  end

  logic [15:0] size;
  assign size = rounded ? (value[15] ? -value : value) : '0;
  delay #(.WIDTH(17), .CYCLES(PORTS + 4), .RESET(1'b1)) until_counted (
      .clk, .reset, .value({clamps, size}), .delayed({saturated, magnitude}));

  logic has_room;  // always: each has a row in the output stream
  stream_fifo #(
      .WIDTH(TOKENS * 16),
      .DEPTH(WORDS)
  ) queue (
      .clk,
      .reset,
      .in_data(collected),
      .in_valid(ends),
      .in_ready(has_room),
      .out_data(word),
      .out_valid(word_valid),
      .out_ready(word_ready)
  );
`ifndef SYNTHESIS
  always_ff @(posedge clk) assert (reset || !ends || has_room) else $error("sums overrun");
`endif
endmodule
