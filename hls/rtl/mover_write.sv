// The write side of a port. A burst is announced when all its words are here, so a store that
// waits for rows holds nothing on the bus. Addresses run ahead of the words; responses are counted,
// and a command is finished with the response to its last burst.
module mover_write #(
    parameter int WORD = 128,
    parameter int WORDS = 64,      // that wait, a power of two, at least BURST
    parameter int BURST = 16,
    parameter int OPEN = 16,       // bursts without response, a power of two
    parameter int COMMANDS = 16,
    parameter int PORTS = 4,
    parameter bit COLUMNS = 1'b0,  // whether it takes matrices by columns
    parameter bit TRAINING = 1'b0  // whether it takes planes, and biases of matrices
) (
    input  logic                              clk,
    input  logic                              reset,
    input  logic                              halt,
    input  logic [mover_types::MOVE_BITS-1:0] command,
    input  logic                              command_valid,
    output logic                              command_ready,
    input  logic [              PORTS*16-1:0] finished,
    output logic [                      15:0] own_finished,
    input  logic [                  WORD-1:0] word,
    input  logic                              word_valid,
    output logic                              word_ready,
    output logic [                      35:0] aw_address,
    output logic [                       7:0] aw_length,    // beats - 1
    output logic                              aw_valid,
    input  logic                              aw_ready,
    output logic [                  WORD-1:0] w_data,
    output logic                              w_last,
    output logic                              w_valid,
    input  logic                              w_ready,
    input  logic [                       1:0] b_response,
    input  logic                              b_valid,
    output logic                              b_ready,
    output logic                              idle,         // no burst is without response
    output logic [                       1:0] error,        // the first bad response
    output logic [                       2:0] did
);
  localparam int BEATS = $clog2(BURST) + 1;
  localparam int STORED = $clog2(WORDS) + 2;  // one more waits in the queue's output
  localparam int COUNT = $clog2(OPEN) + 1;

  logic fenced, valid, last, empty, fits, announce, pass;
  logic [35:0] address;
  logic [BEATS-1:0] beats;
  logic [COUNT-1:0] open;      // zero-word commands too
  logic [STORED-1:0] stored;   // words that no burst has announced
  logic [7:0] unused_age;
  mover_bursts #(
      .BURST(BURST),
      .COMMANDS(COMMANDS),
      .PORTS(PORTS),
      .DEPTH(WORD / 16),
      .COLUMNS(COLUMNS),
      .PLANES(TRAINING),
      .BIASES(TRAINING)
  ) bursts (
      .clk,
      .reset,
      .halt,
      .command,
      .command_age('0),
      .command_valid,
      .command_ready,
      .finished,
      .fenced,
      .address,
      .beats,
      .age(unused_age),
      .last,
      .valid,
      .ready(pass)
  );
  assign empty = beats == '0;
  assign fits = valid && STORED'(beats) <= stored;
  assign pass = fits && open != COUNT'(OPEN) && (empty || !aw_valid || aw_ready) && !halt;
  assign announce = pass && !empty;

  logic waiting, take;
  stream_fifo #(
      .WIDTH(WORD),
      .DEPTH(WORDS)
  ) queue (
      .clk,
      .reset,
      .in_data(word),
      .in_valid(word_valid),
      .in_ready(word_ready),
      .out_data(w_data),
      .out_valid(waiting),
      .out_ready(take || (halt && idle))
  );

  // Lengths of announced bursts, for the words.
  logic length_valid, length_ready, has_length_room, active;
  logic [BEATS-1:0] length, left;
  stream_fifo #(
      .WIDTH(BEATS),
      .DEPTH(OPEN)
  ) lengths (
      .clk,
      .reset,
      .in_data(beats),
      .in_valid(announce),
      .in_ready(has_length_room),
      .out_data(length),
      .out_valid(length_valid),
      .out_ready(length_ready)
  );
  assign w_valid = active && waiting;
  assign w_last = left == BEATS'(1);
  assign take = w_valid && w_ready;
  assign length_ready = !active || (take && w_last);

  // Bursts in the order of their responses. A zero-word command has none.
  logic response_for_last, response_empty, expected, has_order_room, done;
  stream_fifo #(
      .WIDTH(2),
      .DEPTH(OPEN)
  ) order (
      .clk,
      .reset,
      .in_data({last, empty}),
      .in_valid(pass),
      .in_ready(has_order_room),
      .out_data({response_for_last, response_empty}),
      .out_valid(expected),
      .out_ready(done)
  );
  assign b_ready = expected && !response_empty;
  assign done = expected && (response_empty || b_valid);
`ifndef SYNTHESIS
  always_ff @(posedge clk)
    assert (reset || !pass || (has_order_room && has_length_room)) else $error("burst overrun");
`else
  logic unused;
  assign unused = has_order_room & has_length_room;
`endif

  always_ff @(posedge clk) begin
    aw_valid <= announce || (aw_valid && !aw_ready);
    if (announce) begin
      aw_address <= address;
      aw_length <= 8'(beats - 1'b1);
    end
    if (length_ready) begin
      active <= length_valid;
      left <= length;
    end else if (take) begin
      left <= left - 1'b1;
    end
    stored <= stored + STORED'(word_valid && word_ready) - (pass ? STORED'(beats) : '0);
    open <= open + COUNT'(pass) - COUNT'(done);
    own_finished <= own_finished + 16'(done && response_for_last);
    if (error == '0 && b_valid && b_ready && b_response[1]) error <= b_response;
    if (reset) begin
      aw_valid <= 1'b0;
      active <= 1'b0;
      stored <= '0;
      open <= '0;
      own_finished <= '0;
      error <= '0;
    end
  end
  assign idle = open == '0;

  always_comb begin
    did = 3'(mover_types::WRITE_IDLE);
    if (fenced) did = 3'(mover_types::WRITE_FENCE);
    if (open != '0) did = 3'(mover_types::WRITE_MEMORY);
    if (valid && !fits) did = 3'(mover_types::WRITE_ROWS);
    if (fits && open == COUNT'(OPEN)) did = 3'(mover_types::WRITE_OPEN);
    if (w_valid && !w_ready) did = 3'(mover_types::WRITE_DATA);
    if (aw_valid && !aw_ready) did = 3'(mover_types::WRITE_ADDRESS);
    if (take) did = 3'(mover_types::WRITE_WORD);
  end
endmodule
