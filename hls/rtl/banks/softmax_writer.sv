// Probabilities to the banks: tiles of OUTPUTS keys, as softmax sends them (pair_writer).
module softmax_writer #(
    parameter int TOKENS = trivit_spec::TILE_TOKENS,
    parameter int OUTPUTS = trivit_spec::TILE_OUTPUTS,
    parameter int DEPTH = trivit_spec::TILE_DEPTH,
    parameter int ACTIVATION_DEPTH = trivit_spec::ACTIVATION_DEPTH,
    parameter int PLACES = 16
) (
    input  logic                                        clk,
    input  logic                                        reset,
    // trivit_commands::softmax_writer_command_t
    input  logic [                              255:0]  command,
    input  logic                                        command_valid,
    output logic                                        command_ready,
    // Pairs of rows
    input  logic [                     2*DEPTH*16-1:0]  results,
    input  logic                                        results_valid,
    output logic                                        results_ready,
    // Failed (never), tag, no figure (engine_types::report_t)
    output logic [                               63:0]  report,
    output logic                                        report_valid,
    input  logic                                        report_ready,
    // Port B (bank_arbiter)
    output logic [                         TOKENS-1:0]  bank_valid,
    input  logic [                         TOKENS-1:0]  bank_ready,
    output logic [TOKENS*$clog2(ACTIVATION_DEPTH)-1:0]  bank_address,
    output logic [                TOKENS*DEPTH*16-1:0]  bank_written,
    // The next row group of a slot is in the banks
    output logic                                        complete,
    output logic [                                2:0]  complete_slot
);
  trivit_commands::softmax_writer_command_t now;
  assign now = command;
  pair_writer #(
      .TOKENS(TOKENS),
      .TILE(OUTPUTS / DEPTH),
      .DEPTH(DEPTH),
      .ACTIVATION_DEPTH(ACTIVATION_DEPTH),
      .PLACES(PLACES)
  ) writer (
      .clk,
      .reset,
      .last(now.last),
      .tag(now.tag),
      .heads(now.heads),
      .rows(now.rows),
      .words(now.words),
      .target(now.target),
      .stride(now.target_stride),
      .wrap(now.wrap),
      .slot(now.slot),
      .command_valid,
      .command_ready,
      .results,
      .results_valid,
      .results_ready,
      .report,
      .report_valid,
      .report_ready,
      .bank_valid,
      .bank_ready,
      .bank_address,
      .bank_written,
      .complete,
      .complete_slot
  );
endmodule
