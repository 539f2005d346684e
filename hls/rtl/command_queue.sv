// Commands in program order: checked, then queued for the array and, placements, for the placer.
module command_queue #(
    parameter int TOKENS = 8,
    parameter int PORTS = 4,
    parameter int ACTIVATION_DEPTH = 15360,
    parameter int WEIGHT_DEPTH = 1024,
    parameter int WEIGHT_TILES = 64,
    parameter int MAX_DEPTH_WORDS = 384,
    parameter bit TRAINING = 1'b0,
    parameter int COMMANDS = 16
) (
    input  logic                                 clk,
    input  logic                                 reset,
    input  trivit_commands::engine_command_t     command,
    input  logic                                 command_valid,
    output logic                                 command_ready,
    output engine_types::product_t               product,
    output logic                                 product_valid,
    input  logic                                 product_ready,
    output engine_types::placement_t             placement,
    output logic                                 placement_valid,
    input  logic                                 placement_ready,
    output engine_types::fill_t                  fill,
    output logic                                 fill_valid,
    input  logic                                 fill_ready,
    input  logic                                 begins,  // a product
    output logic [engine_types::NUMBER_BITS-1:0] begun,   // how many
    output logic [                          7:0] error,
    output logic [                         10:0] error_tag
);
  engine_types::product_t checked;
  engine_types::placement_t copied, ordered;
  logic checked_valid, checked_ready, copied_valid, copied_ready, behind;
  logic [engine_types::NUMBER_BITS-1:0] writer;
  command_guard #(
      .TOKENS(TOKENS),
      .PORTS(PORTS),
      .ACTIVATION_DEPTH(ACTIVATION_DEPTH),
      .WEIGHT_DEPTH(WEIGHT_DEPTH),
      .WEIGHT_TILES(WEIGHT_TILES),
      .MAX_DEPTH_WORDS(MAX_DEPTH_WORDS),
      .TRAINING(TRAINING)
  ) guard (
      .clk,
      .reset,
      .command,
      .command_valid,
      .command_ready,
      .product(checked),
      .product_valid(checked_valid),
      .product_ready(checked_ready),
      .fill,
      .fill_valid,
      .fill_ready,
      .placement(copied),
      .placement_valid(copied_valid),
      .placement_ready(copied_ready),
      .error,
      .error_tag
  );
  slot_order order (
      .clk,
      .reset,
      .product_taken(checked_valid && checked_ready),
      .product(checked),
      .placed_slot(copied.slot),
      .behind,
      .writer,
      .begins,
      .begun
  );
  always_comb begin
    ordered = copied;
    ordered.behind = behind;
    ordered.writer = writer;
  end
  stream_fifo #(
      .WIDTH(engine_types::PRODUCT_BITS),
      .DEPTH(COMMANDS)
  ) products (
      .clk,
      .reset,
      .in_data(checked),
      .in_valid(checked_valid),
      .in_ready(checked_ready),
      .out_data(product),
      .out_valid(product_valid),
      .out_ready(product_ready)
  );
  stream_fifo #(
      .WIDTH(engine_types::PLACEMENT_BITS),
      .DEPTH(8)
  ) placements (
      .clk,
      .reset,
      .in_data(ordered),
      .in_valid(copied_valid),
      .in_ready(copied_ready),
      .out_data(placement),
      .out_valid(placement_valid),
      .out_ready(placement_ready)
  );
endmodule
