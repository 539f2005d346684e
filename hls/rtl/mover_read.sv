// The read side of a port. Each stream has its own commands, so one that is full stops no other.
// The oldest command goes first, unless nobody takes its stream's words. A burst is asked for when all its words have a place, so the
// memory never waits for a stream. No IDs: words arrive in the order of the bursts.
module mover_read #(
    parameter int STREAMS = 2,
    parameter int WORD = 128,
    parameter int WORDS = 128,     // places of a stream, a power of two, at least BURST
    parameter int BURST = 16,
    parameter int OPEN = 16,       // bursts under way, a power of two
    parameter int COMMANDS = 16,
    parameter int PORTS = 4,
    parameter bit COLUMNS = 1'b0,  // whether stream 0 takes matrices by columns
    parameter bit TRAINING = 1'b0  // whether stream 1 takes planes
) (
    input  logic                                      clk,
    input  logic                                      reset,
    input  logic                                      halt,
    input  logic [STREAMS*mover_types::MOVE_BITS-1:0] command,
    input  logic [                       STREAMS-1:0] command_valid,
    output logic [                       STREAMS-1:0] command_ready,
    input  logic [                      PORTS*16-1:0] finished,
    output logic [                  STREAMS*WORD-1:0] word,
    output logic [                       STREAMS-1:0] word_valid,
    input  logic [                       STREAMS-1:0] word_ready,
    output logic [                              35:0] ar_address,
    output logic [                               7:0] ar_length,   // beats - 1
    output logic                                      ar_valid,
    input  logic                                      ar_ready,
    input  logic [                          WORD-1:0] r_data,
    input  logic [                               1:0] r_response,
    input  logic                                      r_last,
    input  logic                                      r_valid,
    output logic                                      r_ready,
    output logic                                      idle,        // no burst is under way
    output logic [                               1:0] error,       // the first bad response
    output logic [                               2:0] did
);
  localparam int BEATS = $clog2(BURST) + 1;
  localparam int ROOM = $clog2(WORDS) + 1;
  localparam int COUNT = $clog2(OPEN) + 1;
  localparam int STREAM = STREAMS > 1 ? $clog2(STREAMS) : 1;

  logic [STREAMS-1:0] fenced, valid, ready, empty, fits, flows, arrives;
  logic [STREAMS*36-1:0] address;
  logic [STREAMS*BEATS-1:0] beats;
  logic [COUNT-1:0] open;
  logic issue;
  logic [STREAM-1:0] choice, head;
  logic [STREAMS*8-1:0] age;
  logic [7:0] next_age;
  always_ff @(posedge clk)
    next_age <= reset ? '0 : next_age + 8'((command_valid & command_ready) != '0);

  generate
    for (genvar s = 0; s < STREAMS; s++) begin : streams
      logic unused_last, has_room;
      mover_bursts #(
          .BURST(BURST),
          .COMMANDS(COMMANDS),
          .PORTS(PORTS),
          .DEPTH(WORD / 16),
          .COLUMNS(COLUMNS && s == 0),
          .PLANES(TRAINING && s == 1)
      ) bursts (
          .clk,
          .reset,
          .halt,
          .command(command[mover_types::MOVE_BITS*s+:mover_types::MOVE_BITS]),
          .command_age(next_age),
          .command_valid(command_valid[s]),
          .command_ready(command_ready[s]),
          .finished,
          .fenced(fenced[s]),
          .address(address[36*s+:36]),
          .beats(beats[BEATS*s+:BEATS]),
          .age(age[8*s+:8]),
          .last(unused_last),
          .valid(valid[s]),
          .ready(ready[s])
      );
      assign empty[s] = beats[BEATS*s+:BEATS] == '0;
      assign ready[s] = empty[s] || (issue && choice == STREAM'(s));

      logic [ROOM-1:0] room;  // places that no burst has taken
      assign fits[s] = valid[s] && !empty[s] && ROOM'(beats[BEATS*s+:BEATS]) <= room;
      always_ff @(posedge clk)
        room <= reset ? ROOM'(WORDS)
            : room + ROOM'(word_valid[s] && word_ready[s])
            - (issue && choice == STREAM'(s) ? ROOM'(beats[BEATS*s+:BEATS]) : '0);

      // No room, but the places belong to words on their way: its turn comes without others.
      logic [ROOM-1:0] stored;
      assign flows[s] = valid[s] && !empty[s] && stored < ROOM'(WORDS / 2);
      always_ff @(posedge clk)
        stored <= reset ? '0 : stored + ROOM'(arrives[s])
            - ROOM'(word_valid[s] && word_ready[s]);

      assign arrives[s] = r_valid && r_ready && head == STREAM'(s);
      stream_fifo #(
          .WIDTH(WORD),
          .DEPTH(WORDS)
      ) queue (
          .clk,
          .reset,
          .in_data(r_data),
          .in_valid(arrives[s]),
          .in_ready(has_room),
          .out_data(word[WORD*s+:WORD]),
          .out_valid(word_valid[s]),
          .out_ready(word_ready[s])
      );
`ifndef SYNTHESIS
      always_ff @(posedge clk)
        assert (reset || !arrives[s] || has_room) else $error("a word has no place");
`endif
    end
  endgenerate

  // The stream whose command came first, of those whose burst fits or soon will. Ages run modulo
  // 256, and far fewer commands wait.
  logic found;
  logic [7:0] oldest, behind;
  always_comb begin
    choice = '0;
    found = 1'b0;
    oldest = '0;
    behind = '0;
    for (int s = 0; s < STREAMS; s++) begin
      behind = age[8*s+:8] - oldest;
      if ((fits[s] || flows[s]) && (!found || behind[7])) begin
        choice = STREAM'(s);
        oldest = age[8*s+:8];
        found = 1'b1;
      end
    end
  end
  assign issue = fits[choice] && open != COUNT'(OPEN) && (!ar_valid || ar_ready) && !halt;

  logic arrived;
  assign arrived = r_valid && r_ready && r_last;
  always_ff @(posedge clk) begin
    ar_valid <= issue || (ar_valid && !ar_ready);
    if (issue) begin
      for (int s = 0; s < STREAMS; s++)
        if (choice == STREAM'(s)) begin
          ar_address <= address[36*s+:36];
          ar_length <= 8'(beats[BEATS*s+:BEATS] - 1'b1);
        end
    end
    open <= open + COUNT'(issue) - COUNT'(arrived);
    if (error == '0 && r_valid && r_ready && r_response[1]) error <= r_response;
    if (reset) begin
      ar_valid <= 1'b0;
      open <= '0;
      error <= '0;
    end
  end
  assign idle = open == '0;

  logic unused_room;  // always: as many places as open bursts
  stream_fifo #(
      .WIDTH(STREAM),
      .DEPTH(OPEN)
  ) order (
      .clk,
      .reset,
      .in_data(choice),
      .in_valid(issue),
      .in_ready(unused_room),
      .out_data(head),
      .out_valid(r_ready),
      .out_ready(arrived)
  );

  always_comb begin
    did = 3'(mover_types::READ_IDLE);
    if (fenced != '0) did = 3'(mover_types::READ_FENCE);
    if (open != '0) did = 3'(mover_types::READ_MEMORY);
    if ((valid & ~empty & ~fits) != '0) did = 3'(mover_types::READ_ROOM);
    if (fits != '0 && open == COUNT'(OPEN)) did = 3'(mover_types::READ_OPEN);
    if (ar_valid && !ar_ready) did = 3'(mover_types::READ_ADDRESS);
    if (r_valid && r_ready) did = 3'(mover_types::READ_WORD);
  end
endmodule
