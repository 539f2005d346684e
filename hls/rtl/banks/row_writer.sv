// Writes rows of tiles (OUTPUTS columns) to the banks as GELU, the engine or a block of training sends
// them: all, or
// those alone that selection keeps. The words of a row leave one after the other to the row's bank,
// beside those of the next rows, so that a row can come in each cycle.
module row_writer #(
    parameter int TOKENS = trivit_spec::TILE_TOKENS,
    parameter int OUTPUTS = trivit_spec::TILE_OUTPUTS,
    parameter int DEPTH = trivit_spec::TILE_DEPTH,
    parameter int ACTIVATION_DEPTH = trivit_spec::ACTIVATION_DEPTH,
    parameter int PLACES = 16,
    parameter bit TRAINING = 1'b0  // whether there are blocks of training
) (
    input  logic                                        clk,
    input  logic                                        reset,
    // trivit_commands::row_writer_command_t
    input  logic [                              255:0]  command,
    input  logic                                        command_valid,
    output logic                                        command_ready,
    // Rows of tiles, from GELU and from the engine
    input  logic [                     OUTPUTS*16-1:0]  gelu,
    input  logic                                        gelu_valid,
    output logic                                        gelu_ready,
    input  logic [                     OUTPUTS*16-1:0]  direct,
    input  logic                                        direct_valid,
    output logic                                        direct_ready,
    // From gelu_backward, softmax_backward and cross_entropy, the first in the lowest bits
    input  logic [                   3*OUTPUTS*16-1:0]  backward,
    input  logic [                                2:0]  backward_valid,
    output logic [                                2:0]  backward_ready,
    // Lists of kept rows, from selection
    input  logic [                       DEPTH*16-1:0]  list,
    input  logic                                        list_valid,
    output logic                                        list_ready,
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
  localparam int PORTS = OUTPUTS / DEPTH;
  localparam int WORD = DEPTH * 16;
  localparam int BANK = $clog2(ACTIVATION_DEPTH);
  localparam int ROW = $clog2(TOKENS);
  localparam int LANE = $clog2(DEPTH);
  localparam int ENTRY = $clog2(trivit_spec::MAX_TOKENS);

  localparam logic [1:0] IDLE = 2'd0;
  localparam logic [1:0] LIST = 2'd1;
  localparam logic [1:0] SKIP = 2'd2;  // row groups before the first row's; and the list's begin
  localparam logic [1:0] ROWS = 2'd3;

  trivit_commands::row_writer_command_t next;
  assign next = command;

  // What the command says.
  logic [1:0] state;
  logic from_engine, rows_outer, compact;
  logic [1:0] from_backward;
  logic [10:0] tag;
  logic [2:0] slot;
  logic [9:0] last_row, kept;
  logic [8:0] words;
  logic [BANK-1:0] stride;

  // Where it stands, and where the pass over rows began that it repeats for each tile.
  logic [9:0] row, saved_row, next_row;
  logic [ROW-1:0] bank, saved_bank, next_bank;
  logic [BANK-1:0] line, saved_line, next_line;  // address of the row group
  logic [8:0] column, words_left;                // words before this tile, and from it on
  logic [9:0] skip;
  logic [ROW-1:0] first_bank;                    // of the row group that is not complete

  logic accept, take_list, take_row, take, free, group_ready;
  logic row_last, tile_last, pass_end, command_end, keep, kept_last, group_end, list_last;
  logic save, restore, list_there;
  logic [ENTRY-1:0] entry, number;
  logic [TOKENS-1:0] room, moving;  // moving: words of a row are on their way to the bank's queue
  assign free = room[bank] && !moving[bank] && group_ready;
  assign command_ready = state == IDLE && group_ready;
  assign list_ready = state == LIST && free;
  assign gelu_ready = state == ROWS && from_backward == '0 && !from_engine && free;
  assign direct_ready = state == ROWS && from_backward == '0 && from_engine && free;
  always_comb
    for (int s = 0; s < 3; s++)
      backward_ready[s] = state == ROWS && from_backward == 2'(s + 1) && free;
  assign accept = command_ready && command_valid;
  assign take_list = list_ready && list_valid;
  assign take_row = (gelu_ready && gelu_valid) || (direct_ready && direct_valid)
                    || (backward_ready & backward_valid) != '0;
  assign take = take_list || take_row;

  assign row_last = row == last_row;
  assign tile_last = words_left <= 9'(PORTS);
  assign pass_end = row_last || (rows_outer && row[ROW-1:0] == ROW'(TOKENS - 1));
  assign command_end = row_last && tile_last;
  assign kept_last = 10'(number) + 10'd1 == kept;
  assign keep = !compact || (10'(number) != kept && 10'(entry) == row);
  assign group_end = tile_last && (command_end || (keep && (bank == ROW'(TOKENS - 1)
                                                            || (compact && kept_last))));
  assign list_last = words_left == 9'd1;
  assign restore = take_row && pass_end && !tile_last;
  assign save = take_row && pass_end && tile_last;
  assign next_row = row + 1'b1;
  assign next_bank = keep ? bank + 1'b1 : bank;
  assign next_line = keep && bank == ROW'(TOKENS - 1) ? line + stride : line;

  always_ff @(posedge clk) begin
    if (take_row) begin
      row <= restore ? saved_row : next_row;
      bank <= restore ? saved_bank : next_bank;
      line <= restore ? saved_line : next_line;
      if (restore) begin
        column <= column + 9'(PORTS);
        words_left <= words_left - 9'(PORTS);
      end
      if (save) begin
        column <= '0;
        words_left <= words;
      end
      if (group_end) first_bank <= next_bank;
      if (command_end) state <= IDLE;
    end
    if (save) begin
      saved_row <= next_row;
      saved_bank <= next_bank;
      saved_line <= next_line;
    end
    if (take_list) begin
      column <= column + 1'b1;
      words_left <= words_left - 1'b1;
      if (list_last) state <= IDLE;
    end
    if (state == SKIP) begin
      saved_line <= line;
      if (skip >= 10'(TOKENS)) begin
        skip <= skip - 10'(TOKENS);
        line <= line + stride;
      end else if (list_there) begin
        state <= ROWS;
      end
    end
    if (accept && !next.last) begin
      state <= next.list ? LIST : SKIP;
      from_engine <= next.direct;
      from_backward <= TRAINING ? next.backward : '0;
      rows_outer <= next.rows_outer;
      compact <= next.compact;
      tag <= next.tag;
      slot <= next.slot;
      last_row <= next.rows - 1'b1;
      kept <= next.kept;
      words <= next.words;
      stride <= BANK'(next.target_stride);
      row <= '0;
      saved_row <= '0;
      skip <= next.first_row;
      bank <= next.list ? '0 : next.first_row[ROW-1:0];
      saved_bank <= next.first_row[ROW-1:0];
      first_bank <= next.first_row[ROW-1:0];
      line <= BANK'(next.target);
      column <= '0;
      words_left <= next.list ? 9'((11'(next.rows) + 11'(DEPTH - 1)) >> LANE) : next.words;
    end
    if (reset) state <= IDLE;
  end

  kept_list #(
      .DEPTH(DEPTH),
      .ENTRY(ENTRY)
  ) kept_rows (
      .clk,
      .reset,
      .write(take_list),
      .write_word(column[ENTRY-LANE-1:0]),
      .written(list),
      .rewind(accept),
      .ready(list_there),
      .advance(take_row && keep),
      .save,
      .restore,
      .entry,
      .number
  );

  // Word w of a row goes to the queue of its bank w + 1 cycles after the row came.
  logic [PORTS-1:0][TOKENS-1:0] at;         // the bank, if any
  logic [PORTS-1:0][BANK-1:0] address;
  logic [PORTS-1:0][$clog2(PORTS):0] count;  // words that the row has
  logic [PORTS-1:0] ends, word_there;
  logic [PORTS*WORD-1:0] source, values;
  always_comb begin
    source = from_engine ? direct : gelu;
    if (TRAINING)
      for (int s = 0; s < 3; s++)
        if (from_backward == 2'(s + 1)) source = backward[OUTPUTS*16*s+:OUTPUTS*16];
    if (state == LIST) source[WORD-1:0] = list;
  end
  generate
    for (genvar w = 0; w < PORTS; w++) begin : stages
      delay #(
          .WIDTH(WORD),
          .CYCLES(w + 1)
      ) skew (
          .clk,
          .reset,
          .value(source[WORD*w+:WORD]),
          .delayed(values[WORD*w+:WORD])
      );
    end
  endgenerate
  always_ff @(posedge clk) begin
    at[PORTS-1:1] <= at[PORTS-2:0];
    count[PORTS-1:1] <= count[PORTS-2:0];
    ends[PORTS-1:1] <= ends[PORTS-2:0];
    for (int w = 1; w < PORTS; w++) address[w] <= address[w-1] + 1'b1;
    at[0] <= take && (take_list || keep) ? TOKENS'(1) << bank : '0;
    address[0] <= line + BANK'(column);
    count[0] <= take_list ? ($clog2(PORTS) + 1)'(1)
                : tile_last ? ($clog2(PORTS) + 1)'(words_left) : ($clog2(PORTS) + 1)'(PORTS);
    ends[0] <= take_list ? list_last : tile_last;
    if (reset) at <= '0;
  end

  logic [TOKENS-1:0] word_valid, word_ends, hold, ended;
  logic [TOKENS*BANK-1:0] word_address;
  logic [TOKENS*WORD-1:0] word;
  logic [TOKENS-1:0][$clog2(PORTS)-1:0] stage;  // whose word the bank gets
  always_comb begin
    moving = '0;
    stage = '0;
    for (int w = 0; w < PORTS; w++) begin
      word_there[w] = ($clog2(PORTS) + 1)'(w) < count[w];
      moving = moving | at[w];
      for (int t = 0; t < TOKENS; t++) if (at[w][t]) stage[t] = ($clog2(PORTS))'(w);
    end
    for (int t = 0; t < TOKENS; t++) begin
      word_valid[t] = moving[t] && word_there[stage[t]];
      word_ends[t] = ends[stage[t]] && ($clog2(PORTS) + 1)'(stage[t]) + 1'b1 == count[stage[t]];
      word_address[BANK*t+:BANK] = address[stage[t]];
      word[WORD*t+:WORD] = values[WORD*stage[t]+:WORD];
    end
  end
  write_queues #(
      .TOKENS(TOKENS),
      .WORD(WORD),
      .BANK(BANK),
      .PLACES(PLACES),
      .ROOM(PORTS)
  ) queues (
      .clk,
      .reset,
      .word_valid,
      .word_room(room),
      .word_address,
      .word,
      .word_ends,
      .hold,
      .ended,
      .bank_valid,
      .bank_ready,
      .bank_address,
      .bank_written
  );

  // Banks from the first of the row group to this row's, or to the one before if it is dropped.
  logic [TOKENS-1:0] group_banks;
  always_comb
    for (int t = 0; t < TOKENS; t++)
      group_banks[t] = state == LIST ? t == 0
                       : state == ROWS && ROW'(t) >= first_bank
                         && (ROW'(t) < bank || (keep && ROW'(t) == bank));
  row_groups #(
      .TOKENS(TOKENS)
  ) groups (
      .clk,
      .reset,
      .group_banks,
      .group_slot(slot),
      .group_report(state != ROWS || command_end),
      .group_tag(state == IDLE ? '0 : tag),
      .group_valid((take_row && group_end) || (take_list && list_last) || (accept && next.last)),
      .group_ready,
      .ended,
      .hold,
      .complete,
      .complete_slot,
      .report,
      .report_valid,
      .report_ready
  );
endmodule
