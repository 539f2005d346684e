// Stands for `matrix_engine` in the bench of the top: the same queue, guard, scoreboard and banks,
// but no array. A product begins and reports as soon as it is there, and computes nothing.
module matrix_engine #(
    parameter int TOKENS = 8,
    parameter int OUTPUTS = 32,
    parameter int DEPTH = 8,
    parameter int ACTIVATION_DEPTH = 512
) (
    input  logic                                       clk,
    input  logic                                       reset,
    input  logic [                              255:0] command,
    input  logic                                       command_valid,
    output logic                                       command_ready,
    output logic                                       begins,
    output logic [                                2:0] announce,  // to reader, store, load
    output logic [      engine_types::REPORT_BITS-1:0] report,
    output logic                                       report_valid,
    input  logic                                       report_ready,
    input  logic [                     OUTPUTS*16-1:0] weight,
    input  logic [                  OUTPUTS/DEPTH-1:0] weight_valid,
    output logic [                  OUTPUTS/DEPTH-1:0] weight_ready,
    output logic [                     OUTPUTS*16-1:0] row,
    output logic [                                2:0] row_to,
    output logic [  engine_types::ROW_PLACE_BITS-1:0]  row_place,
    output logic                                       row_last,
    output logic                                       row_valid,
    input  logic                                       row_ready,
    input  logic [                         TOKENS-1:0] bank_valid,
    output logic [                         TOKENS-1:0] bank_ready,
    input  logic [                         TOKENS-1:0] bank_write,
    input  logic [TOKENS*$clog2(ACTIVATION_DEPTH)-1:0] bank_address,
    input  logic [                TOKENS*DEPTH*16-1:0] bank_written,
    output logic [                         TOKENS-1:0] bank_read,
    output logic [                TOKENS*DEPTH*16-1:0] bank_data,
    input  logic [          engine_types::OUTSIDE-1:0] outside_complete,
    input  logic [        engine_types::OUTSIDE*3-1:0] outside_slot,
    output logic [engine_types::SLOTS*engine_types::COUNT_BITS-1:0] slot_groups,
    input  logic                                       clear_statistics,
    output logic [       engine_types::STALLS*32-1:0]  cycles,
    output logic [                                7:0] error,
    output logic [                               10:0] error_tag
);
  localparam int PORTS = OUTPUTS / DEPTH;
  localparam int WORD = DEPTH * 16;
  localparam int BANK = $clog2(ACTIVATION_DEPTH);

  engine_types::product_t product;
  engine_types::placement_t placement;
  engine_types::fill_t fill;
  logic product_valid, placement_valid, fill_valid, has_room;
  logic [engine_types::NUMBER_BITS-1:0] begun;
  command_queue #(
      .TOKENS(TOKENS),
      .PORTS(PORTS),
      .ACTIVATION_DEPTH(ACTIVATION_DEPTH)
  ) queue (
      .clk, .reset, .command, .command_valid, .command_ready,
      .product, .product_valid, .product_ready(has_room),
      .placement, .placement_valid, .placement_ready(1'b1), .fill, .fill_valid, .fill_ready(1'b1),
      .begins, .begun, .error, .error_tag
  );
  assign begins = product_valid && has_room;
  assign announce = begins ? product.announce : 3'b0;
  stream_fifo #(
      .WIDTH(engine_types::REPORT_BITS),
      .DEPTH(4)
  ) reports (
      .clk,
      .reset,
      .in_data({product.failed, product.tag, 32'b0}),
      .in_valid(begins),
      .in_ready(has_room),
      .out_data(report),
      .out_valid(report_valid),
      .out_ready(report_ready)
  );

  logic busy;
  logic [engine_types::COUNT_BITS-1:0] source_groups, residual_groups, placed_groups;
  scoreboard written (
      .clk, .reset, .begins, .writes(1'b0), .claim(product.claim),
      .target_slot(product.target_slot), .empty_slot(product.clear_slot), .busy,
      .complete(1'b0), .complete_slot('0), .finish(1'b0), .outside(outside_complete),
      .outside_slot, .source_slot('0), .source_groups, .residual_slot('0), .residual_groups,
      .placed_slot('0), .placed_groups, .slot_groups
  );

  logic [TOKENS-1:0] asked;
  assign bank_ready = '1;
  always_ff @(posedge clk) begin
    asked <= reset ? '0 : bank_valid & ~bank_write;
    bank_read <= reset ? '0 : asked;
  end
  generate
    for (genvar t = 0; t < TOKENS; t++) begin : banks
      activation_bank #(
          .WIDTH(WORD),
          .WORDS(ACTIVATION_DEPTH)
      ) bank (
          .clk,
          .a_address('0),
          .a_data(),
          .b_enable(bank_valid[t]),
          .b_write(bank_write[t]),
          .b_address(bank_address[BANK*t+:BANK]),
          .b_written(bank_written[WORD*t+:WORD]),
          .b_data(bank_data[WORD*t+:WORD])
      );
    end
  endgenerate

  assign weight_ready = '1;
  assign row = '0;
  assign row_to = '0;
  assign row_place = '0;
  assign row_last = 1'b0;
  assign row_valid = 1'b0;
  assign cycles = '0;
endmodule
