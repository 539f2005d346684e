// The accelerator without its HLS blocks: engine, bank agents, movers, log. The blocks stand
// outside; each of their streams that has an end here is a port (names as in the blocks' top
// functions). README.md shows the whole.
module accelerator #(
    parameter int TOKENS = trivit_spec::TILE_TOKENS,
    parameter int OUTPUTS = trivit_spec::TILE_OUTPUTS,
    parameter int DEPTH = trivit_spec::TILE_DEPTH,
    parameter int ACTIVATION_DEPTH = trivit_spec::ACTIVATION_DEPTH,
    parameter int UNIT_COMMANDS = 7,                // units here that take commands
    parameter int BLOCKS = 5,                       // units outside that report
    parameter int TRAINING_BLOCKS = 5,
    parameter bit TRAINING = 1'b0,                  // whether blocks of training stand outside
    parameter int PORTS = OUTPUTS / DEPTH,          // gmem1.. with weights and rows
    parameter int GMEMS = PORTS + 1,                // gmem0: commands and log
    parameter int WORD = DEPTH * 16,
    parameter int ROW = OUTPUTS * 16,
    parameter int MOVE = mover_types::MOVE_BITS
) (
    input  logic                             clk,
    input  logic                             reset,
    // A program to run; addresses and sizes in words of 16 bytes
    input  logic [                     35:0] job_program,
    input  logic [                     22:0] job_commands,
    input  logic [                     23:0] job_reports,
    input  logic [                     35:0] job_params,
    input  logic [                     35:0] job_input,
    input  logic [                     35:0] job_output,
    input  logic [                     35:0] job_log,
    input  logic                             job_valid,
    output logic                             job_ready,
    output logic                             job_done,
    output logic [                     47:0] job_cycle,
    // Everything is drained and reset; a job that runs ends. For one cycle, or while it is high.
    input  logic                             job_abort,
    // Of the job that has ended, not zero: what went wrong. 7:0 engine (codes of hls/kernel.yaml),
    // then for each gmem a bit for reads and one for writes, then: reports that the job did not
    // name, then: abort. The instruction is that of the engine's command, else of the latest report
    output logic [            9+2*GMEMS : 0] error,
    output logic [                     10:0] error_tag,
    // Reset of the blocks outside, which begins with that of the units here and ends before
    output logic                             blocks_resetn,
    // Sequencer
    output logic [                    255:0] jobs_data,
    output logic                             jobs_valid,
    input  logic                             jobs_ready,
    output logic [                    255:0] descriptors_data,
    output logic                             descriptors_valid,
    input  logic                             descriptors_ready,
    input  logic [                     23:0] program_end_data,
    input  logic                             program_end_valid,
    output logic                             program_end_ready,
    input  logic [    UNIT_COMMANDS*256-1:0] commands_data,   // engine, row_writer, softmax_writer,
    input  logic [        UNIT_COMMANDS-1:0] commands_valid,  // norm_writer, row_reader, load, store
    output logic [        UNIT_COMMANDS-1:0] commands_ready,
    input  logic [           PORTS*MOVE-1:0] weights_data,
    input  logic [                PORTS-1:0] weights_valid,
    output logic [                PORTS-1:0] weights_ready,
    input  logic [           PORTS*MOVE-1:0] rows_data,
    input  logic [                PORTS-1:0] rows_valid,
    output logic [                PORTS-1:0] rows_ready,
    input  logic [           PORTS*MOVE-1:0] stores_data,
    input  logic [                PORTS-1:0] stores_valid,
    output logic [                PORTS-1:0] stores_ready,
    // GELU
    output logic [                  ROW-1:0] gelu_rows_data,
    output logic                             gelu_rows_valid,
    input  logic                             gelu_rows_ready,
    input  logic [                  ROW-1:0] gelu_results_data,
    input  logic                             gelu_results_valid,
    output logic                             gelu_results_ready,
    // Softmax
    output logic [                  ROW-1:0] softmax_scores_data,
    output logic                             softmax_scores_valid,
    input  logic                             softmax_scores_ready,
    input  logic [               2*WORD-1:0] softmax_results_data,
    input  logic                             softmax_results_valid,
    output logic                             softmax_results_ready,
    // Normalise
    output logic [               2*WORD-1:0] normalise_rows_data,
    output logic                             normalise_rows_valid,
    input  logic                             normalise_rows_ready,
    output logic [               2*WORD-1:0] normalise_vectors_data,
    output logic                             normalise_vectors_valid,
    input  logic                             normalise_vectors_ready,
    input  logic [               2*WORD-1:0] normalise_results_data,
    input  logic                             normalise_results_valid,
    output logic                             normalise_results_ready,
    // Select
    input  logic [                 WORD-1:0] select_lists_data,
    input  logic                             select_lists_valid,
    output logic                             select_lists_ready,
    // Of training: commands of units from 16 on, and their blocks
    input  logic [                    255:0] training_data,
    input  logic                             training_valid,
    output logic                             training_ready,
    output logic [              5*256-1:0]   block_commands_data,  // gelu_backward, softmax_backward,
    output logic [                      4:0] block_commands_valid, // cross_entropy,
    input  logic [                      4:0] block_commands_ready, // normalise_backward, update
    output logic [                3*ROW-1:0] backward_rows_data,      // of the first three
    output logic [                      2:0] backward_rows_valid,
    input  logic [                      2:0] backward_rows_ready,
    output logic [                3*ROW-1:0] backward_partners_data,
    output logic [                      2:0] backward_partners_valid,
    input  logic [                      2:0] backward_partners_ready,
    input  logic [                3*ROW-1:0] backward_results_data,
    input  logic [                      2:0] backward_results_valid,
    output logic [                      2:0] backward_results_ready,
    output logic [               2*WORD-1:0] normalise_backward_rows_data,
    output logic                             normalise_backward_rows_valid,
    input  logic                             normalise_backward_rows_ready,
    output logic [               2*WORD-1:0] normalise_backward_vectors_data,
    output logic                             normalise_backward_vectors_valid,
    input  logic                             normalise_backward_vectors_ready,
    input  logic [               2*WORD-1:0] normalise_backward_results_data,
    input  logic                             normalise_backward_results_valid,
    output logic                             normalise_backward_results_ready,
    output logic [           PORTS*WORD-1:0] update_words_data,
    output logic [                PORTS-1:0] update_words_valid,
    input  logic [                PORTS-1:0] update_words_ready,
    input  logic [           PORTS*WORD-1:0] update_results_data,
    input  logic [                PORTS-1:0] update_results_valid,
    output logic [                PORTS-1:0] update_results_ready,
    input  logic [   TRAINING_BLOCKS*64-1:0] training_reports_data,  // in the order of the commands
    input  logic [      TRAINING_BLOCKS-1:0] training_reports_valid,
    output logic [      TRAINING_BLOCKS-1:0] training_reports_ready,
    // Reports of GELU, softmax, normalise, select, connections
    input  logic [            BLOCKS*64-1:0] reports_data,
    input  logic [               BLOCKS-1:0] reports_valid,
    output logic [               BLOCKS-1:0] reports_ready,
    // AXI4, all ports side by side, gmem0 first
    output logic [             GMEMS*40-1:0] araddr,
    output logic [              GMEMS*8-1:0] arlen,
    output logic [              GMEMS*3-1:0] arsize,
    output logic [              GMEMS*2-1:0] arburst,
    output logic [                GMEMS-1:0] arvalid,
    input  logic [                GMEMS-1:0] arready,
    input  logic [           GMEMS*WORD-1:0] rdata,
    input  logic [              GMEMS*2-1:0] rresp,
    input  logic [                GMEMS-1:0] rlast,
    input  logic [                GMEMS-1:0] rvalid,
    output logic [                GMEMS-1:0] rready,
    output logic [             GMEMS*40-1:0] awaddr,
    output logic [              GMEMS*8-1:0] awlen,
    output logic [              GMEMS*3-1:0] awsize,
    output logic [              GMEMS*2-1:0] awburst,
    output logic [                GMEMS-1:0] awvalid,
    input  logic [                GMEMS-1:0] awready,
    output logic [           GMEMS*WORD-1:0] wdata,
    output logic [         GMEMS*WORD/8-1:0] wstrb,
    output logic [                GMEMS-1:0] wlast,
    output logic [                GMEMS-1:0] wvalid,
    input  logic [                GMEMS-1:0] wready,
    input  logic [              GMEMS*2-1:0] bresp,
    input  logic [                GMEMS-1:0] bvalid,
    output logic [                GMEMS-1:0] bready
);
  localparam int BANK = $clog2(ACTIVATION_DEPTH);
  localparam int BLOCK = TOKENS * WORD;
  localparam int REPORT = engine_types::REPORT_BITS;
  // Places of the units in `commands`
  localparam int ENGINE = 0;
  localparam int ROW_WRITER = 1;
  localparam int SOFTMAX_WRITER = 2;
  localparam int NORM_WRITER = 3;
  localparam int ROW_READER = 4;
  localparam int LOAD = 5;
  localparam int STORE = 6;

  // What went wrong, and the way back
  localparam int FAULTS = 9 + 2 * GMEMS;
  logic [FAULTS-1:0] faults;
  logic [10:0] engine_tag, latest_tag;
  logic [GMEMS-1:0] idle;
  logic recovering, halt, clear, clear_blocks, cleared;
  logic control_ready, control_done, failed_done, begins_job;
  recovery #(
      .FAULTS(FAULTS)
  ) recovers (
      .clk, .reset, .give_up(job_abort), .faults, .engine_tag, .latest_tag, .begins(begins_job),
      .running(!control_ready), .quiet(&idle), .busy(recovering), .halt, .clear,
      .clear_blocks, .done(failed_done), .error, .tag(error_tag)
  );
  assign job_ready = control_ready && !recovering && !cleared && !job_abort && faults == '0;
  assign begins_job = job_valid && job_ready;
  assign job_done = control_done || failed_done;
  always_ff @(posedge clk) begin
    cleared <= reset || clear;
    blocks_resetn <= !(reset || clear_blocks);
  end

  // Counts of the scoreboard, the ring and announcements are those of one program.
  logic restart;
  always_ff @(posedge clk) restart <= reset || clear || begins_job;

  // Commands that wait for their unit. The units here have no loop to leave: an end command is
  // taken and does nothing.
  logic [UNIT_COMMANDS*256-1:0] command;
  logic [UNIT_COMMANDS-1:0] command_valid, command_ready;
  generate
    for (genvar u = 0; u < UNIT_COMMANDS; u++) begin : queues
      logic waits;
      stream_fifo #(
          .WIDTH(256),
          .DEPTH(u == ENGINE ? 8 : 4)
      ) queue (
          .clk,
          .reset(restart),
          .in_data(commands_data[256*u+:256]),
          .in_valid(commands_valid[u]),
          .in_ready(commands_ready[u]),
          .out_data(command[256*u+:256]),
          .out_valid(waits),
          .out_ready(command_ready[u] || command[256*u])
      );
      assign command_valid[u] = waits && !command[256*u];
    end
  endgenerate

  // Commands of training
  logic unit_missing;
  logic [10:0] missing_tag, refused_tag;
  logic [255:0] block_command;
  training_commands #(
      .TRAINING(TRAINING)
  ) hands_out (
      .clk, .reset(restart), .in_data(training_data), .in_valid(training_valid),
      .in_ready(training_ready), .out_data(block_command), .out_valid(block_commands_valid),
      .out_ready(block_commands_ready), .refused(unit_missing), .refused_tag(missing_tag)
  );
  assign block_commands_data = {5{block_command}};

  // Engine
  logic [7:0] engine_error;
  assign faults[7:0] = engine_error != '0 ? engine_error
      : unit_missing ? 8'(trivit_spec::ERROR_UNKNOWN_OPCODE) : '0;
  assign engine_tag = engine_error != '0 ? refused_tag : missing_tag;
  logic engine_report_valid, engine_report_ready, begins;
  logic [REPORT-1:0] engine_report;
  logic [2:0] announce;
  logic [2:0] row_to;
  logic [engine_types::ROW_PLACE_BITS-1:0] row_place;
  logic [PORTS*WORD-1:0] weight_word;
  logic [PORTS-1:0] weight_word_valid, weight_word_ready;
  logic [ROW-1:0] row, row_partner;
  logic [WORD-1:0] sums_word;
  logic sums_valid, sums_ready;
  logic row_last, row_valid, row_ready;
  logic [TOKENS-1:0] bank_valid, bank_ready, bank_write, bank_read;
  logic [TOKENS*BANK-1:0] bank_address;
  logic [BLOCK-1:0] bank_written, bank_data;
  logic [engine_types::OUTSIDE-1:0] complete;
  logic [engine_types::OUTSIDE*3-1:0] complete_slot;
  logic [engine_types::SLOTS*engine_types::COUNT_BITS-1:0] slot_groups;
  logic [engine_types::STALLS*32-1:0] stall_cycles;
  matrix_engine #(
      .TOKENS(TOKENS),
      .OUTPUTS(OUTPUTS),
      .DEPTH(DEPTH),
      .ACTIVATION_DEPTH(ACTIVATION_DEPTH),
      .TRAINING(TRAINING)
  ) engine (
      .clk, .reset(restart), .command(command[256*ENGINE+:256]), .command_valid(command_valid[ENGINE]),
      .command_ready(command_ready[ENGINE]), .begins, .announce,
      .report(engine_report), .report_valid(engine_report_valid),
      .report_ready(engine_report_ready),
      .weight(weight_word), .weight_valid(weight_word_valid), .weight_ready(weight_word_ready),
      .sums_word, .sums_valid, .sums_ready,
      .row, .row_partner, .row_to, .row_place, .row_last, .row_valid, .row_ready,
      .bank_valid, .bank_ready, .bank_write, .bank_address, .bank_written, .bank_read, .bank_data,
      .outside_complete(complete), .outside_slot(complete_slot), .slot_groups,
      .clear_statistics(job_done), .cycles(stall_cycles), .error(engine_error),
      .error_tag(refused_tag)
  );

  // Counts are those for the array, whose reads of bank t come t cycles later. Readers here take
  // all banks at once, so they see counts and announcements when the last bank is written.
  logic [2:0] reader_announce;
  logic [engine_types::SLOTS*engine_types::COUNT_BITS-1:0] reader_groups;
  delay #(
      .WIDTH(3 + engine_types::SLOTS * engine_types::COUNT_BITS),
      .CYCLES(TOKENS - 1),
      .RESET(1'b1)
  ) seen_by_readers (
      .clk,
      .reset(restart),
      .value({announce, slot_groups}),
      .delayed({reader_announce, reader_groups})
  );

  // Its rows
  logic direct_valid, direct_ready, matrix_valid, matrix_ready;
  assign softmax_scores_data = row;
  assign gelu_rows_data = row;
  assign softmax_scores_valid = row_valid && row_to == 3'd1;
  assign gelu_rows_valid = row_valid && row_to == 3'd2;
  assign direct_valid = row_valid && row_to == 3'd3;
  assign matrix_valid = row_valid && row_to == 3'd4;
  logic [2:0] pair_ready;
  always_comb
    unique case (row_to)
      3'd1: row_ready = softmax_scores_ready;
      3'd2: row_ready = gelu_rows_ready;
      3'd3: row_ready = direct_ready;
      3'd4: row_ready = matrix_ready;
      3'd5: row_ready = pair_ready[0];
      3'd6: row_ready = pair_ready[1];
      3'd7: row_ready = pair_ready[2];
      default: row_ready = 1'b1;
    endcase

  assign backward_rows_data = {3{row}};
  assign backward_partners_data = {3{row_partner}};
  generate
    for (genvar b = 0; b < 3; b++) begin : pairs_of
      stream_fork fork_to (
          .clk,
          .reset(restart),
          .in_valid(TRAINING && row_valid && row_to == 3'(5 + b)),
          .in_ready(pair_ready[b]),
          .out_valid({backward_partners_valid[b], backward_rows_valid[b]}),
          .out_ready({backward_partners_ready[b], backward_rows_ready[b]})
      );
    end
  endgenerate

  // Who else reads and writes the banks
  logic [4*TOKENS-1:0] writer_valid, writer_ready;
  logic [4*TOKENS*BANK-1:0] writer_address;
  logic [4*BLOCK-1:0] writer_written;
  logic [2*TOKENS-1:0] reader_valid, reader_ready, reader_read;
  logic [2*TOKENS*BANK-1:0] reader_address;
  logic [BLOCK-1:0] reader_data;
  bank_arbiter #(
      .TOKENS(TOKENS),
      .DEPTH(DEPTH),
      .ACTIVATION_DEPTH(ACTIVATION_DEPTH)
  ) arbiter (
      .clk, .reset(restart), .writer_valid, .writer_ready, .writer_address, .writer_written,
      .reader_valid, .reader_ready, .reader_address, .reader_read, .reader_data,
      .bank_valid, .bank_ready, .bank_write, .bank_address, .bank_written, .bank_read, .bank_data
  );

  // Reports, by number of the unit
  localparam int UNITS = trivit_commands::UNIT_UPDATE + 1;  // AdamW is in the update's place
  logic [UNITS*REPORT-1:0] report;
  logic [UNITS-1:0] report_valid, report_ready, report_ends;
  function automatic int block_unit(input int place);
    block_unit = place < 4 ? trivit_commands::UNIT_GELU + place
        : trivit_commands::UNIT_CONNECTIONS + place - 4;
  endfunction
  logic [(BLOCKS+TRAINING_BLOCKS)*64-1:0] block_reports;
  logic [BLOCKS+TRAINING_BLOCKS-1:0] block_reports_valid, block_reports_ready;
  assign block_reports = {training_reports_data, reports_data};
  assign block_reports_valid = {training_reports_valid & {TRAINING_BLOCKS{TRAINING}}, reports_valid};
  assign {training_reports_ready, reports_ready} = block_reports_ready;
  assign report[0+:REPORT] = '0;
  assign report[REPORT*trivit_commands::UNIT_ENGINE+:REPORT] = engine_report;
  assign report[REPORT*trivit_commands::UNIT_ROW_READER+:REPORT] = '0;
  assign report_valid[0] = 1'b0;
  assign report_valid[trivit_commands::UNIT_ENGINE] = engine_report_valid;
  assign report_valid[trivit_commands::UNIT_ROW_READER] = 1'b0;
  assign report[REPORT*trivit_commands::UNIT_MOVE_WEIGHTS+:3*REPORT] = '0;
  assign report_valid[trivit_commands::UNIT_MOVE_WEIGHTS+:3] = '0;
  assign engine_report_ready = report_ready[trivit_commands::UNIT_ENGINE];
  generate
    for (genvar b = 0; b < BLOCKS + TRAINING_BLOCKS; b++) begin : blocks
      localparam int UNIT = block_unit(b);
      assign report[REPORT*UNIT+:REPORT] = {1'b0, block_reports[64*b+:63]};
      assign report_valid[UNIT] = block_reports_valid[b];
      assign block_reports_ready[b] = report_ready[UNIT];
    end
  endgenerate
  always_comb begin
    report_ends = '0;
    for (int b = 0; b < BLOCKS + TRAINING_BLOCKS; b++)
      report_ends[block_unit(b)] = block_reports[64*b+63];
  end

  row_writer #(
      .TOKENS(TOKENS),
      .OUTPUTS(OUTPUTS),
      .DEPTH(DEPTH),
      .ACTIVATION_DEPTH(ACTIVATION_DEPTH),
      .TRAINING(TRAINING)
  ) writes_rows (
      .clk, .reset(restart), .command(command[256*ROW_WRITER+:256]),
      .command_valid(command_valid[ROW_WRITER]), .command_ready(command_ready[ROW_WRITER]),
      .backward(backward_results_data), .backward_valid(backward_results_valid),
      .backward_ready(backward_results_ready),
      .gelu(gelu_results_data), .gelu_valid(gelu_results_valid), .gelu_ready(gelu_results_ready),
      .direct(row), .direct_valid, .direct_ready,
      .list(select_lists_data), .list_valid(select_lists_valid), .list_ready(select_lists_ready),
      .report(report[REPORT*trivit_commands::UNIT_ROW_WRITER+:REPORT]),
      .report_valid(report_valid[trivit_commands::UNIT_ROW_WRITER]),
      .report_ready(report_ready[trivit_commands::UNIT_ROW_WRITER]),
      .bank_valid(writer_valid[TOKENS+:TOKENS]), .bank_ready(writer_ready[TOKENS+:TOKENS]),
      .bank_address(writer_address[TOKENS*BANK+:TOKENS*BANK]),
      .bank_written(writer_written[BLOCK+:BLOCK]),
      .complete(complete[0]), .complete_slot(complete_slot[2:0])
  );
  softmax_writer #(
      .TOKENS(TOKENS),
      .OUTPUTS(OUTPUTS),
      .DEPTH(DEPTH),
      .ACTIVATION_DEPTH(ACTIVATION_DEPTH)
  ) writes_probabilities (
      .clk, .reset(restart), .command(command[256*SOFTMAX_WRITER+:256]),
      .command_valid(command_valid[SOFTMAX_WRITER]), .command_ready(command_ready[SOFTMAX_WRITER]),
      .results(softmax_results_data), .results_valid(softmax_results_valid),
      .results_ready(softmax_results_ready),
      .report(report[REPORT*trivit_commands::UNIT_SOFTMAX_WRITER+:REPORT]),
      .report_valid(report_valid[trivit_commands::UNIT_SOFTMAX_WRITER]),
      .report_ready(report_ready[trivit_commands::UNIT_SOFTMAX_WRITER]),
      .bank_valid(writer_valid[0+:TOKENS]), .bank_ready(writer_ready[0+:TOKENS]),
      .bank_address(writer_address[0+:TOKENS*BANK]), .bank_written(writer_written[0+:BLOCK]),
      .complete(complete[1]), .complete_slot(complete_slot[5:3])
  );
  norm_writer #(
      .TOKENS(TOKENS),
      .DEPTH(DEPTH),
      .ACTIVATION_DEPTH(ACTIVATION_DEPTH),
      .TRAINING(TRAINING)
  ) writes_normalised (
      .clk, .reset(restart), .command(command[256*NORM_WRITER+:256]),
      .command_valid(command_valid[NORM_WRITER]), .command_ready(command_ready[NORM_WRITER]),
      .results(normalise_results_data), .results_valid(normalise_results_valid),
      .results_ready(normalise_results_ready),
      .backward(normalise_backward_results_data),
      .backward_valid(normalise_backward_results_valid),
      .backward_ready(normalise_backward_results_ready),
      .report(report[REPORT*trivit_commands::UNIT_NORM_WRITER+:REPORT]),
      .report_valid(report_valid[trivit_commands::UNIT_NORM_WRITER]),
      .report_ready(report_ready[trivit_commands::UNIT_NORM_WRITER]),
      .bank_valid(writer_valid[2*TOKENS+:TOKENS]), .bank_ready(writer_ready[2*TOKENS+:TOKENS]),
      .bank_address(writer_address[2*TOKENS*BANK+:TOKENS*BANK]),
      .bank_written(writer_written[2*BLOCK+:BLOCK]),
      .complete(complete[2]), .complete_slot(complete_slot[8:6])
  );
  logic [2*WORD-1:0] read_rows;
  logic rows_backward, read_rows_valid, read_rows_ready;
  assign normalise_rows_data = read_rows;
  assign normalise_backward_rows_data = read_rows;
  assign normalise_rows_valid = read_rows_valid && !rows_backward;
  assign normalise_backward_rows_valid = read_rows_valid && rows_backward;
  assign read_rows_ready = rows_backward ? normalise_backward_rows_ready : normalise_rows_ready;
  row_reader #(
      .TOKENS(TOKENS),
      .DEPTH(DEPTH),
      .ACTIVATION_DEPTH(ACTIVATION_DEPTH),
      .TRAINING(TRAINING)
  ) reads_rows (
      .clk, .reset(restart), .command(command[256*ROW_READER+:256]),
      .command_valid(command_valid[ROW_READER]), .command_ready(command_ready[ROW_READER]),
      .rows(read_rows), .rows_backward, .rows_valid(read_rows_valid),
      .rows_ready(read_rows_ready),
      .bank_valid(reader_valid[0+:TOKENS]), .bank_ready(reader_ready[0+:TOKENS]),
      .bank_address(reader_address[0+:TOKENS*BANK]), .bank_read(reader_read[0+:TOKENS]),
      .bank_data(reader_data), .announce(reader_announce[0]),
      .slot_groups(reader_groups)
  );
  logic [PORTS*WORD-1:0] loaded_word;
  logic [PORTS-1:0] loaded_word_valid, loaded_word_ready;
  logic [2*WORD-1:0] vectors;
  logic vectors_backward, vectors_valid, vectors_ready;
  assign normalise_vectors_data = vectors;
  assign normalise_backward_vectors_data = vectors;
  assign normalise_vectors_valid = vectors_valid && !vectors_backward;
  assign normalise_backward_vectors_valid = vectors_valid && vectors_backward;
  assign vectors_ready = vectors_backward ? normalise_backward_vectors_ready
                                          : normalise_vectors_ready;
  load #(
      .TOKENS(TOKENS),
      .OUTPUTS(OUTPUTS),
      .DEPTH(DEPTH),
      .ACTIVATION_DEPTH(ACTIVATION_DEPTH),
      .TRAINING(TRAINING)
  ) loads (
      .clk, .reset(restart), .command(command[256*LOAD+:256]), .command_valid(command_valid[LOAD]),
      .command_ready(command_ready[LOAD]),
      .word(loaded_word), .word_valid(loaded_word_valid), .word_ready(loaded_word_ready),
      .vectors, .vectors_backward, .vectors_valid, .vectors_ready,
      .report(report[REPORT*trivit_commands::UNIT_LOAD+:REPORT]),
      .report_valid(report_valid[trivit_commands::UNIT_LOAD]),
      .report_ready(report_ready[trivit_commands::UNIT_LOAD]),
      .bank_valid(writer_valid[3*TOKENS+:TOKENS]), .bank_ready(writer_ready[3*TOKENS+:TOKENS]),
      .bank_address(writer_address[3*TOKENS*BANK+:TOKENS*BANK]),
      .bank_written(writer_written[3*BLOCK+:BLOCK]),
      .announce(reader_announce[2]), .complete(complete[3]), .complete_slot(complete_slot[11:9])
  );
  logic [WORD-1:0] stored_word;
  logic [PORTS-1:0] stored_word_valid, stored_word_ready;
  store #(
      .TOKENS(TOKENS),
      .DEPTH(DEPTH),
      .ACTIVATION_DEPTH(ACTIVATION_DEPTH),
      .PORTS(PORTS)
  ) stores (
      .clk, .reset(restart), .command(command[256*STORE+:256]), .command_valid(command_valid[STORE]),
      .command_ready(command_ready[STORE]),
      .stored(stored_word), .stored_valid(stored_word_valid), .stored_ready(stored_word_ready),
      .report(report[REPORT*trivit_commands::UNIT_STORE+:REPORT]),
      .report_valid(report_valid[trivit_commands::UNIT_STORE]),
      .report_ready(report_ready[trivit_commands::UNIT_STORE]),
      .bank_valid(reader_valid[TOKENS+:TOKENS]), .bank_ready(reader_ready[TOKENS+:TOKENS]),
      .bank_address(reader_address[TOKENS*BANK+:TOKENS*BANK]),
      .bank_read(reader_read[TOKENS+:TOKENS]), .bank_data(reader_data),
      .announce(reader_announce[1]), .slot_groups(reader_groups)
  );

  // Log and jobs
  logic [WORD-1:0] log_word;
  logic log_word_valid, log_word_ready;
  reporter #(
      .UNITS(UNITS),
      .REPORT_BITS(REPORT)
  ) reports (
      .clk, .reset(cleared), .cycle(job_cycle[39:0]), .report, .ends(report_ends), .valid(report_valid),
      .ready(report_ready), .begins,
      .word(log_word), .word_valid(log_word_valid), .word_ready(log_word_ready), .latest_tag
  );
  logic [MOVE-1:0] program_command, log_command;
  logic program_valid, program_ready, log_valid, log_ready, stored;
  logic [PORTS*16-1:0] finished;
  logic [15:0] logs_finished;
  job_control control (
      .clk, .reset(cleared), .hold(recovering || job_abort || faults != '0),
      .program_base(job_program), .commands(job_commands), .reports(job_reports),
      .params_base(job_params), .input_base(job_input), .output_base(job_output),
      .log_base(job_log), .valid(begins_job), .ready(control_ready), .done(control_done),
      .cycle(job_cycle), .mismatch(faults[8+2*GMEMS]),
      .read_command(program_command), .read_valid(program_valid), .read_ready(program_ready),
      .write_command(log_command), .write_valid(log_valid), .write_ready(log_ready),
      .logs_finished, .job(jobs_data), .job_valid(jobs_valid), .job_ready(jobs_ready),
      .program_end(program_end_data), .program_end_valid, .program_end_ready, .stored
  );
  logic [WORD-1:0] program_word;
  logic program_word_valid, program_word_ready;
  word_pairs #(
      .WIDTH(WORD)
  ) pairs (
      .clk, .reset(cleared), .in_data(program_word), .in_valid(program_word_valid),
      .in_ready(program_word_ready), .out_data(descriptors_data), .out_valid(descriptors_valid),
      .out_ready(descriptors_ready)
  );

  // Movers
  localparam logic [1:0] OKAY = 2'd0;
  logic [255:0] read_cycles[GMEMS], write_cycles[GMEMS];
  logic [1:0] read_error[GMEMS], write_error[GMEMS];
  mover_port #(
      .STREAMS(1),
      .WORD(WORD),
      .PORTS(PORTS)
  ) gmem0 (
      .clk, .reset(cleared), .halt,
      .read_command(program_command), .read_command_valid(program_valid),
      .read_command_ready(program_ready), .read_word(program_word),
      .read_word_valid(program_word_valid), .read_word_ready(program_word_ready),
      .write_command(log_command), .write_command_valid(log_valid),
      .write_command_ready(log_ready), .write_word(log_word), .write_word_valid(log_word_valid),
      .write_word_ready(log_word_ready), .finished, .own_finished(logs_finished),
      .idle(idle[0]), .read_error(read_error[0]), .write_error(write_error[0]),
      .clear_statistics(job_done), .read_cycles(read_cycles[0]), .write_cycles(write_cycles[0]),
      .araddr(araddr[39:0]), .arlen(arlen[7:0]), .arsize(arsize[2:0]), .arburst(arburst[1:0]),
      .arvalid(arvalid[0]), .arready(arready[0]), .rdata(rdata[WORD-1:0]), .rresp(rresp[1:0]),
      .rlast(rlast[0]), .rvalid(rvalid[0]), .rready(rready[0]),
      .awaddr(awaddr[39:0]), .awlen(awlen[7:0]), .awsize(awsize[2:0]), .awburst(awburst[1:0]),
      .awvalid(awvalid[0]), .awready(awready[0]), .wdata(wdata[WORD-1:0]),
      .wstrb(wstrb[WORD/8-1:0]), .wlast(wlast[0]), .wvalid(wvalid[0]), .wready(wready[0]),
      .bresp(bresp[1:0]), .bvalid(bvalid[0]), .bready(bready[0])
  );
  // Whole matrices to DDR, over all ports
  logic [PORTS*WORD-1:0] matrix_word;
  logic [PORTS-1:0] matrix_word_valid, matrix_word_ready;
  matrix_writer #(
      .TOKENS(TOKENS),
      .PORTS(PORTS),
      .WORD(WORD),
      .TRAINING(TRAINING)
  ) writes_matrices (
      .clk, .reset(restart), .sums(sums_word), .sums_valid, .sums_ready, .row, .row_place, .row_valid(matrix_valid), .row_ready(matrix_ready),
      .word(matrix_word), .word_valid(matrix_word_valid), .word_ready(matrix_word_ready)
  );

  logic [PORTS-1:0] written;
  assign stored = &written;
  generate
    for (genvar p = 0; p < PORTS; p++) begin : movers
      localparam int G = p + 1;
      logic takes_store, takes_matrix, takes_update, orders, order_room, moves_ready, owes_nothing;
      logic [WORD-1:0] write_word;
      logic write_word_valid, write_word_ready;
      assign orders = stores_valid[p] && order_room;
      assign stores_ready[p] = moves_ready && order_room;
      word_order #(
          .DEPTH(DEPTH),
          .TRAINING(TRAINING)
      ) order (
          .clk, .reset(cleared), .command(stores_data[MOVE*p+:MOVE]),
          .command_valid(orders && moves_ready), .room(order_room),
          .word_taken(write_word_valid && write_word_ready), .rows(takes_store),
          .matrix(takes_matrix), .update(takes_update), .idle(owes_nothing)
      );
      assign write_word = takes_matrix ? matrix_word[WORD*p+:WORD]
                          : TRAINING && takes_update ? update_results_data[WORD*p+:WORD]
                          : stored_word;
      assign write_word_valid = (takes_store && stored_word_valid[p])
                                || (takes_matrix && matrix_word_valid[p])
                                || (takes_update && update_results_valid[p]);
      assign update_results_ready[p] = takes_update && write_word_ready;
      assign stored_word_ready[p] = takes_store && write_word_ready;
      assign matrix_word_ready[p] = takes_matrix && write_word_ready;

      // Words that are read as rows: for `load`, or for the update, in the order of the moves.
      logic read_word_valid, read_word_ready, for_load, for_update, reads_room, rows_moves;
      assign rows_ready[p] = rows_moves && reads_room;
      assign update_words_data[WORD*p+:WORD] = loaded_word[WORD*p+:WORD];
      if (TRAINING) begin : training
        logic unused_matrix, unused_idle;
        word_order #(
            .DEPTH(DEPTH),
            .TRAINING(TRAINING)
        ) order (
            .clk, .reset(cleared), .command(rows_data[MOVE*p+:MOVE]),
            .command_valid(rows_valid[p] && rows_ready[p]), .room(reads_room),
            .word_taken(read_word_valid && read_word_ready), .rows(for_load),
            .matrix(unused_matrix), .update(for_update), .idle(unused_idle)
        );
      end else begin : inference
        assign reads_room = 1'b1;
        assign for_load = 1'b1;
        assign for_update = 1'b0;
      end
      assign loaded_word_valid[p] = for_load && read_word_valid;
      assign update_words_valid[p] = for_update && read_word_valid;
      assign read_word_ready = for_update ? update_words_ready[p]
                                            : for_load && loaded_word_ready[p];
      mover_port #(
          .WORD(WORD),
          .PORTS(PORTS),
          .COLUMNS(1'b1),
          .TRAINING(TRAINING)
      ) mover (
          .clk, .reset(cleared), .halt,
          .read_command({rows_data[MOVE*p+:MOVE], weights_data[MOVE*p+:MOVE]}),
          .read_command_valid({rows_valid[p] && reads_room, weights_valid[p]}),
          .read_command_ready({rows_moves, weights_ready[p]}),
          .read_word({loaded_word[WORD*p+:WORD], weight_word[WORD*p+:WORD]}),
          .read_word_valid({read_word_valid, weight_word_valid[p]}),
          .read_word_ready({read_word_ready, weight_word_ready[p]}),
          .write_command(stores_data[MOVE*p+:MOVE]), .write_command_valid(orders),
          .write_command_ready(moves_ready), .write_word,
          .write_word_valid, .write_word_ready,
          .finished, .own_finished(finished[16*p+:16]), .idle(idle[G]),
          .read_error(read_error[G]), .write_error(write_error[G]),
          .clear_statistics(job_done), .read_cycles(read_cycles[G]),
          .write_cycles(write_cycles[G]),
          .araddr(araddr[40*G+:40]), .arlen(arlen[8*G+:8]), .arsize(arsize[3*G+:3]),
          .arburst(arburst[2*G+:2]), .arvalid(arvalid[G]), .arready(arready[G]),
          .rdata(rdata[WORD*G+:WORD]), .rresp(rresp[2*G+:2]), .rlast(rlast[G]),
          .rvalid(rvalid[G]), .rready(rready[G]),
          .awaddr(awaddr[40*G+:40]), .awlen(awlen[8*G+:8]), .awsize(awsize[3*G+:3]),
          .awburst(awburst[2*G+:2]), .awvalid(awvalid[G]), .awready(awready[G]),
          .wdata(wdata[WORD*G+:WORD]), .wstrb(wstrb[WORD/8*G+:WORD/8]), .wlast(wlast[G]),
          .wvalid(wvalid[G]), .wready(wready[G]), .bresp(bresp[2*G+:2]), .bvalid(bvalid[G]),
          .bready(bready[G])
      );

      // Words that are here and have not left; those that left are written when no burst is open.
      logic [7:0] here;
      always_ff @(posedge clk)
        here <= cleared ? '0 : here + 8'(write_word_valid && write_word_ready)
            - 8'(wvalid[G] && wready[G]);
      assign written[p] = here == '0 && idle[G] && owes_nothing;
    end
    for (genvar g = 0; g < GMEMS; g++) begin : errors
      assign faults[8+2*g] = read_error[g] != OKAY;
      assign faults[9+2*g] = write_error[g] != OKAY;
    end
  endgenerate
endmodule
