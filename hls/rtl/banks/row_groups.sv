// Tells the scoreboard which row groups are complete, in their order, and reports commands. A row
// group is complete when each bank that holds a row of it has taken that row's last word. Which
// banks these are stands in a queue; the rows that each bank took are counted.
module row_groups #(
    parameter int TOKENS = 8,
    parameter int GROUPS = 8  // that wait
) (
    input  logic              clk,
    input  logic              reset,
    // The next row group; with `group_report` the command's last one. No banks: a report alone.
    input  logic [TOKENS-1:0] group_banks,
    input  logic [       2:0] group_slot,
    input  logic              group_report,
    input  logic [      10:0] group_tag,
    input  logic              group_valid,
    output logic              group_ready,
    // A bank takes the last word of its row
    input  logic [TOKENS-1:0] ended,
    output logic [TOKENS-1:0] hold,           // the bank must not take one now
    output logic              complete,
    output logic [       2:0] complete_slot,
    output logic [      63:0] report,
    output logic              report_valid,
    input  logic              report_ready
);
  localparam int COUNT = 4;

  logic [TOKENS-1:0] banks;
  logic [2:0] slot;
  logic reports, valid, done;
  logic [10:0] tag;
  stream_fifo #(
      .WIDTH(TOKENS + 15),
      .DEPTH(GROUPS)
  ) queue (
      .clk,
      .reset,
      .in_data({group_tag, group_report, group_slot, group_banks}),
      .in_valid(group_valid),
      .in_ready(group_ready),
      .out_data({tag, reports, slot, banks}),
      .out_valid(valid),
      .out_ready(done)
  );

  logic [TOKENS-1:0][COUNT-1:0] rows;  // that ended and are in no row group that is done
  logic [TOKENS-1:0] there;
  always_comb
    for (int t = 0; t < TOKENS; t++) begin
      there[t] = rows[t] != '0;
      hold[t] = rows[t] == '1;
    end
  assign done = valid && (banks & ~there) == '0 && !(reports && report_valid && !report_ready);

  logic [10:0] report_tag;
  assign report = {1'b0, report_tag, 52'b0};
  always_ff @(posedge clk) begin
    for (int t = 0; t < TOKENS; t++)
      rows[t] <= rows[t] + COUNT'(ended[t]) - COUNT'(done && banks[t]);
    complete <= done && banks != '0 && slot != '0;
    complete_slot <= slot;
    if (done && reports) report_tag <= tag;
    report_valid <= (done && reports) || (report_valid && !report_ready);
    if (reset) begin
      rows <= '0;
      complete <= 1'b0;
      report_valid <= 1'b0;
    end
  end
endmodule
