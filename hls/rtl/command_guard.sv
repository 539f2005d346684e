// Checks a command and hands it to the array, to the ring's filler and to the placer. A placement
// belongs to the product that follows, whose sizes must be the same. The first command that the
// engine cannot run ends the work: it and all behind it become passes that touch nothing and are
// reported as failed, and weights that no earlier product waits for are swallowed. A reset ends
// that.
module command_guard #(
    parameter int TOKENS = 8,
    parameter int PORTS = 4,
    parameter int ACTIVATION_DEPTH = 15360,
    parameter int WEIGHT_DEPTH = 1024,
    parameter int WEIGHT_TILES = 64,
    parameter int MAX_DEPTH_WORDS = 384,
    parameter int SUM_BITS = 40
) (
    input  logic                        clk,
    input  logic                        reset,
    input  engine_types::command_t      command,
    input  logic                        command_valid,
    output logic                        command_ready,
    output engine_types::product_t      product,
    output logic                        product_valid,
    input  logic                        product_ready,
    output engine_types::fill_t         fill,
    output logic                        fill_valid,
    input  logic                        fill_ready,
    output engine_types::placement_t    placement,      // but for `behind` and `writer`
    output logic                        placement_valid,
    input  logic                        placement_ready,
    output logic                        held,           // a command is here
    output logic [                15:0] held_slots,
    output logic [                 7:0] error       // code of the first refusal; 0: none
);
  localparam int ROW_BITS = $clog2(TOKENS);
  localparam int PORT_BITS = $clog2(PORTS);
  // Sums follow each other row by row, biases are aligned one by one, a bank takes PORTS words and
  // gives as many: none of it may take longer than the array works on a row group.
  localparam int MIN_DEPTH_WORDS = TOKENS > 2 * PORTS ? TOKENS : 2 * PORTS;
  localparam int MAX_ALIGN = SUM_BITS - 17;

  typedef enum logic [1:0] {IDLE, SPAN, CHECK, HAND} state_t;
  state_t state;
  engine_types::command_t now;
  logic [15:0] groups, tiles, steps, across;  // across: row groups, or words of a placed row
  logic [29:0] source_span, target_span;
  logic [23:0] ring_words;
  logic [7:0] found;
  logic is_place, is_placed, refused;
  logic placed;  // the command before was a placement: its sizes and slot
  logic [15:0] placed_out, placed_depth;
  logic [2:0] placed_slot;
  logic is_transposed, is_rows_outer, is_residual, is_to_banks;
  assign is_transposed = now.flags[engine_types::FLAG_TRANSPOSED];
  assign is_place = now.kind == 16'(engine_types::COMMAND_PLACE);
  assign is_placed = now.flags[engine_types::FLAG_PLACED];
  assign is_rows_outer = now.flags[engine_types::FLAG_ROWS_OUTER];
  assign is_residual = now.flags[engine_types::FLAG_RESIDUAL];
  assign is_to_banks = now.flags[engine_types::FLAG_TO_BANKS];

  function automatic logic [15:0] divided(input logic [15:0] value, input int bits);
    divided = (value + 16'((1 << bits) - 1)) >> bits;
  endfunction

  // Sizes that are small enough for the multiplications to be right.
  logic sizes;
  assign sizes = (is_place || (now.rows != '0 && now.rows <= 16'(MAX_DEPTH_WORDS * TOKENS)))
                 && now.depth_words >= 16'(MIN_DEPTH_WORDS)
                 && now.depth_words <= 16'(MAX_DEPTH_WORDS)
                 && now.depth_words <= 16'(WEIGHT_DEPTH)
                 && now.out_words != '0 && now.out_words <= 16'(MAX_DEPTH_WORDS)
                 && ((!is_transposed && !is_place)
                     || (now.last_rows != '0 && now.last_rows <= 16'(TOKENS)));
  logic fits_ring;
  assign fits_ring = !is_rows_outer || (ring_words <= 24'(WEIGHT_DEPTH)
                     && (tiles <= 16'(WEIGHT_TILES) || !now.flags[engine_types::FLAG_BIAS]));
  logic [31:0] source_end, target_end, residual_end;
  assign source_end = 32'(now.source) + 32'(source_span)
                      + 32'(is_transposed ? across : now.depth_words);
  assign target_end = 32'(now.target) + 32'(target_span) + 32'(now.out_words);
  assign residual_end = 32'(now.residual) + 32'(target_span) + 32'(now.out_words);
  logic addresses;
  assign addresses = now.source_stride < 16'(ACTIVATION_DEPTH)
                     && source_end <= 32'(ACTIVATION_DEPTH)
                     && (!(is_to_banks || is_residual) || now.target_stride < 16'(ACTIVATION_DEPTH))
                     && (!is_to_banks || target_end <= 32'(ACTIVATION_DEPTH))
                     && (!is_residual || residual_end <= 32'(ACTIVATION_DEPTH));
  logic shifts;
  assign shifts = now.out_shift <= 16'd31 && now.residual_shift <= 16'(MAX_ALIGN)
                  && now.bias_shift <= 16'(MAX_ALIGN);
  logic slots;
  assign slots = now.slots[15:11] == '0 && !now.slots[7] && !now.slots[3]
                 && (!is_to_banks || now.slots[10:8] == '0
                     || (now.slots[10:8] != now.slots[2:0]
                         && (!is_residual || now.slots[10:8] != now.slots[6:4])));

  logic fits_placement;
  assign fits_placement = placed == (is_placed && !is_place)
                          && (!placed || (now.out_words == placed_out
                                          && now.depth_words == placed_depth
                                          && (!is_to_banks || placed_slot == '0
                                              || now.slots[10:8] != placed_slot)));
  logic known;
  assign known = now.flags[15:engine_types::FLAGS] == '0
                 && (is_place ? now.flags >> (engine_types::FLAG_TRANSPOSED + 1) == '0
                     : now.kind == 16'(engine_types::COMMAND_PRODUCT)
                       && !(is_placed && now.flags[engine_types::FLAG_BIAS]));

  always_comb begin
    found = '0;
    if (!slots) found = 8'(trivit_spec::ERROR_SIZE_LIMIT);
    if (!shifts) found = 8'(trivit_spec::ERROR_SHIFT_RANGE);
    if (!addresses) found = 8'(trivit_spec::ERROR_ACTIVATION_ADDRESS);
    if (!sizes || !fits_ring || !fits_placement) found = 8'(trivit_spec::ERROR_SIZE_LIMIT);
    if (!known) found = 8'(trivit_spec::ERROR_UNKNOWN_OPCODE);
  end

  logic hand;
  assign command_ready = state == IDLE;
  assign refused = product.failed;
  assign hand = state == HAND && fill_ready
                && (is_place && !refused ? placement_ready : product_ready);
  assign product_valid = state == HAND && fill_ready && (!is_place || refused);
  assign placement_valid = state == HAND && fill_ready && is_place && !refused;
  assign placement = {product.transposed, product.source_slot, 1'b0, 6'd0, product.last_rows,
                      product.tiles, product.out_words, product.depth_words, product.source,
                      product.source_stride};
  assign fill_valid = hand && !refused && (is_place || !is_placed);
  assign fill = {is_place, product.bias, product.tiles, product.depth_words};
  assign held = state != IDLE;
  assign held_slots = now.slots;

  logic failed;
  assign failed = found != '0 || error != '0;
  always_ff @(posedge clk) begin
    case (state)
      IDLE: if (command_valid) begin
        now <= command;
        state <= SPAN;
      end
      SPAN: state <= CHECK;
      CHECK: state <= HAND;
      default: if (hand) state <= IDLE;
    endcase
    if (state == CHECK && error == '0) error <= found;
    if (hand) begin
      placed <= is_place;
      placed_out <= now.out_words;
      placed_depth <= now.depth_words;
      placed_slot <= now.slots[2:0];
    end
    if (reset) begin
      state <= IDLE;
      error <= '0;
      placed <= 1'b0;
    end
  end

  assign groups = divided(now.rows, ROW_BITS);
  assign tiles = divided(now.out_words, PORT_BITS);
  assign across = is_place ? now.out_words : groups;
  assign steps = is_transposed ? now.depth_words - 1'b1 : across - 1'b1;
  always_ff @(posedge clk) begin
    source_span <= 30'(steps[8:0]) * 30'(now.source_stride);
    target_span <= 30'(groups[8:0] - 1'b1) * 30'(now.target_stride);
    ring_words <= 24'(tiles[8:0]) * 24'(now.depth_words);
    product.failed <= failed;
    product.tag <= now.tag;
    product.transposed <= !failed && is_transposed;
    product.rows_outer <= !failed && is_rows_outer;
    product.bias <= !failed && now.flags[engine_types::FLAG_BIAS];
    product.residual <= !failed && is_residual;
    product.to_banks <= !failed && is_to_banks;
    product.to_stream <= !failed && now.flags[engine_types::FLAG_TO_STREAM];
    product.source_slot <= now.slots[2:0];
    product.residual_slot <= now.slots[6:4];
    product.target_slot <= now.slots[10:8];
    product.out_shift <= now.out_shift[4:0];
    product.residual_shift <= now.residual_shift[4:0];
    product.bias_shift <= now.bias_shift[4:0];
    product.last_rows <= now.last_rows[3:0];
    product.tail_rows <= failed ? '0 : 4'((now.rows - 1'b1) & 16'(TOKENS - 1)) + 1'b1;
    product.groups <= failed ? 9'd1 : groups[8:0];
    product.tiles <= failed ? 9'd1 : tiles[8:0];
    product.out_words <= failed ? 9'd1 : now.out_words[8:0];
    product.depth_words <= failed ? 9'(MIN_DEPTH_WORDS) : now.depth_words[8:0];
    product.source <= now.source[13:0];
    product.source_stride <= now.source_stride[13:0];
    product.residual_start <= now.residual[13:0];
    product.target <= now.target[13:0];
    product.target_stride <= now.target_stride[13:0];
  end
endmodule
