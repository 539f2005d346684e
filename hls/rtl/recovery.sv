// Brings everything back to its beginning when a program cannot go on, or when the host says so.
// The ports ask for nothing more; what they have asked for comes, what they have announced leaves;
// then all units here and all blocks outside are reset, the blocks for half of that time: they may
// know their reset a few cycles late. So nothing on AXI4 is broken off, and nothing of a program
// reaches the next. The job that ran ends with the error. A reset from outside ends with the same.
module recovery #(
    parameter int FAULTS = 19,
    parameter int CLEAR = 32    // cycles of that reset, a power of two
) (
    input  logic              clk,
    input  logic              reset,
    input  logic              give_up,     // from the host
    input  logic [FAULTS-1:0] faults,      // of the units; gone with their reset
    input  logic [      10:0] engine_tag,  // of the command that the engine refused
    input  logic [      10:0] latest_tag,  // of the latest report
    input  logic              begins,      // a job
    input  logic              running,
    input  logic              quiet,       // no burst is under way
    output logic              busy,
    output logic              halt,        // no new burst
    output logic              clear,       // reset of the units
    output logic              clear_blocks,
    output logic              done,        // for one cycle: the job has ended, with an error
    output logic [  FAULTS:0] error,       // of the latest job: faults, and give_up as the highest
    output logic [      10:0] tag
);
  typedef enum logic [1:0] {WATCH, DRAIN, RESET} state_t;
  state_t state;
  logic [$clog2(CLEAR)-1:0] left;
  logic ends;

  assign busy = state != WATCH;
  assign halt = state == DRAIN;
  assign clear = state == RESET;
  assign clear_blocks = clear && left[$clog2(CLEAR)-1];

  always_ff @(posedge clk) begin
    done <= 1'b0;
    if (begins) begin
      error <= '0;
      tag <= '0;
    end
    case (state)
      WATCH:
      if (give_up || faults != '0) begin
        state <= DRAIN;
        ends <= running;
        if (running) begin
          error <= {give_up, faults};
          tag <= faults[7:0] != '0 ? engine_tag : latest_tag;
        end
      end
      DRAIN:
      if (quiet) begin
        state <= RESET;
        left <= '1;
      end
      default: begin
        left <= left - 1'b1;
        if (left == '0) begin
          state <= WATCH;
          done <= ends;
        end
      end
    endcase
    if (reset) begin
      state <= RESET;
      left <= '1;
      ends <= 1'b0;
      done <= 1'b0;
      error <= '0;
      tag <= '0;
    end
  end
endmodule
