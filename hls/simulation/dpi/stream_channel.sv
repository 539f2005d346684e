// A stream between two units of the complete accelerator: what `clocked/channel.hpp` is between two
// processes. A word that is written in a clock can be read LATENCY clocks later; a place that is
// read can be written again in the next clock.
module stream_channel #(
    parameter int BITS = 64,
    parameter int DEPTH = 4,
    parameter int LATENCY = 2
) (
    input  logic            clk,
    input  logic            resetn,
    input  logic [BITS-1:0] source_data,
    input  logic            source_valid,
    output logic            source_ready,
    output logic [BITS-1:0] sink_data,
    output logic            sink_valid,
    input  logic            sink_ready
);
  localparam int PLACE = DEPTH > 1 ? $clog2(DEPTH) : 1;
  localparam int COUNT = $clog2(DEPTH + 1);

  logic [BITS-1:0] words[DEPTH];
  logic [PLACE-1:0] head, tail;
  logic [COUNT-1:0] held;             // words
  logic [COUNT-1:0] shown;            // of them, that can be read
  logic [LATENCY-1:0] written;        // in the latest clocks, this one at 0
  logic push, pop;

  assign source_ready = resetn && held != COUNT'(DEPTH);
  assign sink_valid = shown != '0;
  assign sink_data = words[head];
  assign push = source_valid && source_ready;
  assign pop = sink_valid && sink_ready;

  generate
    if (LATENCY == 1) begin : direct
      assign written = push;
    end else begin : delayed
      logic [LATENCY-1:1] earlier;
      assign written = {earlier, push};
      always_ff @(posedge clk) earlier <= resetn ? written[LATENCY-2:0] : '0;
    end
  endgenerate

  function automatic logic [PLACE-1:0] next(input logic [PLACE-1:0] place);
    return place == PLACE'(DEPTH - 1) ? '0 : place + 1'b1;
  endfunction

  always_ff @(posedge clk) begin
    if (push) words[tail] <= source_data;
    if (!resetn) begin
      head  <= '0;
      tail  <= '0;
      held  <= '0;
      shown <= '0;
    end else begin
      if (push) tail <= next(tail);
      if (pop) head <= next(head);
      held  <= held + COUNT'(push) - COUNT'(pop);
      shown <= shown + COUNT'(written[LATENCY-1]) - COUNT'(pop);
    end
  end
endmodule
