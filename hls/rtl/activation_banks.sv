// The activation banks with both their ports: port A brings the operand to the array, port B takes
// results and gives residuals, rows for the placer and whatever others want.
module activation_banks #(
    parameter int TOKENS = 8,
    parameter int PORTS = 4,
    parameter int DEPTH = 8,
    parameter int ACTIVATION_DEPTH = 15360
) (
    input  logic                                        clk,
    input  logic                                        reset,
    // Port A
    input  engine_types::operand_t                      operand,
    output logic [                TOKENS*DEPTH*16-1:0]  activations,
    // Port B (write_back)
    input  engine_types::result_t                       to_read,
    input  logic                                        to_add,
    input  logic [                                2:0]  add_row,
    input  logic [                                3:0]  add_words,
    output logic [                 PORTS*DEPTH*16-1:0]  residual,
    input  engine_types::result_t                       to_write,
    input  logic [                 PORTS*DEPTH*16-1:0]  values,
    output logic                                        complete,
    output logic [                                2:0]  complete_slot,
    output logic                                        complete_last,
    input  logic                                        place,
    output logic                                        place_free,
    input  logic [       $clog2(ACTIVATION_DEPTH)-1:0]  place_address,
    input  logic [                         TOKENS-1:0]  other_valid,
    output logic [                         TOKENS-1:0]  other_ready,
    input  logic [                         TOKENS-1:0]  other_write,
    input  logic [TOKENS*$clog2(ACTIVATION_DEPTH)-1:0]  other_address,
    input  logic [                TOKENS*DEPTH*16-1:0]  other_written,
    output logic [                         TOKENS-1:0]  other_read,
    output logic [                TOKENS*DEPTH*16-1:0]  data
);
  localparam int WORD = DEPTH * 16;
  localparam int BANK = $clog2(ACTIVATION_DEPTH);

  logic [TOKENS*BANK-1:0] a_address, b_address;
  logic [TOKENS*WORD-1:0] a_data, b_written;
  logic [TOKENS-1:0] b_enable, b_write;
  operand_reader #(
      .TOKENS(TOKENS),
      .DEPTH(DEPTH),
      .ADDRESS_BITS(BANK)
  ) reader (
      .clk,
      .address(operand.address[BANK-1:0]),
      .transposed(operand.transposed),
      .banks(operand.banks),
      .bank_address(a_address),
      .bank_data(a_data),
      .operand(activations)
  );
  write_back #(
      .TOKENS(TOKENS),
      .PORTS(PORTS),
      .WIDTH(WORD),
      .ADDRESS_BITS(BANK)
  ) port_b (
      .clk,
      .reset,
      .to_read,
      .to_add,
      .add_row,
      .add_words,
      .residual,
      .to_write,
      .values,
      .complete,
      .complete_slot,
      .complete_last,
      .b_enable,
      .b_write,
      .b_address,
      .b_written,
      .b_data(data),
      .place,
      .place_free,
      .place_address,
      .other_valid,
      .other_ready,
      .other_write,
      .other_address,
      .other_written,
      .other_read
  );
  generate
    for (genvar t = 0; t < TOKENS; t++) begin : banks
      activation_bank #(
          .WIDTH(WORD),
          .WORDS(ACTIVATION_DEPTH)
      ) bank (
          .clk,
          .a_address(a_address[BANK*t+:BANK]),
          .a_data(a_data[WORD*t+:WORD]),
          .b_enable(b_enable[t]),
          .b_write(b_write[t]),
          .b_address(b_address[BANK*t+:BANK]),
          .b_written(b_written[WORD*t+:WORD]),
          .b_data(data[WORD*t+:WORD])
      );
    end
  endgenerate
endmodule
