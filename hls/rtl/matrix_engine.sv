// The matrix engine: executes products in order, a depth word for TOKENS rows and OUTPUTS columns
// per cycle. README.md tells what stands where in time; cycles there count from the issue of a
// product step's last depth word.
module matrix_engine #(
    parameter int TOKENS = trivit_spec::TILE_TOKENS,
    parameter int OUTPUTS = trivit_spec::TILE_OUTPUTS,
    parameter int DEPTH = trivit_spec::TILE_DEPTH,
    parameter int ACTIVATION_DEPTH = trivit_spec::ACTIVATION_DEPTH,
    parameter int WEIGHT_DEPTH = trivit_spec::WEIGHT_DEPTH,
    parameter int WEIGHT_TILES = trivit_spec::WEIGHT_TILES,
    parameter int MAX_DEPTH_WORDS = trivit_spec::MAX_DEPTH_WORDS,
    parameter int SUM_BITS = trivit_spec::ENGINE_SUM_BITS,
    parameter int STREAM_ROWS = trivit_spec::ENGINE_STREAM_ROWS,
    parameter int COMMANDS = trivit_spec::ENGINE_COMMANDS
) (
    input  logic                                        clk,
    input  logic                                        reset,
    // Products
    input  logic [                              255:0]  command,  // engine_types::command_t
    input  logic                                        command_valid,
    output logic                                        command_ready,
    // Reports, in the order of the commands: saturated values, tag, failed
    output logic [                               48:0]  report,
    output logic                                        report_valid,
    input  logic                                        report_ready,
    // Weights, a stream for each port
    input  logic [                     OUTPUTS*16-1:0]  weight,
    input  logic [                  OUTPUTS/DEPTH-1:0]  weight_valid,
    output logic [                  OUTPUTS/DEPTH-1:0]  weight_ready,
    // Rows of results
    output logic [                     OUTPUTS*16-1:0]  row,
    output logic                                        row_last,
    output logic                                        row_valid,
    input  logic                                        row_ready,
    // The banks for everybody else; data 2 cycles after a read was taken
    input  logic [                         TOKENS-1:0]  bank_valid,
    output logic [                         TOKENS-1:0]  bank_ready,
    input  logic [                         TOKENS-1:0]  bank_write,
    input  logic [TOKENS*$clog2(ACTIVATION_DEPTH)-1:0]  bank_address,
    input  logic [                TOKENS*DEPTH*16-1:0]  bank_written,
    output logic [                         TOKENS-1:0]  bank_read,
    output logic [                TOKENS*DEPTH*16-1:0]  bank_data,
    // Scoreboard: row groups that others have written
    input  logic                                        mark,
    input  logic [                                2:0]  mark_slot,
    input  logic [                                8:0]  mark_groups,
    // State
    input  logic                                        clear_statistics,
    output logic [     engine_types::STALLS*32-1:0]     cycles,
    output logic [                                7:0]  error
);
  localparam int PORTS = OUTPUTS / DEPTH;
  localparam int WORD = DEPTH * 16;
  localparam int BANK = $clog2(ACTIVATION_DEPTH);
  localparam int RING = $clog2(WEIGHT_DEPTH);
  localparam int TILE = $clog2(WEIGHT_TILES);
  localparam int REPORTS = 16;

  // Cycles after the issue of a depth word (README.md).
  localparam int AT_CASCADE = DEPTH + 5;               // row 0, group 0 leaves the cascade
  localparam int AT_RESIDUAL_READ = DEPTH - PORTS - 1;
  localparam int AT_ROW = DEPTH + 3;                   // the epilogue is told of row 0
  localparam int AT_WRITE = DEPTH + 10;
  localparam int AT_REPORT = DEPTH + PORTS + TOKENS + 10;

`ifndef SYNTHESIS
  initial begin
    assert (TOKENS == DEPTH) else $fatal(1, "a block of the banks must be square");
    assert (DEPTH >= 2 * PORTS) else $fatal(1, "port B has no time for PORTS reads and writes");
    assert ($bits(engine_types::product_t) == engine_types::PRODUCT_BITS
            && $bits(engine_types::fill_t) == engine_types::FILL_BITS
            && $bits(engine_types::start_t) == engine_types::START_BITS
            && $bits(engine_types::result_t) == engine_types::RESULT_BITS
            && $bits(engine_types::row_t) == engine_types::ROW_BITS
            && $bits(engine_types::report_t) == engine_types::REPORT_BITS)
    else $fatal(1, "widths in engine_types are wrong");
    assert (PORTS > 1 && 1 << $clog2(PORTS) == PORTS && 1 << $clog2(TOKENS) == TOKENS)
    else $fatal(1, "tokens and ports must be powers of two, ports more than one");
    assert (TOKENS <= 8 && PORTS <= 8) else $fatal(1, "engine_types has no room for more");
    assert (WEIGHT_DEPTH == 1 << RING && WEIGHT_TILES == 1 << TILE)
    else $fatal(1, "the ring's sizes must be powers of two");
  end
`endif

  // Commands
  engine_types::command_t received;
  assign received = command;
  engine_types::product_t checked, queued;
  logic checked_valid, checked_ready, queued_valid, queued_ready;
  engine_types::fill_t fill;
  logic fill_valid, fill_ready;
  command_guard #(
      .TOKENS(TOKENS),
      .PORTS(PORTS),
      .ACTIVATION_DEPTH(ACTIVATION_DEPTH),
      .WEIGHT_DEPTH(WEIGHT_DEPTH),
      .WEIGHT_TILES(WEIGHT_TILES),
      .MAX_DEPTH_WORDS(MAX_DEPTH_WORDS),
      .SUM_BITS(SUM_BITS)
  ) guard (
      .clk,
      .reset,
      .command(received),
      .command_valid,
      .command_ready,
      .product(checked),
      .product_valid(checked_valid),
      .product_ready(checked_ready),
      .fill,
      .fill_valid,
      .fill_ready,
      .error
  );
  stream_fifo #(
      .WIDTH(engine_types::PRODUCT_BITS),
      .DEPTH(COMMANDS)
  ) commands (
      .clk,
      .reset,
      .in_data(checked),
      .in_valid(checked_valid),
      .in_ready(checked_ready),
      .out_data(queued),
      .out_valid(queued_valid),
      .out_ready(queued_ready)
  );

  // Issue
  engine_types::operand_t operand;
  engine_types::start_t start;
  engine_types::result_t result;
  logic [2:0] stall;
  logic claim, complete, complete_last, target_busy, report_room, report_take;
  logic [2:0] claim_slot, complete_slot, source_slot, residual_slot;
  logic [8:0] source_groups, residual_groups;
  logic [PORTS*(RING+1)-1:0] filled;
  logic [$clog2(STREAM_ROWS):0] stream_room;
  logic [3:0] stream_rows;
  issue #(
      .TOKENS(TOKENS),
      .PORTS(PORTS),
      .WEIGHT_DEPTH(WEIGHT_DEPTH),
      .STREAM_ROWS(STREAM_ROWS)
  ) issuing (
      .clk,
      .reset,
      .product(queued),
      .product_valid(queued_valid),
      .product_ready(queued_ready),
      .claim,
      .claim_slot,
      .source_slot,
      .source_groups,
      .residual_slot,
      .residual_groups,
      .target_busy,
      .filled,
      .stream_room,
      .stream_rows,
      .report_room,
      .report_take,
      .operand,
      .start,
      .result,
      .stall
  );
  scoreboard written (
      .clk,
      .reset,
      .claim,
      .claim_slot,
      .complete,
      .complete_slot,
      .finish(complete_last),
      .set(mark),
      .set_slot(mark_slot),
      .set_groups(mark_groups),
      .source_slot,
      .source_groups,
      .residual_slot,
      .residual_groups,
      .target_slot(claim_slot),
      .target_busy
  );
  statistics #(
      .CAUSES(engine_types::STALLS)
  ) counters (
      .clk,
      .clear(clear_statistics || reset),
      .cause(stall),
      .cycles
  );

  // Operand
  logic [TOKENS*BANK-1:0] a_address, b_address;
  logic [TOKENS*WORD-1:0] a_data, b_data, b_written, activations;
  logic [TOKENS-1:0] b_enable, b_write;
  operand_reader #(
      .TOKENS(TOKENS),
      .DEPTH(DEPTH),
      .ADDRESS_BITS(BANK)
  ) reader (
      .clk,
      .address(operand.address[BANK-1:0]),
      .transposed(operand.transposed),
      .banks(operand.banks),
      .bank_address(a_address),
      .bank_data(a_data),
      .operand(activations)
  );
  generate
    for (genvar t = 0; t < TOKENS; t++) begin : banks
      activation_bank #(
          .WIDTH(WORD),
          .WORDS(ACTIVATION_DEPTH)
      ) bank (
          .clk,
          .a_address(a_address[BANK*t+:BANK]),
          .a_data(a_data[WORD*t+:WORD]),
          .b_enable(b_enable[t]),
          .b_write(b_write[t]),
          .b_address(b_address[BANK*t+:BANK]),
          .b_written(b_written[WORD*t+:WORD]),
          .b_data(b_data[WORD*t+:WORD])
      );
    end
  endgenerate
  assign bank_data = b_data;

  // Weights and what the sums begin with
  logic [OUTPUTS*WORD-1:0] weights;
  logic [PORTS*TILE-1:0] bias_read;
  logic [OUTPUTS*16-1:0] biases;
  logic [OUTPUTS*SUM_BITS-1:0] starts, sums;
  weight_ring #(
      .OUTPUTS(OUTPUTS),
      .DEPTH(DEPTH),
      .WEIGHT_DEPTH(WEIGHT_DEPTH),
      .WEIGHT_TILES(WEIGHT_TILES)
  ) ring (
      .clk,
      .reset,
      .fill,
      .fill_valid,
      .fill_ready,
      .discard(error != 8'd0),
      .word(weight),
      .word_valid(weight_valid),
      .word_ready(weight_ready),
      .release_word(operand.release_word),
      .release_bias(start.release_bias),
      .filled,
      .read_address(operand.ring[RING-1:0]),
      .weights,
      .bias_read,
      .biases
  );
  logic [PORTS:0][engine_types::START_BITS-1:0] starts_of;
  assign starts_of[0] = start;
  always_ff @(posedge clk) starts_of[PORTS:1] <= starts_of[PORTS-1:0];
  generate
    for (genvar g = 0; g < PORTS; g++) begin : aligners
      bias_aligner #(
          .DEPTH(DEPTH),
          .SUM_BITS(SUM_BITS),
          .WEIGHT_TILES(WEIGHT_TILES)
      ) aligner (
          .clk,
          .reset,
          .from(starts_of[g+1]),
          .bias_read(bias_read[TILE*g+:TILE]),
          .biases(biases[WORD*g+:WORD]),
          .start(starts[SUM_BITS*DEPTH*g+:SUM_BITS*DEPTH])
      );
    end
  endgenerate

  // Array
  logic first;
  logic [PORTS*3-1:0] row_select;
  logic [PORTS*$clog2(TOKENS)-1:0] select;
  delay #(
      .CYCLES(AT_CASCADE)
  ) first_sum (
      .clk,
      .reset,
      .value(operand.valid && operand.first),
      .delayed(first)
  );
  always_comb
    for (int g = 0; g < PORTS; g++)
      select[$clog2(TOKENS)*g+:$clog2(TOKENS)] = row_select[3*g+:$clog2(TOKENS)];
  systolic_array #(
      .TOKENS(TOKENS),
      .OUTPUTS(OUTPUTS),
      .DEPTH(DEPTH),
      .SUM_BITS(SUM_BITS)
  ) array (
      .clk,
      .activations,
      .weights,
      .first,
      .start(starts),
      .row(select),
      .sums
  );

  // Results, at four points of their way
  engine_types::result_t to_read, to_round, to_write, to_report;
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
      rounded.to_stream <= to_round.to_stream;
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

  logic [OUTPUTS*16-1:0] residual, values;
  logic [$clog2(OUTPUTS+1)-1:0] saturated;
  epilogue #(
      .OUTPUTS(OUTPUTS),
      .DEPTH(DEPTH),
      .SUM_BITS(SUM_BITS)
  ) rounding (
      .clk,
      .reset,
      .row(rounded),
      .row_select,
      .residual,
      .sums,
      .values,
      .saturated
  );

  write_back #(
      .TOKENS(TOKENS),
      .PORTS(PORTS),
      .WIDTH(WORD),
      .ADDRESS_BITS(BANK)
  ) port_b (
      .clk,
      .reset,
      .to_read,
      .to_add(to_round.valid && to_round.residual),
      .add_row(rounded.row),
      .add_words(rounded.residual ? rounded.words : 4'd0),
      .residual,
      .to_write,
      .values,
      .complete,
      .complete_slot,
      .complete_last,
      .b_enable,
      .b_write,
      .b_address,
      .b_written,
      .b_data,
      .other_valid(bank_valid),
      .other_ready(bank_ready),
      .other_write(bank_write),
      .other_address(bank_address),
      .other_written(bank_written),
      .other_read(bank_read)
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
  row_stream #(
      .OUTPUTS(OUTPUTS),
      .DEPTH(DEPTH),
      .ROWS(STREAM_ROWS)
  ) stream (
      .clk,
      .reset,
      .take(stream_rows),
      .room(stream_room),
      .send(sent.valid && sent.to_stream && {1'b0, sent.row} < sent.rows),
      .send_last(sent.finish && {1'b0, sent.row} + 1'b1 == sent.rows),
      .values,
      .row,
      .row_last,
      .row_valid,
      .row_ready
  );

  // Reports
  logic [31:0] total;
  logic [4:0] reports;
  logic reported, unused_room;
  assign reported = to_report.valid && to_report.finish;
  assign report_room = reports != 5'(REPORTS);
  always_ff @(posedge clk) begin
    total <= reset || reported ? '0 : total + 32'(saturated);
    reports <= reset ? '0 : reports + 5'(report_take) - 5'(report_valid && report_ready);
  end
  stream_fifo #(
      .WIDTH(engine_types::REPORT_BITS),
      .DEPTH(REPORTS)
  ) done (
      .clk,
      .reset,
      .in_data({to_report.failed, to_report.tag, total + 32'(saturated)}),
      .in_valid(reported),
      .in_ready(unused_room),
      .out_data(report),
      .out_valid(report_valid),
      .out_ready(report_ready)
  );
endmodule
