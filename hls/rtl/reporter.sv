// Brings the reports of all units into one log, a word of 128 bits each, in the order in which they
// came: cycle 39:0, unit 44:40, tag 55:45, failed 56, and from 64 on the report's figure of 52 bits:
// saturated values 87:64, largest magnitude 103:88. Of a product 127:104 are the low bits of the cycle
// of its first depth word. Answers to end commands are taken and forgotten.
module reporter #(
    parameter int UNITS = 12,
    parameter int REPORT_BITS = engine_types::REPORT_BITS,
    parameter int BEGUN = 16         // products between first depth word and report
) (
    input  logic                         clk,
    input  logic                         reset,
    input  logic [                 39:0] cycle,
    input  logic [UNITS*REPORT_BITS-1:0] report,    // in the order of the units' numbers
    input  logic [            UNITS-1:0] ends,      // it answers an end command
    input  logic [            UNITS-1:0] valid,
    output logic [            UNITS-1:0] ready,
    input  logic                         begins,    // a product issues its first depth word
    output logic [                127:0] word,
    output logic                         word_valid,
    input  logic                         word_ready,
    output logic [                 10:0] latest_tag  // of what was logged
);
  localparam int UNIT = $clog2(UNITS);
  localparam int ENGINE = trivit_commands::UNIT_ENGINE;

  logic [UNIT-1:0] choice, previous;
  logic [REPORT_BITS-1:0] chosen;
  logic has_room, taken, logged, is_product;

  // The first unit behind the previous one that has a report.
  always_comb begin
    choice = previous;
    for (int u = UNITS - 1; u >= 0; u--) if (valid[u]) choice = UNIT'(u);
    for (int u = UNITS - 1; u >= 0; u--) if (valid[u] && UNIT'(u) > previous) choice = UNIT'(u);
    chosen = '0;
    for (int u = 0; u < UNITS; u++)
      if (choice == UNIT'(u)) chosen = report[REPORT_BITS*u+:REPORT_BITS];
  end
  assign taken = valid != '0 && has_room;
  assign logged = taken && !ends[choice];
  always_comb
    for (int u = 0; u < UNITS; u++) ready[u] = taken && choice == UNIT'(u);
  always_ff @(posedge clk) if (logged) latest_tag <= chosen[62:52];
  always_ff @(posedge clk) previous <= reset ? '0 : taken ? choice : previous;

  // A placement reports only when it was refused; it has not begun. Nor has what a second report is of.
  localparam int FIGURE = engine_types::FIGURE_BITS;
  logic [23:0] begun;
  logic [63:0] figure;
  logic begun_valid, begun_room;
  assign is_product = choice == UNIT'(ENGINE) && !chosen[REPORT_BITS-1] && !chosen[FIGURE-1];
  assign figure = is_product ? {begun, chosen[39:0]}
      : {12'b0, choice != UNIT'(ENGINE) && chosen[FIGURE-1], chosen[FIGURE-2:0]};
  stream_fifo #(
      .WIDTH(24),
      .DEPTH(BEGUN)
  ) beginnings (
      .clk,
      .reset,
      .in_data(cycle[23:0]),
      .in_valid(begins),
      .in_ready(begun_room),
      .out_data(begun),
      .out_valid(begun_valid),
      .out_ready(logged && is_product)
  );
`ifndef SYNTHESIS
  always_ff @(posedge clk) begin
    assert (reset || !begins || begun_room) else $error("more products under way than places");
    assert (reset || !(logged && is_product) || begun_valid)
    else $error("a product reports that has not begun");
  end
`else
  logic unused;
  assign unused = begun_room & begun_valid;
`endif

  stream_fifo #(
      .WIDTH(128),
      .DEPTH(16)
  ) log (
      .clk,
      .reset,
      .in_data({
        figure, 7'b0, chosen[REPORT_BITS-1], chosen[REPORT_BITS-2:FIGURE], 5'(choice), cycle
      }),
      .in_valid(logged),
      .in_ready(has_room),
      .out_data(word),
      .out_valid(word_valid),
      .out_ready(word_ready)
  );
endmodule
