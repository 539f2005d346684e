// Cuts commands into bursts. A burst ends where an aligned block of BURST words ends, so none
// crosses 4 KB; only a command's first and last can be short. A command of zero words becomes one
// burst of zero beats. `halt` forgets what has not left, and swallows every command.
module mover_bursts #(
    parameter int BURST = 16,      // a power of two, 2 to 256
    parameter int COMMANDS = 16,
    parameter int PORTS = 4
) (
    input  logic                              clk,
    input  logic                              reset,
    input  logic                              halt,
    input  logic [mover_types::MOVE_BITS-1:0] command,
    input  logic [                       7:0] command_age,    // comes back with its bursts
    input  logic                              command_valid,
    output logic                              command_ready,
    input  logic [              PORTS*16-1:0] finished,       // write commands of each port
    output logic                              fenced,         // a command waits for them
    output logic [                      35:0] address,        // of the burst's first word
    output logic [           $clog2(BURST):0] beats,
    output logic [                       7:0] age,
    output logic                              last,           // of its command
    output logic                              valid,
    input  logic                              ready
);
  localparam int BITS = $clog2(BURST);

  mover_types::move_t next;
  logic [7:0] next_age, now_age;
  logic next_valid, next_ready, passes;
  stream_fifo #(
      .WIDTH(mover_types::MOVE_BITS + 8),
      .DEPTH(COMMANDS)
  ) queue (
      .clk,
      .reset,
      .in_data({command_age, command}),
      .in_valid(command_valid),
      .in_ready(command_ready),
      .out_data({next_age, next}),
      .out_valid(next_valid),
      .out_ready(next_ready)
  );

  logic [PORTS-1:0] missing;  // ports that have not finished `fence` commands
  logic [15:0] ahead;
  always_comb begin
    ahead = '0;
    for (int p = 0; p < PORTS; p++) begin
      ahead = finished[16*p+:16] - next.fence;
      missing[p] = next.fence_ports[p] && ahead[15];
    end
  end
  assign passes = missing == '0;
  assign fenced = next_valid && !passes;

  logic busy, move, ends;
  logic [35:0] position;
  logic [23:0] left;
  logic [BITS:0] block, now;
  assign block = (BITS + 1)'(BURST) - {1'b0, position[BITS-1:0]};  // words to the block's end
  assign ends = left <= 24'(block);
  assign now = ends ? left[BITS:0] : block;
  assign move = busy && (!valid || ready);
  assign next_ready = halt || (passes && (!busy || (move && ends)));

  always_ff @(posedge clk) begin
    valid <= busy || (valid && !ready);
    if (move) begin
      address <= position;
      beats <= now;
      age <= now_age;
      last <= ends;
      left <= left - 24'(now);
      position[35:BITS] <= position[35:BITS] + 1'b1;
      position[BITS-1:0] <= '0;
      busy <= !ends;
    end
    if (next_valid && next_ready) begin
      busy <= 1'b1;
      position <= next.address;
      left <= next.words;
      now_age <= next_age;
    end
    if (halt || reset) begin
      busy <= 1'b0;
      valid <= 1'b0;
    end
  end
endmodule
