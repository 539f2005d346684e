// Moves words between one AXI4 port and streams: reads and writes apart, each read stream with
// commands of its own. All valid and ready signals that leave come from registers.
module mover_port #(
    parameter int STREAMS = 2,       // that are read: weights, activation rows
    parameter int WORD = 128,
    parameter int READ_WORDS = 128,  // places of each read stream
    parameter int WRITE_WORDS = 64,
    parameter int BURST = 16,        // beats, a power of two
    parameter int OPEN = 16,         // bursts under way in each direction
    parameter int COMMANDS = 16,     // that wait in each queue
    parameter int PORTS = 4,         // whose writes a command may wait for
    parameter bit COLUMNS = 1'b0,    // whether stream 0 and the writes take matrices by columns
    parameter bit TRAINING = 1'b0    // whether stream 1 and the writes take planes, and matrices biases
) (
    input  logic                                      clk,
    input  logic                                      reset,
    // High until the reset: no new burst, commands and words to write are swallowed.
    input  logic                                      halt,
    input  logic [STREAMS*mover_types::MOVE_BITS-1:0] read_command,
    input  logic [                       STREAMS-1:0] read_command_valid,
    output logic [                       STREAMS-1:0] read_command_ready,
    output logic [                  STREAMS*WORD-1:0] read_word,
    output logic [                       STREAMS-1:0] read_word_valid,
    input  logic [                       STREAMS-1:0] read_word_ready,
    input  logic [        mover_types::MOVE_BITS-1:0] write_command,
    input  logic                                      write_command_valid,
    output logic                                      write_command_ready,
    input  logic [                          WORD-1:0] write_word,
    input  logic                                      write_word_valid,
    output logic                                      write_word_ready,
    input  logic [                      PORTS*16-1:0] finished,      // of all ports
    output logic [                              15:0] own_finished,  // write commands
    output logic                                      idle,          // nothing under way
    output logic [                               1:0] read_error,    // 0, 2 SLVERR, 3 DECERR:
    output logic [                               1:0] write_error,   // the first since the reset
    input  logic                                      clear_statistics,
    output logic [                             255:0] read_cycles,   // mover_types, READ_*
    output logic [                             255:0] write_cycles,  // WRITE_*
    // AXI4 without IDs
    output logic [                              39:0] araddr,
    output logic [                               7:0] arlen,
    output logic [                               2:0] arsize,
    output logic [                               1:0] arburst,
    output logic                                      arvalid,
    input  logic                                      arready,
    input  logic [                          WORD-1:0] rdata,
    input  logic [                               1:0] rresp,
    input  logic                                      rlast,
    input  logic                                      rvalid,
    output logic                                      rready,
    output logic [                              39:0] awaddr,
    output logic [                               7:0] awlen,
    output logic [                               2:0] awsize,
    output logic [                               1:0] awburst,
    output logic                                      awvalid,
    input  logic                                      awready,
    output logic [                          WORD-1:0] wdata,
    output logic [                        WORD/8-1:0] wstrb,
    output logic                                      wlast,
    output logic                                      wvalid,
    input  logic                                      wready,
    input  logic [                               1:0] bresp,
    input  logic                                      bvalid,
    output logic                                      bready
);
  localparam logic [2:0] SIZE = 3'($clog2(WORD / 8));
  localparam logic [1:0] INCREMENT = 2'b01;

  logic [35:0] read_address, write_address;
  logic [2:0] read_did, write_did;
  logic read_idle, write_idle;

  mover_read #(
      .STREAMS(STREAMS),
      .WORD(WORD),
      .WORDS(READ_WORDS),
      .BURST(BURST),
      .OPEN(OPEN),
      .COMMANDS(COMMANDS),
      .PORTS(PORTS),
      .COLUMNS(COLUMNS),
      .TRAINING(TRAINING)
  ) read (
      .clk,
      .reset,
      .halt,
      .command(read_command),
      .command_valid(read_command_valid),
      .command_ready(read_command_ready),
      .finished,
      .word(read_word),
      .word_valid(read_word_valid),
      .word_ready(read_word_ready),
      .ar_address(read_address),
      .ar_length(arlen),
      .ar_valid(arvalid),
      .ar_ready(arready),
      .r_data(rdata),
      .r_response(rresp),
      .r_last(rlast),
      .r_valid(rvalid),
      .r_ready(rready),
      .idle(read_idle),
      .error(read_error),
      .did(read_did)
  );
  mover_write #(
      .WORD(WORD),
      .WORDS(WRITE_WORDS),
      .BURST(BURST),
      .OPEN(OPEN),
      .COMMANDS(COMMANDS),
      .PORTS(PORTS),
      .COLUMNS(COLUMNS),
      .TRAINING(TRAINING)
  ) write (
      .clk,
      .reset,
      .halt,
      .command(write_command),
      .command_valid(write_command_valid),
      .command_ready(write_command_ready),
      .finished,
      .own_finished,
      .word(write_word),
      .word_valid(write_word_valid),
      .word_ready(write_word_ready),
      .aw_address(write_address),
      .aw_length(awlen),
      .aw_valid(awvalid),
      .aw_ready(awready),
      .w_data(wdata),
      .w_last(wlast),
      .w_valid(wvalid),
      .w_ready(wready),
      .b_response(bresp),
      .b_valid(bvalid),
      .b_ready(bready),
      .idle(write_idle),
      .error(write_error),
      .did(write_did)
  );
  statistics read_statistics (
      .clk,
      .clear(clear_statistics || reset),
      .cause(read_did),
      .cycles(read_cycles)
  );
  statistics write_statistics (
      .clk,
      .clear(clear_statistics || reset),
      .cause(write_did),
      .cycles(write_cycles)
  );

  assign araddr = {read_address, 4'b0};
  assign awaddr = {write_address, 4'b0};
  assign arsize = SIZE;
  assign awsize = SIZE;
  assign arburst = INCREMENT;
  assign awburst = INCREMENT;
  assign wstrb = '1;
  assign idle = read_idle && write_idle;
endmodule
