module row_reader #(
    parameter int TOKENS = trivit_spec::TILE_TOKENS,
    parameter int DEPTH = trivit_spec::TILE_DEPTH,
    parameter int ACTIVATION_DEPTH = trivit_spec::ACTIVATION_DEPTH,
    parameter int LINES = 16
) (
    input  logic                                        clk,
    input  logic                                        reset,
    input  logic [                              255:0]  command,
    input  logic                                        command_valid,
    output logic                                        command_ready,
    output logic [                     2*DEPTH*16-1:0]  rows,
    output logic                                        rows_valid,
    input  logic                                        rows_ready,
    output logic [                         TOKENS-1:0]  bank_valid,
    input  logic [                         TOKENS-1:0]  bank_ready,
    output logic [TOKENS*$clog2(ACTIVATION_DEPTH)-1:0]  bank_address,
    input  logic [                         TOKENS-1:0]  bank_read,
    input  logic [                TOKENS*DEPTH*16-1:0]  bank_data,
    input  logic                                        announce,
    input  logic [                            8*9-1:0]  slot_groups
);
endmodule
