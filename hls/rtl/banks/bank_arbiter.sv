module bank_arbiter #(
    parameter int TOKENS = trivit_spec::TILE_TOKENS,
    parameter int DEPTH = trivit_spec::TILE_DEPTH,
    parameter int ACTIVATION_DEPTH = trivit_spec::ACTIVATION_DEPTH
) (
    input  logic                                          clk,
    input  logic                                          reset,
    input  logic [                         4*TOKENS-1:0]  writer_valid,
    output logic [                         4*TOKENS-1:0]  writer_ready,
    input  logic [4*TOKENS*$clog2(ACTIVATION_DEPTH)-1:0]  writer_address,
    input  logic [                4*TOKENS*DEPTH*16-1:0]  writer_written,
    input  logic [                         2*TOKENS-1:0]  reader_valid,
    output logic [                         2*TOKENS-1:0]  reader_ready,
    input  logic [2*TOKENS*$clog2(ACTIVATION_DEPTH)-1:0]  reader_address,
    output logic [                         2*TOKENS-1:0]  reader_read,
    output logic [                  TOKENS*DEPTH*16-1:0]  reader_data,
    output logic [                           TOKENS-1:0]  bank_valid,
    input  logic [                           TOKENS-1:0]  bank_ready,
    output logic [                           TOKENS-1:0]  bank_write,
    output logic [  TOKENS*$clog2(ACTIVATION_DEPTH)-1:0]  bank_address,
    output logic [                  TOKENS*DEPTH*16-1:0]  bank_written,
    input  logic [                           TOKENS-1:0]  bank_read,
    input  logic [                  TOKENS*DEPTH*16-1:0]  bank_data
);
endmodule
