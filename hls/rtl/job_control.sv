// Runs one program at a time: asks for its commands, tells the sequencer its bases, and ends it when
// the sequencer has passed its last command on, the log with all its reports is in memory, and so is
// what was stored.
module job_control (
    input  logic                              clk,
    input  logic                              reset,
    input  logic                              hold,            // something is wrong: no end
    // Addresses and sizes in words of 16 bytes; a command has two
    input  logic [                      35:0] program_base,
    input  logic [                      22:0] commands,
    input  logic [                      23:0] reports,
    input  logic [                      35:0] params_base,
    input  logic [                      35:0] input_base,
    input  logic [                      35:0] output_base,
    input  logic [                      35:0] log_base,
    input  logic                              valid,
    output logic                              ready,
    output logic                              done,            // for one cycle
    output logic [                      47:0] cycle,           // since the job began
    output logic                              mismatch,        // the program has other reports
    // Port 0's mover
    output logic [mover_types::MOVE_BITS-1:0] read_command,
    output logic                              read_valid,
    input  logic                              read_ready,
    output logic [mover_types::MOVE_BITS-1:0] write_command,
    output logic                              write_valid,
    input  logic                              write_ready,
    input  logic [                      15:0] logs_finished,
    // Sequencer
    output logic [                     255:0] job,
    output logic                              job_valid,
    input  logic                              job_ready,
    input  logic [                      23:0] program_end,     // the reports of its commands
    input  logic                              program_end_valid,
    output logic                              program_end_ready,
    input  logic                              stored           // no word waits to be written
);
  logic running, ended;
  logic [15:0] logs;  // programs whose log was begun

  assign ready = !running;
  assign program_end_ready = running && !ended;

  always_ff @(posedge clk) begin
    done <= 1'b0;
    cycle <= cycle + 1'b1;
    if (read_ready) read_valid <= 1'b0;
    if (write_ready) write_valid <= 1'b0;
    if (job_ready) job_valid <= 1'b0;
    if (valid && ready) begin
      running <= 1'b1;
      cycle <= '0;
      logs <= logs + 1'b1;
      read_valid <= 1'b1;
      write_valid <= 1'b1;
      job_valid <= 1'b1;
      read_command <= mover_types::MOVE_BITS'({commands, 1'b0, program_base});
      write_command <= mover_types::MOVE_BITS'({reports, log_base});
      job <= {148'b0, output_base, input_base, params_base};
    end
    if (program_end_valid && program_end_ready) begin
      ended <= 1'b1;
      if (program_end != write_command[59:36]) mismatch <= 1'b1;
    end
    if (ended && logs_finished == logs && stored && !hold) begin
      running <= 1'b0;
      ended <= 1'b0;
      done <= 1'b1;
    end
    if (reset) begin
      running <= 1'b0;
      ended <= 1'b0;
      logs <= '0;
      mismatch <= 1'b0;
      read_valid <= 1'b0;
      write_valid <= 1'b0;
      job_valid <= 1'b0;
    end
  end
endmodule
