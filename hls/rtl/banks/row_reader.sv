// Reads rows from the banks as they become complete, and sends them by pairs: row group, word, pair
// of rows that has a row; for normalise_backward row group, word, pair, tensor. A word is read in all
// banks at once, as each of them is free, up to LINES words ahead of the stream.
module row_reader #(
    parameter int TOKENS = trivit_spec::TILE_TOKENS,
    parameter int DEPTH = trivit_spec::TILE_DEPTH,
    parameter int ACTIVATION_DEPTH = trivit_spec::ACTIVATION_DEPTH,
    parameter int LINES = 16,
    parameter bit TRAINING = 1'b0  // whether there is a normalise_backward; at least 4 lines
) (
    input  logic                                        clk,
    input  logic                                        reset,
    // trivit_commands::row_reader_command_t
    input  logic [                              255:0]  command,
    input  logic                                        command_valid,
    output logic                                        command_ready,
    // Pairs of rows, and whom they are for
    output logic [                     2*DEPTH*16-1:0]  rows,
    output logic                                        rows_backward,
    output logic                                        rows_valid,
    input  logic                                        rows_ready,
    // Port B (bank_arbiter)
    output logic [                         TOKENS-1:0]  bank_valid,
    input  logic [                         TOKENS-1:0]  bank_ready,
    output logic [TOKENS*$clog2(ACTIVATION_DEPTH)-1:0]  bank_address,
    input  logic [                         TOKENS-1:0]  bank_read,
    input  logic [                TOKENS*DEPTH*16-1:0]  bank_data,
    // The product that writes the rows of the next command begins
    input  logic                                        announce,
    // The engine's scoreboard: complete row groups of each slot
    input  logic [8*trivit_spec::ENGINE_COUNT_BITS-1:0]  slot_groups
);
  localparam int WORD = DEPTH * 16;
  localparam int BANK = $clog2(ACTIVATION_DEPTH);
  localparam int PAIRS = TOKENS / 2;
  localparam int PAIR = PAIRS > 1 ? $clog2(PAIRS) : 1;
  localparam int LINE = $clog2(LINES);

  localparam logic [1:0] IDLE = 2'd0;
  localparam logic [1:0] TOKEN = 2'd1;
  localparam logic [1:0] GATE = 2'd2;   // the next row group is not complete
  localparam logic [1:0] READ = 2'd3;

  trivit_commands::row_reader_command_t now;
  logic [1:0] state;
  logic begins, may_begin, open;
  logic [9:0] rows_left;
  logic [8:0] words_left;
  logic [BANK-1:0] line, address;  // of the row group, of the word; both of the first tensor
  logic [1:0] tensor, last_tensor;
  logic word_end;                  // all tensors' words are asked for
  assign last_tensor = TRAINING && now.tensors > 2'd1 ? now.tensors - 1'b1 : '0;
  assign word_end = tensor == last_tensor;
  assign command_ready = state == IDLE;
  assign begins = state == TOKEN && may_begin;
  reader_gate gate (
      .clk,
      .reset,
      .announce,
      .begins,
      .begin_ready(may_begin),
      .slot(now.slot),
      .first(now.first),
      .next(state == GATE && open),
      .slot_groups,
      .open
  );

  // Reads
  logic [TOKENS-1:0] pending, exists;  // banks that have yet to take the read; with a row to read
  logic [BANK-1:0] pending_address;
  logic [LINE:0] open_lines;
  logic [BANK-1:0] second, third;  // from the first tensor to the others
  logic [PAIR-1:0] last_pair;
  logic issue, line_end;
  always_comb
    for (int t = 0; t < TOKENS; t++) exists[t] = rows_left > 10'(2 * (t / 2));
  assign last_pair = rows_left > 10'(TOKENS - 1) ? PAIR'(PAIRS - 1)
                                                 : PAIR'((rows_left - 10'd1) >> 1);
  assign issue = state == READ && (pending & ~bank_ready) == '0 && open_lines != (LINE + 1)'(LINES);
  assign bank_valid = pending;
  assign bank_address = {TOKENS{pending_address}};

  always_ff @(posedge clk) begin
    pending <= issue ? exists : pending & ~bank_ready;
    if (issue)
      pending_address <= tensor == 2'd1 ? address + second : tensor == 2'd2 ? address + third : address;
    open_lines <= open_lines + (LINE + 1)'(issue) - (LINE + 1)'(line_end);
    case (state)
      IDLE:
      if (command_valid) begin
        now <= command;
        if (!command[0]) state <= TOKEN;
      end
      TOKEN: begin
        tensor <= '0;
        second <= BANK'(now.second - now.source);
        third <= BANK'(now.third - now.source);
        rows_left <= now.rows;
        line <= BANK'(now.source);
        if (begins) state <= GATE;
      end
      GATE: begin
        address <= line;
        words_left <= now.words;
        if (open) state <= READ;
      end
      default:
      if (issue && !word_end) begin
        tensor <= tensor + 1'b1;
      end else if (issue) begin
        tensor <= '0;
        address <= address + 1'b1;
        words_left <= words_left - 1'b1;
        if (words_left == 9'd1) begin
          line <= line + BANK'(now.source_stride);
          rows_left <= rows_left - 10'(TOKENS);
          state <= rows_left <= 10'(TOKENS) ? IDLE : GATE;
        end
      end
    endcase
    if (reset) begin
      state <= IDLE;
      pending <= '0;
      open_lines <= '0;
    end
  end

  // What has come, for each bank in its order, and how many pairs each word has.
  logic pairs_ready, pairs_valid;  // `pairs_ready` always: lines are counted
  logic [PAIR-1:0] pair, pair_to;
  logic [1:0] turn, turn_to;       // tensors
  stream_fifo #(
      .WIDTH(PAIR + 2),
      .DEPTH(LINES)
  ) lines (
      .clk,
      .reset,
      .in_data({last_tensor, last_pair}),
      .in_valid(issue),
      .in_ready(pairs_ready),
      .out_data({turn_to, pair_to}),
      .out_valid(pairs_valid),
      .out_ready(line_end)
  );
`ifndef SYNTHESIS
  always_ff @(posedge clk) assert (reset || !issue || pairs_ready) else $error("lines overrun");
  initial assert (!TRAINING || LINES > 3) else $fatal(1, "three tensors need three lines");
`endif
  logic [TOKENS*WORD-1:0] heads;
  logic [PAIRS-1:0] there;
  logic pop;
  assign pop = pairs_valid && there[pair] && (!rows_valid || rows_ready);
  assign line_end = pop && pair == pair_to;
  logic [PAIRS-1:0][LINE:0] head;   // words of a pair's banks that have left
  logic [TOKENS-1:0][LINE:0] tail;  // words of a bank that have come
  always_comb
    for (int p = 0; p < PAIRS; p++)
      there[p] = tail[2*p] != head[p] && tail[2*p+1] != head[p];
  always_ff @(posedge clk) begin
    if (pop) head[pair] <= head[pair] + 1'b1;
    for (int t = 0; t < TOKENS; t++) tail[t] <= tail[t] + (LINE + 1)'(bank_read[t]);
    if (reset) begin
      head <= '0;
      tail <= '0;
    end
  end
  generate
    for (genvar t = 0; t < TOKENS; t++) begin : banks
      (* ram_style = "distributed" *) logic [WORD-1:0] memory[LINES];
      always_ff @(posedge clk)
        if (bank_read[t]) memory[tail[t][LINE-1:0]] <= bank_data[WORD*t+:WORD];
      assign heads[WORD*t+:WORD] = memory[head[t/2][LINE-1:0]];
    end
  endgenerate
  always_ff @(posedge clk) begin
    if (pop) begin
      rows <= heads[2*WORD*pair+:2*WORD];
      rows_backward <= turn_to != '0;
      turn <= turn == turn_to ? '0 : turn + 1'b1;
      if (turn == turn_to) pair <= line_end ? '0 : pair + 1'b1;
    end
    rows_valid <= pop || (rows_valid && !rows_ready);
    if (reset) begin
      pair <= '0;
      turn <= '0;
      rows_valid <= 1'b0;
    end
  end
endmodule
