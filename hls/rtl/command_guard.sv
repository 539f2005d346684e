// Checks a command and hands it to the array, to the ring's filler and to the placer: four cycles.
// The first command that the engine cannot run ends the work: it and all behind it become passes
// that touch nothing and are reported as failed, and weights that no earlier product waits for are
// swallowed. A reset ends that.
module command_guard #(
    parameter int TOKENS = 8,
    parameter int PORTS = 4,
    parameter int ACTIVATION_DEPTH = 15360,
    parameter int WEIGHT_DEPTH = 1024,
    parameter int WEIGHT_TILES = 64,
    parameter int MAX_DEPTH_WORDS = 384,
    parameter bit TRAINING = 1'b0   // whether there are blocks that take partners, and sums
) (
    input  logic                              clk,
    input  logic                              reset,
    input  trivit_commands::engine_command_t  command,
    input  logic                              command_valid,
    output logic                              command_ready,
    output engine_types::product_t            product,
    output logic                              product_valid,
    input  logic                              product_ready,
    output engine_types::fill_t               fill,
    output logic                              fill_valid,
    input  logic                              fill_ready,
    output engine_types::placement_t          placement,  // but for `behind` and `writer`
    output logic                              placement_valid,
    input  logic                              placement_ready,
    output logic [                       7:0] error,      // code of the first refusal; 0: none
    output logic [                      10:0] error_tag   // of that command
);
  localparam int ROW_BITS = $clog2(TOKENS);
  localparam int PORT_BITS = $clog2(PORTS);
  localparam int COUNT = engine_types::COUNT_BITS + 1;  // of a slot's count, with room for a sum
  localparam int LAST_GROUP = (1 << engine_types::COUNT_BITS) - 1;

  typedef enum logic [1:0] {IDLE, SPAN, CHECK, HAND} state_t;
  state_t state;
  trivit_commands::engine_command_t now;
  logic [8:0] groups, tiles, across, steps;  // across: row groups, or words of a placed row
  logic [29:0] source_span, target_span;
  logic [17:0] words;                // that the matrix takes in the ring
  logic [7:0] found;
  logic place, ahead, fills, refused;
  assign place = now.place;
  assign ahead = place && now.fill;  // weights from the streams, for later products
  assign fills = place || now.fill;
  assign refused = product.failed;

  assign groups = 9'((13'(now.rows) + 13'(TOKENS - 1)) >> ROW_BITS);
  assign tiles = 9'((10'(now.out_words) + 10'(PORTS - 1)) >> PORT_BITS);
  assign across = place ? now.out_words : groups;
  assign steps = now.transposed ? now.depth_words : across;  // stored row groups

  // Sizes that are small enough for the multiplications to be right.
  logic sizes;
  assign sizes = (place || (now.rows != '0 && now.rows <= 12'(MAX_DEPTH_WORDS * TOKENS)))
                 && now.depth_words != '0
                 && now.depth_words <= 9'(MAX_DEPTH_WORDS)
                 && 16'(now.depth_words) <= 16'(WEIGHT_DEPTH)
                 && now.out_words != '0 && now.out_words <= 9'(MAX_DEPTH_WORDS)
                 && ((!now.transposed && !place) || ahead
                     || (now.last_rows != '0 && now.last_rows <= 4'(TOKENS)));

  // The ring in program order: words that are appended and not released, and tiles of biases. They
  // stay far below the counters' range, since the filler's queue holds a few matrices.
  logic [19:0] outstanding, reach;
  logic [8:0] outstanding_biases, added_biases;
  assign added_biases = now.fill && now.has_bias ? tiles : '0;
  assign reach = 20'(now.ring_offset) + 20'(words);
  logic fits_ring;
  assign fits_ring = place
      || (reach <= outstanding + (now.fill ? 20'(words) : '0)
          && (now.keep || now.ring_offset == '0)
          && (!(now.keep || now.rows_outer)
              || (reach <= 20'(WEIGHT_DEPTH)
                  && (tiles <= 9'(WEIGHT_TILES) || !now.has_bias)))
          && (!now.has_bias || outstanding_biases + added_biases == tiles
              || (now.ring_offset == '0 && outstanding_biases + added_biases > tiles)));

  logic [31:0] source_end, target_end, residual_end;
  assign source_end = 32'(now.source) + 32'(source_span)
                      + 32'(now.transposed ? across : now.depth_words);
  assign target_end = 32'(now.target) + 32'(target_span) + 32'(now.out_words);
  assign residual_end = 32'(now.residual) + 32'(target_span) + 32'(now.out_words);
  logic addresses;
  assign addresses = 16'(now.source_stride) < 16'(ACTIVATION_DEPTH)
                     && source_end <= 32'(ACTIVATION_DEPTH)
                     && (!(now.to_banks || now.has_residual)
                         || 16'(now.target_stride) < 16'(ACTIVATION_DEPTH))
                     && (!now.to_banks || target_end <= 32'(ACTIVATION_DEPTH))
                     && (!now.has_residual || residual_end <= 32'(ACTIVATION_DEPTH));
  logic shifts;
  assign shifts = now.residual_shift <= 5'(trivit_spec::ENGINE_MAX_ALIGN) && now.bias_shift <= 5'(trivit_spec::ENGINE_MAX_ALIGN);

  // A count that is never reached, and rows that the product itself forgets.
  logic reads_target, reads_cleared, slots;
  assign reads_target = now.target_slot == now.source_slot
                        || (now.has_residual && now.target_slot == now.residual_slot);
  assign reads_cleared = now.clear_slot == now.source_slot
                         || (now.has_residual && now.clear_slot == now.residual_slot);
  assign slots = (now.source_slot == '0
                  || COUNT'(now.source_first) + COUNT'(steps) <= COUNT'(LAST_GROUP))
                 && (!now.has_residual || now.residual_slot == '0
                     || COUNT'(now.residual_first) + COUNT'(groups) <= COUNT'(LAST_GROUP))
                 && !(now.claim && now.target_slot != '0 && reads_target)
                 && !(now.clear_slot != '0 && reads_cleared);

  logic known, only_places;
  assign only_places = {now.rows_outer, now.has_residual, now.to_banks, now.stream, now.keep,
                        now.claim, now.announce_reader, now.announce_store, now.announce_load,
                        now.clear_slot} == '0
                       && (ahead ? now.source_slot == '0 && !(now.transposed && now.has_bias)
                              : !now.has_bias);
  // A matrix for DDR goes tile after tile of its columns, as a store by columns takes it; so do its
  // sums. Streams from 5 on are pairs of rows, and no others are.
  logic receiver, sums;
  assign receiver = now.stream < 3'd4 || (now.stream == 3'd4 && !now.rows_outer)
                    || (TRAINING && now.partner);
  assign sums = now.sums ? TRAINING && now.stream == 3'd4
                         : {now.skip_first, now.sum_shift} == '0;
  assign known = receiver && sums && now.partner == now.stream > 3'd4
                 && (!now.partner || now.has_residual) && now.unit == 5'(trivit_commands::UNIT_ENGINE) && !now.last && now.reserved == '0
                 && (!place || only_places);

  always_comb begin
    found = '0;
    if (!slots) found = 8'(trivit_spec::ERROR_SIZE_LIMIT);
    if (!shifts) found = 8'(trivit_spec::ERROR_SHIFT_RANGE);
    if (!addresses) found = 8'(trivit_spec::ERROR_ACTIVATION_ADDRESS);
    if (!sizes || !fits_ring) found = 8'(trivit_spec::ERROR_SIZE_LIMIT);
    if (!known) found = 8'(trivit_spec::ERROR_UNKNOWN_OPCODE);
  end

  // All that a command is handed to take it in the same cycle.
  logic hand, filler_ready;
  assign command_ready = state == IDLE;
  assign filler_ready = refused || !fills || fill_ready;
  assign product_valid = state == HAND && filler_ready && (!place || refused);
  assign placement_valid = state == HAND && filler_ready && place && !ahead && !refused;
  assign hand = (product_valid && product_ready) || (placement_valid && placement_ready)
                || (state == HAND && fill_ready && ahead && !refused);
  assign placement = {product.transposed, product.source_slot, product.source_first, 1'b0,
                      engine_types::NUMBER_BITS'(0), product.last_rows, product.tiles,
                      product.out_words, product.depth_words, product.source,
                      product.source_stride};
  assign fill_valid = hand && fills && !refused;
  logic [3:0] last_ports;
  assign last_ports = 4'((product.out_words - 1'b1) & 9'(PORTS - 1)) + 1'b1;
  assign fill = {place && !ahead, ahead && product.transposed, last_ports, product.bias,
                 product.tiles, product.depth_words};

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
    if (state == CHECK && error == '0) begin
      error <= found;
      error_tag <= now.tag;
    end
    if (hand && !refused) begin
      outstanding <= outstanding + (fills ? 20'(words) : '0)
                     - (place || now.keep ? '0 : 20'(words));
      outstanding_biases <= outstanding_biases + added_biases
                            - (!place && now.has_bias && !now.keep ? tiles : '0);
    end
    if (reset) begin
      state <= IDLE;
      error <= '0;
      outstanding <= '0;
      outstanding_biases <= '0;
    end
  end

  always_ff @(posedge clk) begin
    source_span <= 30'(steps - 1'b1) * 30'(now.source_stride);
    target_span <= 30'(groups - 1'b1) * 30'(now.target_stride);
    words <= 18'(tiles) * 18'(now.depth_words);
    product.failed <= failed;
    product.tag <= now.tag;
    product.transposed <= !failed && now.transposed;
    product.rows_outer <= !failed && now.rows_outer;
    product.bias <= !failed && now.has_bias;
    product.residual <= !failed && now.has_residual;
    product.to_banks <= !failed && now.to_banks;
    product.stream <= failed ? '0 : now.stream;
    product.partner <= !failed && now.partner;
    product.sums <= !failed && now.sums;
    product.skip_first <= now.skip_first;
    product.sum_shift <= now.sum_shift;
    product.keep <= failed || now.keep;
    product.claim <= !failed && now.claim;
    product.announce <= failed ? '0
                        : {now.announce_load, now.announce_store, now.announce_reader};
    product.source_slot <= now.source_slot;
    product.residual_slot <= now.residual_slot;
    product.target_slot <= now.target_slot;
    product.clear_slot <= failed ? '0 : now.clear_slot;
    product.source_first <= now.source_first;
    product.residual_first <= now.residual_first;
    product.ring_offset <= now.ring_offset;
    product.out_shift <= now.out_shift;
    product.residual_shift <= now.residual_shift;
    product.bias_shift <= now.bias_shift;
    product.last_rows <= now.last_rows;
    product.tail_rows <= failed ? '0 : 4'((now.rows - 1'b1) & 12'(TOKENS - 1)) + 1'b1;
    product.groups <= failed ? 9'd1 : groups;
    product.tiles <= failed ? 9'd1 : tiles;
    product.out_words <= failed ? 9'd1 : now.out_words;
    product.depth_words <= failed ? 9'd1 : now.depth_words;
    product.source <= now.source;
    product.source_stride <= now.source_stride;
    product.residual_start <= now.residual;
    product.target <= now.target;
    product.target_stride <= now.target_stride;
  end
endmodule
