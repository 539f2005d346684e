// Normalised rows to the banks, word by word of a row group, as normalise sends them (pair_writer).
module norm_writer #(
    parameter int TOKENS = trivit_spec::TILE_TOKENS,
    parameter int DEPTH = trivit_spec::TILE_DEPTH,
    parameter int ACTIVATION_DEPTH = trivit_spec::ACTIVATION_DEPTH,
    parameter int PLACES = 16,
    parameter bit TRAINING = 1'b0  // whether there is a normalise_backward
) (
    input  logic                                        clk,
    input  logic                                        reset,
    // trivit_commands::norm_writer_command_t
    input  logic [                              255:0]  command,
    input  logic                                        command_valid,
    output logic                                        command_ready,
    // Pairs of rows, of normalise and of normalise_backward
    input  logic [                     2*DEPTH*16-1:0]  results,
    input  logic                                        results_valid,
    output logic                                        results_ready,
    input  logic [                     2*DEPTH*16-1:0]  backward,
    input  logic                                        backward_valid,
    output logic                                        backward_ready,
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
  trivit_commands::norm_writer_command_t now;
  assign now = command;
  logic from_backward, ready;  // of the command that the writer obeys
  always_ff @(posedge clk)
    if (command_valid && command_ready) from_backward <= TRAINING && now.backward;
  assign results_ready = ready && !from_backward;
  assign backward_ready = ready && from_backward;
  pair_writer #(
      .TOKENS(TOKENS),
      .TILE(1),
      .DEPTH(DEPTH),
      .ACTIVATION_DEPTH(ACTIVATION_DEPTH),
      .PLACES(PLACES)
  ) writer (
      .clk,
      .reset,
      .last(now.last),
      .tag(now.tag),
      .heads(5'd1),
      .rows(now.rows),
      .words(now.words),
      .target(now.target),
      .stride(now.target_stride),
      .wrap(9'd0),
      .slot(now.slot),
      .command_valid,
      .command_ready,
      .results(from_backward ? backward : results),
      .results_valid(from_backward ? backward_valid : results_valid),
      .results_ready(ready),
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
