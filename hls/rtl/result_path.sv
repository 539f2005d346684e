// What becomes of the sums: their records wait until the array is done, rows are rounded one a
// cycle in each column group, sent to the stream and reported. Cycles count from the issue of a row
// group's last depth word (README.md).
module result_path #(
    parameter int TOKENS = 8,
    parameter int OUTPUTS = 32,
    parameter int DEPTH = 8,
    parameter int SUM_BITS = 40,
    parameter int STREAM_ROWS = 64,
    parameter bit TRAINING = 1'b0
) (
    input  logic                              clk,
    input  logic                              reset,
    input  engine_types::result_t             result,
    output logic [     OUTPUTS/DEPTH*3-1:0]   row_select,
    input  logic [    OUTPUTS*SUM_BITS-1:0]   sums,
    // Port B of the banks
    output engine_types::result_t             to_read,
    output logic                              to_add,
    output logic [                     2:0]   add_row,
    output logic [                     3:0]   add_words,
    input  logic [          OUTPUTS*16-1:0]   residual,
    output engine_types::result_t             to_write,
    output logic [          OUTPUTS*16-1:0]   values,
    // Stream; rows that a row group takes when it is issued
    input  logic [                     3:0]   stream_rows,
    output logic [   $clog2(STREAM_ROWS):0]   stream_room,
    output logic [          OUTPUTS*16-1:0]   row,
    output logic [          OUTPUTS*16-1:0]   row_partner,
    output logic [                     2:0]   row_to,
    output engine_types::row_place_t          row_place,
    output logic                              row_last,
    output logic                              row_valid,
    input  logic                              row_ready,
    // What operand_sums rounds, in time for the product's report
    input  logic                              sum_saturated,
    input  logic [                    15:0]   sum_magnitude,
    // Reports: so many are taken when a product begins; room for one, for two
    input  logic [                     1:0]   report_take,
    output logic [                     1:0]   report_room,
    output logic [engine_types::REPORT_BITS-1:0] report,
    output logic                              report_valid,
    input  logic                              report_ready
);
  localparam int PORTS = OUTPUTS / DEPTH;
  localparam int REPORTS = 16;
  localparam int AT_RESIDUAL_READ = DEPTH - PORTS - 1;
  localparam int AT_ROW = DEPTH + 3;                   // the epilogue is told of row 0
  localparam int AT_WRITE = DEPTH + 10;
  localparam int AT_REPORT = DEPTH + PORTS + TOKENS + 10;

  // Results, at four points of their way
  engine_types::result_t to_round, to_report;
  result_delay #(.CYCLES(AT_RESIDUAL_READ)) until_read (
      .clk, .reset, .result(result), .delayed(to_read));
  result_delay #(.CYCLES(AT_ROW - AT_RESIDUAL_READ)) until_round (
      .clk, .reset, .result(to_read), .delayed(to_round));
  result_delay #(.CYCLES(AT_WRITE - AT_ROW)) until_write (
      .clk, .reset, .result(to_round), .delayed(to_write));
  result_delay #(.CYCLES(AT_REPORT - AT_WRITE)) until_report (
      .clk, .reset, .result(to_write), .delayed(to_report));

  engine_types::row_t rounded, sent;
  always_ff @(posedge clk) begin
    if (to_round.valid) begin
      rounded.valid <= 1'b1;
      rounded.residual <= to_round.residual;
      rounded.stream <= to_round.stream;
      rounded.partner <= to_round.partner;
      rounded.sums <= to_round.sums;
      rounded.port <= to_round.port;
      rounded.finish <= to_round.finish;
      rounded.row <= '0;
      rounded.rows <= to_round.rows;
      rounded.words <= to_round.words;
      rounded.out_shift <= to_round.out_shift;
      rounded.residual_shift <= to_round.residual_shift;
    end else begin
      rounded.row <= rounded.row + 1'b1;
      if (rounded.row == 3'(TOKENS - 1)) rounded.valid <= 1'b0;
    end
    if (reset) rounded.valid <= 1'b0;
  end

  logic [$clog2(OUTPUTS+1)-1:0] saturated;
  logic [15:0] largest;
  logic [OUTPUTS*16-1:0] partners;
  epilogue #(
      .OUTPUTS(OUTPUTS),
      .DEPTH(DEPTH),
      .SUM_BITS(SUM_BITS),
      .TRAINING(TRAINING)
  ) rounding (
      .clk,
      .reset,
      .row(rounded),
      .row_select,
      .residual,
      .sums,
      .values,
      .partner(partners),
      .saturated,
      .largest
  );

  delay #(
      .WIDTH(engine_types::ROW_BITS),
      .CYCLES(7)
  ) until_sent (
      .clk,
      .reset,
      .value(rounded),
      .delayed(sent)
  );
  logic row_ends;
  assign row_ends = {1'b0, sent.row} + 1'b1 == sent.rows;
  row_stream #(
      .OUTPUTS(OUTPUTS),
      .DEPTH(DEPTH),
      .ROWS(STREAM_ROWS),
      .TRAINING(TRAINING)
  ) stream (
      .clk,
      .reset,
      .take(stream_rows),
      .room(stream_room),
      .send(sent.valid && sent.stream != '0 && {1'b0, sent.row} < sent.rows),
      .send_last(sent.finish && row_ends),
      .send_to(sent.stream),
      .send_place({sent.sums, row_ends, sent.port, sent.row, sent.words}),
      .values,
      .partners,
      .row,
      .partner(row_partner),
      .row_to,
      .row_place,
      .row_last,
      .row_valid,
      .row_ready
  );

  assign to_add = to_round.valid && to_round.residual;
  assign add_row = rounded.row;
  assign add_words = rounded.residual ? rounded.words : '0;

  // Reports; behind that of a product with sums comes theirs.
  logic [23:0] total, sums_total, counted, sums_counted;
  logic [15:0] most, sums_most, most_counted, sums_most_counted;
  logic [4:0] reports;
  logic reported, sums_reported, unused_room;
  logic [engine_types::REPORT_BITS-1:0] product_report, sums_report;
  assign reported = to_report.valid && to_report.finish;
  assign report_room = {reports < 5'(REPORTS - 1), reports != 5'(REPORTS)};
  assign counted = total + 24'(saturated);
  assign most_counted = largest > most ? largest : most;
  assign sums_counted = sums_total + 24'(sum_saturated);
  assign sums_most_counted = sum_magnitude > sums_most ? sum_magnitude : sums_most;
  assign product_report = {to_report.failed, to_report.tag, 12'b0, most_counted, counted};
  always_ff @(posedge clk) begin
    total <= reset || reported ? '0 : counted;
    most <= reset || reported ? '0 : most_counted;
    sums_total <= reset || reported ? '0 : sums_counted;
    sums_most <= reset || reported ? '0 : sums_most_counted;
    sums_reported <= TRAINING && reported && to_report.two_reports && !reset;
    sums_report <= {1'b0, to_report.tag, 1'b1, 11'b0, sums_most_counted, sums_counted};
    reports <= reset ? '0 : reports + 5'(report_take) - 5'(report_valid && report_ready);
  end
  stream_fifo #(
      .WIDTH(engine_types::REPORT_BITS),
      .DEPTH(REPORTS)
  ) report_queue (
      .clk,
      .reset,
      .in_data(sums_reported ? sums_report : product_report),
      .in_valid(reported || sums_reported),
      .in_ready(unused_room),
      .out_data(report),
      .out_valid(report_valid),
      .out_ready(report_ready)
  );
endmodule
