// Brings the reports of all units into one log, a word of 128 bits each, in the order in which they
// came: cycle 47:0, unit 51:48, tag 62:52, failed 63, saturated values 95:64, and 127:96 the cycle
// of the first depth word (engine) or 0. Answers to end commands are taken and forgotten.
module reporter #(
    parameter int UNITS = 12,
    parameter int REPORT_BITS = 44,  // failed, tag, saturated values
    parameter int BEGUN = 16         // products between first depth word and report
) (
    input  logic                         clk,
    input  logic                         reset,
    input  logic [                 47:0] cycle,
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
  always_ff @(posedge clk) if (logged) latest_tag <= chosen[42:32];
  always_ff @(posedge clk) previous <= reset ? '0 : taken ? choice : previous;

  // A placement reports only when it was refused; it has not begun.
  logic [31:0] begun;
  logic begun_valid, begun_room;
  assign is_product = choice == UNIT'(ENGINE) && !chosen[REPORT_BITS-1];
  stream_fifo #(
      .WIDTH(32),
      .DEPTH(BEGUN)
  ) beginnings (
      .clk,
      .reset,
      .in_data(cycle[31:0]),
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
        is_product ? begun : 32'b0, chosen[31:0], chosen[REPORT_BITS-1:32], 4'(choice), cycle
      }),
      .in_valid(logged),
      .in_ready(has_room),
      .out_data(word),
      .out_valid(word_valid),
      .out_ready(word_ready)
  );
endmodule
