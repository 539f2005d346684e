// The engine at a small geometry and its units, side by side in one simulation (one build). Test
// benches drive the signals here; each unit has a clock of its own, and what is not clocked costs
// nothing. Sizes are those of SMALL in designs.py.
module rtl_bench;
  localparam int TOKENS = 4;
  localparam int OUTPUTS = 8;
  localparam int DEPTH = 4;
  localparam int PORTS = 2;
  localparam int ACTIVATION_DEPTH = 480;
  localparam int WEIGHT_DEPTH = 64;
  localparam int WEIGHT_TILES = 8;
  localparam int MAX_DEPTH_WORDS = 32;
  localparam int SUM_BITS = trivit_spec::ENGINE_SUM_BITS;

  // matrix_engine
  logic engine_clk, engine_reset, engine_command_valid, engine_command_ready;
  logic [255:0] engine_command, engine_cycles, engine_bank_written, engine_bank_data;
  logic [63:0] engine_report;
  logic engine_report_valid, engine_report_ready;
  logic [127:0] engine_weight, engine_row, engine_row_partner;
  logic [63:0] engine_sums_word;
  logic engine_sums_valid, engine_sums_ready;
  logic [1:0] engine_weight_valid, engine_weight_ready;
  logic engine_row_last, engine_row_valid, engine_row_ready;
  logic [3:0] engine_bank_valid, engine_bank_ready, engine_bank_write, engine_bank_read;
  logic [35:0] engine_bank_address;
  logic engine_begins, engine_clear_statistics;
  logic [2:0] engine_announce;
  logic [2:0] engine_row_to;
  logic [engine_types::ROW_PLACE_BITS-1:0] engine_row_place;
  logic [3:0] engine_outside_complete;
  logic [11:0] engine_outside_slot;
  logic [engine_types::SLOTS*engine_types::COUNT_BITS-1:0] engine_slot_groups;
  logic [7:0] engine_error;
  matrix_engine #(
      .TOKENS(TOKENS),
      .OUTPUTS(OUTPUTS),
      .DEPTH(DEPTH),
      .ACTIVATION_DEPTH(ACTIVATION_DEPTH),
      .WEIGHT_DEPTH(WEIGHT_DEPTH),
      .WEIGHT_TILES(WEIGHT_TILES),
      .MAX_DEPTH_WORDS(MAX_DEPTH_WORDS),
      .TRAINING(1'b1)
  ) engine (
      .clk(engine_clk),
      .reset(engine_reset),
      .command(engine_command),
      .command_valid(engine_command_valid),
      .command_ready(engine_command_ready),
      .begins(engine_begins),
      .announce(engine_announce),
      .report(engine_report),
      .report_valid(engine_report_valid),
      .report_ready(engine_report_ready),
      .weight(engine_weight),
      .weight_valid(engine_weight_valid),
      .weight_ready(engine_weight_ready),
      .row(engine_row),
      .row_partner(engine_row_partner),
      .sums_word(engine_sums_word),
      .sums_valid(engine_sums_valid),
      .sums_ready(engine_sums_ready),
      .row_to(engine_row_to),
      .row_place(engine_row_place),
      .row_last(engine_row_last),
      .row_valid(engine_row_valid),
      .row_ready(engine_row_ready),
      .bank_valid(engine_bank_valid),
      .bank_ready(engine_bank_ready),
      .bank_write(engine_bank_write),
      .bank_address(engine_bank_address),
      .bank_written(engine_bank_written),
      .bank_read(engine_bank_read),
      .bank_data(engine_bank_data),
      .outside_complete(engine_outside_complete),
      .outside_slot(engine_outside_slot),
      .slot_groups(engine_slot_groups),
      .clear_statistics(engine_clear_statistics),
      .cycles(engine_cycles),
      .error(engine_error),
      .error_tag()
  );

  // systolic_array
  logic array_clk, array_first;
  logic [TOKENS*DEPTH*16-1:0] array_activations;
  logic [OUTPUTS*DEPTH*16-1:0] array_weights;
  logic [OUTPUTS*SUM_BITS-1:0] array_start, array_sums;
  logic [PORTS*2-1:0] array_row;
  systolic_array #(
      .TOKENS(TOKENS),
      .OUTPUTS(OUTPUTS),
      .DEPTH(DEPTH),
      .SUM_BITS(SUM_BITS)
  ) array (
      .clk(array_clk),
      .activations(array_activations),
      .weights(array_weights),
      .first(array_first),
      .start(array_start),
      .row(array_row),
      .sums(array_sums)
  );

  // operand_reader with its banks
  logic operand_clk, operand_transposed;
  logic [8:0] operand_address;
  logic [3:0] operand_banks;
  logic [TOKENS*DEPTH*16-1:0] operand_operand, operand_data;
  logic [TOKENS*9-1:0] operand_bank_address, operand_b_address;
  logic [TOKENS-1:0] operand_b_enable, operand_b_write;
  logic [TOKENS*DEPTH*16-1:0] operand_b_written, operand_b_data;
  operand_reader #(
      .TOKENS(TOKENS),
      .DEPTH(DEPTH),
      .ADDRESS_BITS(9)
  ) reader (
      .clk(operand_clk),
      .address(operand_address),
      .transposed(operand_transposed),
      .banks(operand_banks),
      .bank_address(operand_bank_address),
      .bank_data(operand_data),
      .operand(operand_operand)
  );
  generate
    for (genvar t = 0; t < TOKENS; t++) begin : banks
      activation_bank #(
          .WIDTH(DEPTH * 16),
          .WORDS(ACTIVATION_DEPTH)
      ) bank (
          .clk(operand_clk),
          .a_address(operand_bank_address[9*t+:9]),
          .a_data(operand_data[64*t+:64]),
          .b_enable(operand_b_enable[t]),
          .b_write(operand_b_write[t]),
          .b_address(operand_b_address[9*t+:9]),
          .b_written(operand_b_written[64*t+:64]),
          .b_data(operand_b_data[64*t+:64])
      );
    end
  endgenerate

  // weight_ring
  logic ring_clk, ring_reset, ring_fill_valid, ring_fill_ready, ring_discard;
  logic [engine_types::FILL_BITS-1:0] ring_fill;
  logic [PORTS-1:0] ring_place_room, ring_place, ring_block_valid;
  logic [PORTS*6-1:0] ring_place_address;
  logic [5:0] ring_block_address;
  logic [DEPTH*DEPTH*16-1:0] ring_block;
  logic [OUTPUTS*16-1:0] ring_weight, ring_biases;
  logic [PORTS-1:0] ring_weight_valid, ring_weight_ready;
  logic ring_release_word, ring_release_bias;
  logic [PORTS*7-1:0] ring_filled;
  logic [5:0] ring_read_address;
  logic [PORTS*3-1:0] ring_bias_read;
  logic [OUTPUTS*DEPTH*16-1:0] ring_weights;
  weight_ring #(
      .OUTPUTS(OUTPUTS),
      .DEPTH(DEPTH),
      .WEIGHT_DEPTH(WEIGHT_DEPTH),
      .WEIGHT_TILES(WEIGHT_TILES)
  ) ring (
      .clk(ring_clk),
      .reset(ring_reset),
      .fill(ring_fill),
      .fill_valid(ring_fill_valid),
      .fill_ready(ring_fill_ready),
      .discard(ring_discard),
      .word(ring_weight),
      .word_valid(ring_weight_valid),
      .word_ready(ring_weight_ready),
      .place_room(ring_place_room),
      .place(ring_place),
      .place_address(ring_place_address),
      .block_valid(ring_block_valid),
      .block_address(ring_block_address),
      .block(ring_block),
      .release_word(ring_release_word),
      .release_bias(ring_release_bias),
      .filled(ring_filled),
      .read_address(ring_read_address),
      .weights(ring_weights),
      .bias_read(ring_bias_read),
      .biases(ring_biases)
  );

  // bias_aligner, and rounding_lane
  logic aligner_clk, aligner_reset;
  logic [20:0] aligner_from;
  logic [2:0] aligner_bias_read;
  logic [DEPTH*16-1:0] aligner_biases;
  logic [DEPTH*SUM_BITS-1:0] aligner_start;
  bias_aligner #(
      .DEPTH(DEPTH),
      .SUM_BITS(SUM_BITS),
      .WEIGHT_TILES(WEIGHT_TILES)
  ) aligner (
      .clk(aligner_clk),
      .reset(aligner_reset),
      .from(aligner_from),
      .bias_read(aligner_bias_read),
      .biases(aligner_biases),
      .start(aligner_start)
  );

  logic lane_clk, lane_rounds, lane_saturated;
  logic [15:0] lane_residual, lane_value;
  logic [24:0] lane_factor;
  logic [SUM_BITS-1:0] lane_sum;
  logic [1:0] lane_shift_eights;
  logic [30:0] lane_dropped;
  logic [2:0] lane_shift_ones;
  rounding_lane #(
      .SUM_BITS(SUM_BITS)
  ) lane (
      .clk(lane_clk),
      .residual(lane_residual),
      .factor(lane_factor),
      .sum(lane_sum),
      .shift_eights(lane_shift_eights),
      .dropped(lane_dropped),
      .shift_ones(lane_shift_ones),
      .rounds(lane_rounds),
      .value(lane_value),
      .saturated(lane_saturated)
  );

  // stream_fifo
  logic fifo_clk, fifo_reset, fifo_in_valid, fifo_in_ready, fifo_out_valid, fifo_out_ready;
  logic [15:0] fifo_in_data, fifo_out_data;
  stream_fifo #(
      .WIDTH(16),
      .DEPTH(8)
  ) fifo (
      .clk(fifo_clk),
      .reset(fifo_reset),
      .in_data(fifo_in_data),
      .in_valid(fifo_in_valid),
      .in_ready(fifo_in_ready),
      .out_data(fifo_out_data),
      .out_valid(fifo_out_valid),
      .out_ready(fifo_out_ready)
  );

  // scoreboard
  logic board_clk, board_reset, board_begins, board_writes, board_claim, board_busy;
  logic board_complete, board_finish;
  logic [3:0] board_outside;
  logic [11:0] board_outside_slot;
  logic [2:0] board_target_slot, board_empty_slot, board_complete_slot;
  logic [2:0] board_source_slot, board_residual_slot, board_placed_slot;
  logic [engine_types::COUNT_BITS-1:0] board_source_groups, board_residual_groups, board_placed_groups;
  logic [engine_types::SLOTS*engine_types::COUNT_BITS-1:0] board_slot_groups;
  scoreboard board (
      .clk(board_clk),
      .reset(board_reset),
      .begins(board_begins),
      .writes(board_writes),
      .claim(board_claim),
      .target_slot(board_target_slot),
      .empty_slot(board_empty_slot),
      .busy(board_busy),
      .complete(board_complete),
      .complete_slot(board_complete_slot),
      .finish(board_finish),
      .outside(board_outside),
      .outside_slot(board_outside_slot),
      .source_slot(board_source_slot),
      .source_groups(board_source_groups),
      .residual_slot(board_residual_slot),
      .residual_groups(board_residual_groups),
      .placed_slot(board_placed_slot),
      .placed_groups(board_placed_groups),
      .slot_groups(board_slot_groups)
  );

  // matrix_writer, and what orders a port's words
  logic matrix_clk, matrix_reset, matrix_row_valid, matrix_row_ready;
  logic [OUTPUTS*16-1:0] matrix_row, matrix_word;
  logic [engine_types::ROW_PLACE_BITS-1:0] matrix_row_place;
  logic [DEPTH*16-1:0] matrix_sums;
  logic matrix_sums_valid, matrix_sums_ready;
  logic [PORTS-1:0] matrix_word_valid, matrix_word_ready;
  matrix_writer #(
      .TOKENS(TOKENS),
      .PORTS(PORTS),
      .WORD(DEPTH * 16),
      .TRAINING(1'b1)
  ) matrix (
      .clk(matrix_clk),
      .reset(matrix_reset),
      .row(matrix_row),
      .row_place(matrix_row_place),
      .row_valid(matrix_row_valid),
      .row_ready(matrix_row_ready),
      .sums(matrix_sums),
      .sums_valid(matrix_sums_valid),
      .sums_ready(matrix_sums_ready),
      .word(matrix_word),
      .word_valid(matrix_word_valid),
      .word_ready(matrix_word_ready)
  );

  logic order_clk, order_reset, order_valid, order_room, order_taken, order_rows, order_matrix;
  logic order_update, order_idle;
  logic [mover_types::MOVE_BITS-1:0] order_command;
  word_order #(
      .DEPTH(8),
      .COMMANDS(4),
      .TRAINING(1'b1)
  ) order (
      .clk(order_clk),
      .reset(order_reset),
      .command(order_command),
      .command_valid(order_valid && order_room),
      .room(order_room),
      .word_taken(order_taken && (order_rows || order_matrix || order_update)),
      .rows(order_rows),
      .matrix(order_matrix),
      .update(order_update),
      .idle(order_idle)
  );

  // training_commands with its blocks, and without; stream_fork
  logic commands_clk, commands_reset, commands_in_valid, commands_in_ready, commands_refused;
  logic [255:0] commands_in_data, commands_out_data;
  logic [4:0] commands_out_valid, commands_out_ready;
  logic [10:0] commands_refused_tag;
  training_commands #(
      .TRAINING(1'b1)
  ) commands (
      .clk(commands_clk),
      .reset(commands_reset),
      .in_data(commands_in_data),
      .in_valid(commands_in_valid),
      .in_ready(commands_in_ready),
      .out_data(commands_out_data),
      .out_valid(commands_out_valid),
      .out_ready(commands_out_ready),
      .refused(commands_refused),
      .refused_tag(commands_refused_tag)
  );
  logic [4:0] absent_out_valid;
  logic absent_in_ready, absent_refused;
  logic [10:0] absent_refused_tag;
  training_commands absent (
      .clk(commands_clk),
      .reset(commands_reset),
      .in_data(commands_in_data),
      .in_valid(commands_in_valid),
      .in_ready(absent_in_ready),
      .out_data(),
      .out_valid(absent_out_valid),
      .out_ready('0),
      .refused(absent_refused),
      .refused_tag(absent_refused_tag)
  );
  logic fork_clk, fork_reset, fork_in_valid, fork_in_ready;
  logic [1:0] fork_out_valid, fork_out_ready;
  stream_fork forks (
      .clk(fork_clk),
      .reset(fork_reset),
      .in_valid(fork_in_valid),
      .in_ready(fork_in_ready),
      .out_valid(fork_out_valid),
      .out_ready(fork_out_ready)
  );

  // mover_port twice: at its own sizes, and with the smallest queues. Port 0 waits for itself and
  // for three others, whose counts the bench gives.
`define MOVER(P, SIZES) \
  logic P``_clk, P``_reset, P``_halt, P``_idle, P``_clear_statistics; \
  logic [mover_types::MOVE_BITS-1:0] P``_weights_command, P``_rows_command, P``_store_command; \
  logic P``_weights_command_valid, P``_rows_command_valid, P``_store_command_valid; \
  logic P``_weights_command_ready, P``_rows_command_ready, P``_store_command_ready; \
  logic [127:0] P``_weights_word, P``_rows_word, P``_store_word; \
  logic P``_weights_word_valid, P``_rows_word_valid, P``_store_word_valid; \
  logic P``_weights_word_ready, P``_rows_word_ready, P``_store_word_ready; \
  logic [47:0] P``_others; \
  logic [15:0] P``_own_finished, P``_wstrb; \
  logic [1:0] P``_read_error, P``_write_error, P``_rresp, P``_bresp, P``_arburst, P``_awburst; \
  logic [255:0] P``_read_cycles, P``_write_cycles; \
  logic [39:0] P``_araddr, P``_awaddr; \
  logic [7:0] P``_arlen, P``_awlen; \
  logic [2:0] P``_arsize, P``_awsize; \
  logic [127:0] P``_rdata, P``_wdata; \
  logic P``_arvalid, P``_arready, P``_rlast, P``_rvalid, P``_rready; \
  logic P``_awvalid, P``_awready, P``_wlast, P``_wvalid, P``_wready, P``_bvalid, P``_bready; \
  mover_port #SIZES P ( \
      .clk(P``_clk), .reset(P``_reset), .halt(P``_halt), .idle(P``_idle), \
      .read_command({P``_rows_command, P``_weights_command}), \
      .read_command_valid({P``_rows_command_valid, P``_weights_command_valid}), \
      .read_command_ready({P``_rows_command_ready, P``_weights_command_ready}), \
      .read_word({P``_rows_word, P``_weights_word}), \
      .read_word_valid({P``_rows_word_valid, P``_weights_word_valid}), \
      .read_word_ready({P``_rows_word_ready, P``_weights_word_ready}), \
      .write_command(P``_store_command), .write_command_valid(P``_store_command_valid), \
      .write_command_ready(P``_store_command_ready), .write_word(P``_store_word), \
      .write_word_valid(P``_store_word_valid), .write_word_ready(P``_store_word_ready), \
      .finished({P``_others, P``_own_finished}), .own_finished(P``_own_finished), \
      .read_error(P``_read_error), .write_error(P``_write_error), \
      .clear_statistics(P``_clear_statistics), .read_cycles(P``_read_cycles), \
      .write_cycles(P``_write_cycles), \
      .araddr(P``_araddr), .arlen(P``_arlen), .arsize(P``_arsize), .arburst(P``_arburst), \
      .arvalid(P``_arvalid), .arready(P``_arready), .rdata(P``_rdata), .rresp(P``_rresp), \
      .rlast(P``_rlast), .rvalid(P``_rvalid), .rready(P``_rready), \
      .awaddr(P``_awaddr), .awlen(P``_awlen), .awsize(P``_awsize), .awburst(P``_awburst), \
      .awvalid(P``_awvalid), .awready(P``_awready), .wdata(P``_wdata), .wstrb(P``_wstrb), \
      .wlast(P``_wlast), .wvalid(P``_wvalid), .wready(P``_wready), .bresp(P``_bresp), \
      .bvalid(P``_bvalid), .bready(P``_bready) \
  );
  `MOVER(mover, (.COLUMNS(1), .TRAINING(1)))
  `MOVER(least, (.READ_WORDS(4), .WRITE_WORDS(4), .BURST(4), .OPEN(2), .COMMANDS(2), .COLUMNS(1), .TRAINING(1)))
endmodule
