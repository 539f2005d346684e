// The matrix engine: executes products in order, a depth word for TOKENS rows and OUTPUTS columns
// per cycle. README.md tells what stands where in time; cycles there count from the issue of a
// product step's last depth word.
module matrix_engine #(
    parameter int TOKENS = trivit_spec::TILE_TOKENS,
    parameter int OUTPUTS = trivit_spec::TILE_OUTPUTS,
    parameter int DEPTH = trivit_spec::TILE_DEPTH,
    parameter int ACTIVATION_DEPTH = trivit_spec::ACTIVATION_DEPTH,
    parameter int WEIGHT_DEPTH = trivit_spec::WEIGHT_DEPTH,
    parameter int WEIGHT_TILES = trivit_spec::WEIGHT_TILES,
    parameter int MAX_DEPTH_WORDS = trivit_spec::MAX_DEPTH_WORDS,
    parameter int SUM_BITS = trivit_spec::ENGINE_SUM_BITS,
    parameter int STREAM_ROWS = trivit_spec::ENGINE_STREAM_ROWS,
    parameter int COMMANDS = trivit_spec::ENGINE_COMMANDS,
    parameter bit TRAINING = 1'b0  // partners, sums, largest magnitudes
) (
    input  logic                                        clk,
    input  logic                                        reset,
    // Products and placements: trivit_commands::engine_command_t
    input  logic [                              255:0]  command,
    input  logic                                        command_valid,
    output logic                                        command_ready,
    output logic                                        begins,   // a product's first depth word
    output logic [                                2:0]  announce,  // with it: to reader, store, load
    // Reports, in the order of the products: saturated values, tag, failed
    output logic [    engine_types::REPORT_BITS-1:0]    report,
    output logic                                        report_valid,
    input  logic                                        report_ready,
    // Weights, a stream for each port
    input  logic [                     OUTPUTS*16-1:0]  weight,
    input  logic [                  OUTPUTS/DEPTH-1:0]  weight_valid,
    output logic [                  OUTPUTS/DEPTH-1:0]  weight_ready,
    // Rows of results, and whom they are for (hls/kernel.yaml, stream)
    output logic [                     OUTPUTS*16-1:0]  row,
    output logic [                     OUTPUTS*16-1:0]  row_partner,
    output logic [                                2:0]  row_to,
    output logic [   engine_types::ROW_PLACE_BITS-1:0]  row_place,
    output logic                                        row_last,
    output logic                                        row_valid,
    input  logic                                        row_ready,
    // Sums of the operand's rows, a word a row group whose rows say so
    output logic [                      TOKENS*16-1:0]  sums_word,
    output logic                                        sums_valid,
    input  logic                                        sums_ready,
    // The banks for everybody else; data 2 cycles after a read was taken
    input  logic [                         TOKENS-1:0]  bank_valid,
    output logic [                         TOKENS-1:0]  bank_ready,
    input  logic [                         TOKENS-1:0]  bank_write,
    input  logic [TOKENS*$clog2(ACTIVATION_DEPTH)-1:0]  bank_address,
    input  logic [                TOKENS*DEPTH*16-1:0]  bank_written,
    output logic [                         TOKENS-1:0]  bank_read,
    output logic [                TOKENS*DEPTH*16-1:0]  bank_data,
    // Scoreboard: writer i outside has written the next row group of its slot; counts of all slots
    input  logic [        engine_types::OUTSIDE-1:0]    outside_complete,
    input  logic [      engine_types::OUTSIDE*3-1:0]    outside_slot,
    output logic [engine_types::SLOTS*engine_types::COUNT_BITS-1:0] slot_groups,
    // State
    input  logic                                        clear_statistics,
    output logic [     engine_types::STALLS*32-1:0]     cycles,
    output logic [                                7:0]  error,      // the first refusal: its code
    output logic [                               10:0]  error_tag   // and its command
);
  localparam int PORTS = OUTPUTS / DEPTH;
  localparam int WORD = DEPTH * 16;
  localparam int BANK = $clog2(ACTIVATION_DEPTH);
  localparam int RING = $clog2(WEIGHT_DEPTH);
  localparam int TILE = $clog2(WEIGHT_TILES);
  // Cycles after the issue of a depth word until row 0, group 0 leaves the cascade (README.md).
  localparam int AT_CASCADE = DEPTH + 5;

`ifndef SYNTHESIS
  initial begin
    assert (TOKENS == DEPTH) else $fatal(1, "a block of the banks must be square");
    assert (DEPTH >= 2 * PORTS) else $fatal(1, "port B has no time for PORTS reads and writes");
    assert ($bits(engine_types::product_t) == engine_types::PRODUCT_BITS
            && $bits(engine_types::fill_t) == engine_types::FILL_BITS
            && $bits(engine_types::placement_t) == engine_types::PLACEMENT_BITS
            && $bits(engine_types::sum_step_t) == engine_types::SUM_STEP_BITS
            && $bits(engine_types::start_t) == engine_types::START_BITS
            && $bits(engine_types::result_t) == engine_types::RESULT_BITS
            && $bits(engine_types::row_t) == engine_types::ROW_BITS
            && $bits(engine_types::row_place_t) == engine_types::ROW_PLACE_BITS
            && $bits(engine_types::report_t) == engine_types::REPORT_BITS
            && engine_types::COUNT_BITS == trivit_spec::ENGINE_COUNT_BITS)
    else $fatal(1, "widths in engine_types are wrong");
    assert (PORTS > 1 && 1 << $clog2(PORTS) == PORTS && 1 << $clog2(TOKENS) == TOKENS)
    else $fatal(1, "tokens and ports must be powers of two, ports more than one");
    assert ($bits(trivit_commands::engine_command_t) == 256) else $fatal(1, "a command has 256 bits");
    assert (TOKENS <= 8 && PORTS <= 8) else $fatal(1, "engine_types has no room for more");
    assert (WEIGHT_DEPTH == 1 << RING && WEIGHT_TILES == 1 << TILE)
    else $fatal(1, "the ring's sizes must be powers of two");
  end
`endif

  // Commands
  engine_types::product_t queued;
  engine_types::placement_t placement;
  engine_types::fill_t fill;
  logic queued_valid, queued_ready, placement_valid, placement_ready, fill_valid, fill_ready;
  logic begins_now;
  logic [engine_types::NUMBER_BITS-1:0] begun;
  command_queue #(
      .TOKENS(TOKENS),
      .PORTS(PORTS),
      .ACTIVATION_DEPTH(ACTIVATION_DEPTH),
      .WEIGHT_DEPTH(WEIGHT_DEPTH),
      .WEIGHT_TILES(WEIGHT_TILES),
      .MAX_DEPTH_WORDS(MAX_DEPTH_WORDS),
      .TRAINING(TRAINING),
      .COMMANDS(COMMANDS)
  ) commands (
      .clk, .reset, .command, .command_valid, .command_ready,
      .product(queued), .product_valid(queued_valid), .product_ready(queued_ready),
      .placement, .placement_valid, .placement_ready, .fill, .fill_valid, .fill_ready,
      .begins(begins_now), .begun, .error, .error_tag
  );

  // Issue
  engine_types::operand_t operand;
  engine_types::sum_step_t sum_step;
  engine_types::start_t start;
  engine_types::result_t result;
  logic [2:0] stall;
  logic complete, complete_last, writes, claim, slots_busy;
  logic [1:0] report_room, report_take;
  logic [2:0] announces;
  logic [2:0] complete_slot, target_slot, empty_slot, source_slot, residual_slot, placed_slot;
  logic [engine_types::COUNT_BITS-1:0] source_groups, residual_groups, placed_groups;
  logic [PORTS*(RING+1)-1:0] filled;
  logic [$clog2(STREAM_ROWS):0] stream_room;
  logic [3:0] stream_rows;
  issue #(
      .TOKENS(TOKENS),
      .PORTS(PORTS),
      .WEIGHT_DEPTH(WEIGHT_DEPTH),
      .STREAM_ROWS(STREAM_ROWS)
  ) issuing (
      .clk, .reset, .product(queued), .product_valid(queued_valid), .product_ready(queued_ready),
      .begins(begins_now), .writes, .claim, .target_slot, .empty_slot, .announce(announces),
      .slots_busy, .source_slot, .source_groups, .residual_slot, .residual_groups,
      .filled, .stream_room, .stream_rows, .report_room, .report_take, .operand, .sum_step, .start, .result, .stall
  );
  scoreboard written (
      .clk, .reset, .begins(begins_now), .writes, .claim, .target_slot, .empty_slot,
      .busy(slots_busy), .complete, .complete_slot, .finish(complete_last),
      .outside(outside_complete), .outside_slot,
      .source_slot, .source_groups, .residual_slot, .residual_groups,
      .placed_slot, .placed_groups, .slot_groups
  );
  always_ff @(posedge clk) begin
    begins <= begins_now && !reset;
    announce <= begins_now && !reset ? announces : '0;
  end
  statistics #(
      .CAUSES(engine_types::STALLS)
  ) counters (
      .clk,
      .clear(clear_statistics || reset),
      .cause(stall),
      .cycles
  );

  // Banks
  engine_types::result_t to_read, to_write;
  logic to_add, place_read, place_free;
  logic [2:0] add_row;
  logic [3:0] add_words;
  logic [BANK-1:0] place_read_address;
  logic [TOKENS*WORD-1:0] activations;
  logic [OUTPUTS*16-1:0] residual, values;
  activation_banks #(
      .TOKENS(TOKENS),
      .PORTS(PORTS),
      .DEPTH(DEPTH),
      .ACTIVATION_DEPTH(ACTIVATION_DEPTH)
  ) banks (
      .clk, .reset, .operand, .activations, .to_read, .to_add, .add_row, .add_words, .residual,
      .to_write, .values, .complete, .complete_slot, .complete_last,
      .place(place_read), .place_free, .place_address(place_read_address),
      .other_valid(bank_valid), .other_ready(bank_ready), .other_write(bank_write),
      .other_address(bank_address), .other_written(bank_written), .other_read(bank_read),
      .data(bank_data)
  );

  // Weights and what the sums begin with
  logic [PORTS-1:0] place_room, place, block_valid;
  logic [PORTS*RING-1:0] place_address;
  logic [RING-1:0] block_address;
  logic [TOKENS*WORD-1:0] block;
  placer #(
      .TOKENS(TOKENS),
      .PORTS(PORTS),
      .DEPTH(DEPTH),
      .ADDRESS_BITS(BANK),
      .RING(RING)
  ) placing (
      .clk, .reset, .placement, .placement_valid, .placement_ready,
      .slot(placed_slot), .groups(placed_groups), .begun,
      .room(place_room), .place(place_address), .take(place),
      .read(place_read), .free(place_free), .address(place_read_address), .bank_data,
      .write(block_valid), .write_address(block_address), .block
  );
  logic [OUTPUTS*WORD-1:0] weights;
  logic [PORTS*TILE-1:0] bias_read;
  logic [OUTPUTS*16-1:0] biases;
  logic [OUTPUTS*SUM_BITS-1:0] starts, sums;
  weight_ring #(
      .OUTPUTS(OUTPUTS),
      .DEPTH(DEPTH),
      .WEIGHT_DEPTH(WEIGHT_DEPTH),
      .WEIGHT_TILES(WEIGHT_TILES)
  ) ring (
      .clk, .reset, .fill, .fill_valid, .fill_ready, .discard(error != 8'd0),
      .word(weight), .word_valid(weight_valid), .word_ready(weight_ready),
      .place_room, .place, .place_address, .block_valid, .block_address, .block,
      .release_word(operand.release_word), .release_bias(start.release_bias), .filled,
      .read_address(operand.ring[RING-1:0]), .weights, .bias_read, .biases
  );
  logic [PORTS:0][engine_types::START_BITS-1:0] starts_of;
  assign starts_of[0] = start;
  always_ff @(posedge clk) starts_of[PORTS:1] <= starts_of[PORTS-1:0];
  generate
    for (genvar g = 0; g < PORTS; g++) begin : aligners
      bias_aligner #(
          .DEPTH(DEPTH),
          .SUM_BITS(SUM_BITS),
          .WEIGHT_TILES(WEIGHT_TILES)
      ) aligner (
          .clk,
          .reset,
          .from(starts_of[g+1]),
          .bias_read(bias_read[TILE*g+:TILE]),
          .biases(biases[WORD*g+:WORD]),
          .start(starts[SUM_BITS*DEPTH*g+:SUM_BITS*DEPTH])
      );
    end
  endgenerate

  // Array
  logic first;
  logic [PORTS*3-1:0] row_select;
  logic [PORTS*$clog2(TOKENS)-1:0] select;
  delay #(
      .CYCLES(AT_CASCADE)
  ) first_sum (
      .clk,
      .reset,
      .value(operand.valid && operand.first),
      .delayed(first)
  );
  always_comb
    for (int g = 0; g < PORTS; g++)
      select[$clog2(TOKENS)*g+:$clog2(TOKENS)] = row_select[3*g+:$clog2(TOKENS)];
  systolic_array #(
      .TOKENS(TOKENS),
      .OUTPUTS(OUTPUTS),
      .DEPTH(DEPTH),
      .SUM_BITS(SUM_BITS)
  ) array (
      .clk,
      .activations,
      .weights,
      .first,
      .start(starts),
      .row(select),
      .sums
  );

  logic sum_saturated;
  logic [15:0] sum_magnitude;
  generate
    if (TRAINING) begin : training
      operand_sums #(
          .TOKENS(TOKENS),
          .DEPTH(DEPTH),
          .PORTS(PORTS),
          .WORDS(STREAM_ROWS)
      ) operand_sum (
          .clk, .reset, .step(sum_step), .activations, .word(sums_word), .word_valid(sums_valid),
          .word_ready(sums_ready), .saturated(sum_saturated), .magnitude(sum_magnitude)
      );
    end else begin : inference
      assign sums_word = '0;
      assign sums_valid = 1'b0;
      assign sum_saturated = 1'b0;
      assign sum_magnitude = '0;
    end
  endgenerate

  result_path #(
      .TOKENS(TOKENS),
      .OUTPUTS(OUTPUTS),
      .DEPTH(DEPTH),
      .SUM_BITS(SUM_BITS),
      .STREAM_ROWS(STREAM_ROWS),
      .TRAINING(TRAINING)
  ) results (
      .clk, .reset, .result, .row_select, .sums,
      .to_read, .to_add, .add_row, .add_words, .residual, .to_write, .values,
      .stream_rows, .stream_room, .row, .row_partner, .row_to, .row_place, .row_last, .row_valid, .row_ready,
      .sum_saturated, .sum_magnitude, .report_take, .report_room, .report, .report_valid, .report_ready
  );
endmodule
