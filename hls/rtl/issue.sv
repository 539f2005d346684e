// Walks through the products: a depth word per cycle, in one of two loop orders (tiles outer, or
// row groups outer), and stops only where an operand or a place for the result is not there, or
// where row groups of few depth words would follow each other too closely. Nothing behind it ever
// stops. All outputs belong to the depth word of one cycle.
module issue #(
    parameter int TOKENS = 8,
    parameter int PORTS = 4,
    parameter int WEIGHT_DEPTH = 1024,
    parameter int STREAM_ROWS = 64
) (
    input  logic                                       clk,
    input  logic                                       reset,
    input  engine_types::product_t                     product,
    input  logic                                       product_valid,
    output logic                                       product_ready,
    // Scoreboard
    output logic                                       begins,        // a product
    output logic                                       writes,        // it writes `target_slot`
    output logic                                       claim,
    output logic [                               2:0]  target_slot,
    output logic [                               2:0]  empty_slot,
    output logic [                               2:0]  announce,
    input  logic                                       slots_busy,
    output logic [                               2:0]  source_slot,
    input  logic [       engine_types::COUNT_BITS-1:0]  source_groups,
    output logic [                               2:0]  residual_slot,
    input  logic [       engine_types::COUNT_BITS-1:0]  residual_groups,
    // Ring, output stream, reports
    input  logic [PORTS*($clog2(WEIGHT_DEPTH)+1)-1:0]  filled,
    input  logic [             $clog2(STREAM_ROWS):0]  stream_room,  // rows
    output logic [                               3:0]  stream_rows,  // taken by this row group
    input  logic [                               1:0]  report_room,  // for one, for two
    output logic [                               1:0]  report_take,
    // To the array
    output engine_types::operand_t                     operand,
    output engine_types::sum_step_t                    sum_step,
    output engine_types::start_t                       start,
    output engine_types::result_t                      result,
    output logic [                               2:0]  stall
);
  localparam int RING = $clog2(WEIGHT_DEPTH);
  // Sums follow each other row by row, biases are aligned one by one, a bank takes PORTS words and
  // gives as many: row groups begin, and end, so many cycles apart.
  localparam int SPACING = TOKENS > 2 * PORTS ? TOKENS : 2 * PORTS;
  localparam int WAIT = $clog2(SPACING);
  localparam int COUNT = engine_types::COUNT_BITS + 1;  // of a slot's count, with room for a sum

  engine_types::product_t now;
  logic active;
  logic [8:0] depth, group, tile;
  logic [13:0] address, row_start;   // in the banks: now, and where the row group begins
  logic [13:0] offset, offset_home;  // of the result's word
  logic [RING:0] oldest;             // in the ring, of the words that no product has released
  logic [RING:0] position, home;     // in the ring: now, and where the next row group begins
  logic [7:0] bias, bias_home, oldest_bias;
  logic [WAIT-1:0] begin_wait, end_wait;

  logic last_depth, last_group, last_tile, at_begin, group_begins, finished, tile_ends;
  assign last_depth = depth + 1'b1 == now.depth_words;
  assign last_group = group + 1'b1 == now.groups;
  assign last_tile = tile + 1'b1 == now.tiles;
  assign group_begins = depth == '0;
  assign at_begin = group_begins && group == '0 && tile == '0;
  assign tile_ends = last_depth && last_group;
  assign finished = tile_ends && last_tile;

  logic [3:0] rows, words;
  assign rows = last_group ? now.tail_rows : 4'(TOKENS);
  assign words = last_tile ? 4'((now.out_words - 1'b1) & 9'(PORTS - 1)) + 1'b1 : 4'(PORTS);

  // What may be missing. A port has the word if its count is ahead of the position.
  logic has_source, has_residual, has_weights, has_stream;
  assign source_slot = now.source_slot;
  assign residual_slot = now.residual_slot;
  assign has_source = now.failed || now.source_slot == '0
      || COUNT'(source_groups) > COUNT'(now.source_first) + COUNT'(now.transposed ? depth : group);
  assign has_residual = !now.residual || now.residual_slot == '0
      || COUNT'(residual_groups) > COUNT'(now.residual_first) + COUNT'(group);
  assign has_stream = now.stream == '0 || stream_room >= ($clog2(STREAM_ROWS) + 1)'(rows);
  logic [PORTS-1:0][RING:0] ahead;
  always_comb begin
    has_weights = 1'b1;
    for (int p = 0; p < PORTS; p++) begin
      ahead[p] = filled[(RING+1)*p+:RING+1] + ~position;  // less one
      if (ahead[p][RING]) has_weights = now.failed;
    end
  end

  always_comb begin
    stall = 3'(engine_types::STALL_NONE);
    if ((group_begins && begin_wait != '0) || (last_depth && end_wait != '0))
      stall = 3'(engine_types::STALL_SHORT);
    if ((at_begin && !report_room[now.sums]) || (group_begins && !has_stream))
      stall = 3'(engine_types::STALL_STREAM);
    if (at_begin && slots_busy) stall = 3'(engine_types::STALL_TARGET);
    if (!has_weights) stall = 3'(engine_types::STALL_WEIGHTS);
    if (group_begins && !has_residual) stall = 3'(engine_types::STALL_RESIDUAL);
    if (!has_source) stall = 3'(engine_types::STALL_SOURCE);
    if (!active) stall = 3'(engine_types::STALL_COMMAND);
  end
  logic go;
  assign go = stall == 3'(engine_types::STALL_NONE);

  assign product_ready = !active || (go && finished);
  assign begins = go && at_begin;
  assign report_take = {begins && now.sums, begins && !now.sums};
  assign writes = now.to_banks;
  assign claim = now.claim;
  assign target_slot = now.target_slot;
  assign empty_slot = now.clear_slot;
  assign announce = now.announce;
  assign stream_rows = go && group_begins && now.stream != '0 ? rows : '0;

  always_ff @(posedge clk) begin
    if (begin_wait != '0) begin_wait <= begin_wait - 1'b1;
    if (end_wait != '0) end_wait <= end_wait - 1'b1;
    if (go && group_begins) begin_wait <= WAIT'(SPACING - 1);
    if (go && last_depth) end_wait <= WAIT'(SPACING - 1);
    if (reset) begin
      begin_wait <= '0;
      end_wait <= '0;
    end
  end

  // What a finished product leaves in the ring, for the product that follows.
  logic releases;
  logic [RING:0] left;
  logic [7:0] left_bias;
  assign releases = active && go && finished && !now.keep;
  assign left = releases ? position + 1'b1 : oldest;
  assign left_bias = releases ? bias + 8'(now.bias) : oldest_bias;

  // The next step.
  logic [13:0] row_next;
  assign row_next = row_start + (now.transposed ? 14'd1 : now.source_stride);
  always_ff @(posedge clk) begin
    if (go) begin
      depth <= last_depth ? '0 : depth + 1'b1;
      if (!last_depth) address <= address + (now.transposed ? now.source_stride : 14'd1);
      position <= position + 1'b1;
      if (last_depth && now.rows_outer) begin
        tile <= last_tile ? '0 : tile + 1'b1;
        if (!last_tile) begin
          address <= row_start;
          offset <= offset + 14'(PORTS);
          bias <= bias + 8'(now.bias);
        end else begin
          group <= group + 1'b1;
          address <= row_next;
          row_start <= row_next;
          offset <= offset_home + now.target_stride;
          offset_home <= offset_home + now.target_stride;
          position <= home;
          bias <= bias_home;
        end
      end
      if (last_depth && !now.rows_outer) begin
        group <= last_group ? '0 : group + 1'b1;
        if (!last_group) begin
          address <= row_next;
          row_start <= row_next;
          offset <= offset + now.target_stride;
          position <= home;
        end else begin
          tile <= tile + 1'b1;
          address <= now.source;
          row_start <= now.source;
          offset <= offset_home + 14'(PORTS);
          offset_home <= offset_home + 14'(PORTS);
          bias <= bias + 8'(now.bias);
          home <= position + 1'b1;
        end
      end
    end
    oldest <= left;
    oldest_bias <= left_bias;
    if (product_ready) begin
      active <= product_valid;
      now <= product;
      address <= product.source;
      row_start <= product.source;
      depth <= '0;
      group <= '0;
      tile <= '0;
      offset <= '0;
      offset_home <= '0;
      position <= left + (RING + 1)'(product.ring_offset);
      home <= left + (RING + 1)'(product.ring_offset);
      bias <= left_bias;
      bias_home <= left_bias;
    end
    if (reset) begin
      active <= 1'b0;
      oldest <= '0;
      oldest_bias <= '0;
    end
  end

  always_ff @(posedge clk) begin
    operand.valid <= go && !reset;
    operand.first <= group_begins;
    operand.release_word <= go && last_group && !now.keep && !reset;
    operand.transposed <= now.transposed;
    operand.banks <= !go || now.failed ? '0
                     : now.transposed && last_depth ? now.last_rows : 4'(TOKENS);
    operand.address <= address;
    operand.ring <= 16'(position);
    sum_step.valid <= go && now.sums && tile == '0 && !reset;
    sum_step.first <= group_begins;
    sum_step.last <= last_depth;
    sum_step.skip <= now.skip_first;
    sum_step.rows <= rows;
    sum_step.shift <= now.sum_shift;
    start.valid <= go && group_begins && !reset;
    start.bias <= now.bias;
    start.release_bias <= go && group_begins && last_group && now.bias && !now.keep && !reset;
    start.bias_shift <= now.bias_shift;
    start.out_shift <= now.out_shift;
    start.index <= bias;
    result.valid <= go && last_depth && !reset;
    result.failed <= now.failed;
    result.finish <= finished;
    result.complete <= last_tile;
    result.residual <= now.residual;
    result.to_banks <= now.to_banks;
    result.stream <= now.stream;
    result.partner <= now.partner;
    result.sums <= now.sums && tile == '0;
    result.two_reports <= now.sums;
    result.port <= 3'(group & 9'(PORTS - 1));
    result.slot <= now.target_slot;
    result.rows <= rows;
    result.words <= words;
    result.out_shift <= now.out_shift;
    result.residual_shift <= now.residual_shift;
    result.residual_address <= now.residual_start + offset;
    result.address <= now.target + offset;
    result.tag <= now.tag;
  end
endmodule
