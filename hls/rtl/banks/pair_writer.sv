// Writes pairs of rows to the banks. They come in the order head, row group, tile of TILE words,
// pair of rows, word; row 2p is the low half of a word, row 2p + 1 the high half, which nobody
// writes if there is no such row. Each head begins a row group; row group i of all lies at
// target + (i mod wrap) * stride.
module pair_writer #(
    parameter int TOKENS = 8,
    parameter int TILE = 4,
    parameter int DEPTH = 8,
    parameter int ACTIVATION_DEPTH = 15360,
    parameter int PLACES = 16
) (
    input  logic                                        clk,
    input  logic                                        reset,
    input  logic                                        last,          // nothing to do, report it
    input  logic [                                10:0] tag,
    input  logic [                                 4:0] heads,
    input  logic [                                 9:0] rows,          // of a head
    input  logic [                                 8:0] words,
    input  logic [                                13:0] target,
    input  logic [                                13:0] stride,
    input  logic [                                 8:0] wrap,          // 0: none
    input  logic [                                 2:0] slot,
    input  logic                                        command_valid,
    output logic                                        command_ready,
    input  logic [                      2*DEPTH*16-1:0] results,
    input  logic                                        results_valid,
    output logic                                        results_ready,
    output logic [                                63:0] report,
    output logic                                        report_valid,
    input  logic                                        report_ready,
    output logic [                          TOKENS-1:0] bank_valid,
    input  logic [                          TOKENS-1:0] bank_ready,
    output logic [TOKENS*$clog2(ACTIVATION_DEPTH)-1:0]  bank_address,
    output logic [                TOKENS*DEPTH*16-1:0]  bank_written,
    output logic                                        complete,
    output logic [                                 2:0] complete_slot
);
  localparam int WORD = DEPTH * 16;
  localparam int BANK = $clog2(ACTIVATION_DEPTH);
  localparam int PAIRS = TOKENS / 2;
  localparam int PAIR = PAIRS > 1 ? $clog2(PAIRS) : 1;

  // What the command says.
  logic busy;
  logic [10:0] now_tag;
  logic [2:0] now_slot;
  logic [9:0] now_rows;
  logic [8:0] now_words, now_wrap;
  logic [BANK-1:0] now_target, now_stride;

  // Where it stands: what is left with this head, this row, this tile.
  logic [4:0] heads_left;
  logic [9:0] rows_left;
  logic [8:0] words_left, tile_left, turn;  // `turn`: row groups from the target's begin
  logic [PAIR-1:0] pair;
  logic [BANK-1:0] group_address, tile_address, address;

  logic [TOKENS-1:0] exists;  // rows of this row group
  logic take, accept, finish, group_ready;
  logic [TOKENS-1:0] room, valid, hold, ended;
  logic [PAIRS-1:0] pair_room;
  logic tile_last, word_end, pair_end, tile_end, group_end, head_end, wraps;
  logic [8:0] tile_words, next_words;
  always_comb for (int t = 0; t < TOKENS; t++) exists[t] = rows_left > 10'(t);
  assign tile_last = words_left <= 9'(TILE);
  assign word_end = tile_left == 9'd1;
  assign pair_end = word_end
                    && (rows_left <= 10'({pair, 1'b0}) + 10'd2 || pair == PAIR'(PAIRS - 1));
  assign tile_end = take && pair_end;
  assign group_end = tile_end && tile_last;
  assign head_end = rows_left <= 10'(TOKENS);
  assign wraps = turn + 1'b1 == now_wrap;
  assign next_words = tile_last ? now_words : words_left - 9'(TILE);
  assign tile_words = pair_end ? next_words : words_left;

  always_comb for (int p = 0; p < PAIRS; p++) pair_room[p] = room[2*p] && room[2*p+1];
  assign results_ready = busy && group_ready && pair_room[pair];
  assign take = results_ready && results_valid;
  assign command_ready = !busy && group_ready;
  assign accept = command_ready && command_valid;
  assign finish = group_end && head_end && heads_left == 5'd1;
  always_comb
    for (int t = 0; t < TOKENS; t++) valid[t] = take && exists[t] && pair == PAIR'(t / 2);

  logic [BANK-1:0] next_group, next_tile;
  assign next_group = wraps ? now_target : group_address + now_stride;
  assign next_tile = tile_last ? next_group : tile_address + BANK'(TILE);
  always_ff @(posedge clk) begin
    if (take) begin
      address <= address + 1'b1;
      tile_left <= tile_left - 1'b1;
    end
    if (take && word_end) begin
      address <= tile_address;
      tile_left <= tile_words <= 9'(TILE) ? tile_words : 9'(TILE);
      pair <= pair + 1'b1;
    end
    if (tile_end) begin
      pair <= '0;
      address <= next_tile;
      tile_address <= next_tile;
      words_left <= next_words;
    end
    if (group_end) begin
      group_address <= next_group;
      turn <= wraps ? '0 : turn + 1'b1;
      rows_left <= head_end ? now_rows : rows_left - 10'(TOKENS);
      if (head_end) heads_left <= heads_left - 1'b1;
    end
    if (finish) busy <= 1'b0;
    if (accept) begin
      busy <= !last;
      now_tag <= tag;
      now_slot <= slot;
      now_rows <= rows;
      now_words <= words;
      now_wrap <= wrap;
      now_target <= BANK'(target);
      now_stride <= BANK'(stride);
      heads_left <= heads;
      rows_left <= rows;
      words_left <= words;
      tile_left <= words <= 9'(TILE) ? words : 9'(TILE);
      turn <= '0;
      pair <= '0;
      group_address <= BANK'(target);
      tile_address <= BANK'(target);
      address <= BANK'(target);
    end
    if (reset) busy <= 1'b0;
  end

  write_queues #(
      .TOKENS(TOKENS),
      .WORD(WORD),
      .BANK(BANK),
      .PLACES(PLACES)
  ) queues (
      .clk,
      .reset,
      .word_valid(valid),
      .word_room(room),
      .word_address({TOKENS{address}}),
      .word({PAIRS{results}}),
      .word_ends({TOKENS{tile_last && word_end}}),
      .hold,
      .ended,
      .bank_valid,
      .bank_ready,
      .bank_address,
      .bank_written
  );
  row_groups #(
      .TOKENS(TOKENS)
  ) groups (
      .clk,
      .reset,
      .group_banks(busy ? exists : '0),
      .group_slot(now_slot),
      .group_report(!busy || finish),
      .group_tag(busy ? now_tag : '0),
      .group_valid(group_end || (accept && last)),
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
