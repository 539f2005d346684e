module load #(
    parameter int TOKENS = trivit_spec::TILE_TOKENS,
    parameter int OUTPUTS = trivit_spec::TILE_OUTPUTS,
    parameter int DEPTH = trivit_spec::TILE_DEPTH,
    parameter int ACTIVATION_DEPTH = trivit_spec::ACTIVATION_DEPTH
) (
    input  logic                                        clk,
    input  logic                                        reset,
    input  logic [                              255:0]  command,
    input  logic                                        command_valid,
    output logic                                        command_ready,
    input  logic [                     OUTPUTS*16-1:0]  word,
    input  logic [                  OUTPUTS/DEPTH-1:0]  word_valid,
    output logic [                  OUTPUTS/DEPTH-1:0]  word_ready,
    output logic [                     2*DEPTH*16-1:0]  vectors,
    output logic                                        vectors_valid,
    input  logic                                        vectors_ready,
    output logic [                               43:0]  report,
    output logic                                        report_valid,
    input  logic                                        report_ready,
    output logic [                         TOKENS-1:0]  bank_valid,
    input  logic [                         TOKENS-1:0]  bank_ready,
    output logic [TOKENS*$clog2(ACTIVATION_DEPTH)-1:0]  bank_address,
    output logic [                TOKENS*DEPTH*16-1:0]  bank_written,
    output logic                                        complete,
    output logic [                                2:0]  complete_slot
);
endmodule
