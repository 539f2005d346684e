// Port B of the banks for the six agents, each bank by itself. Who comes first is served:
// softmax_writer, row_writer, norm_writer, row_reader, load, store. Nothing is held here: what is
// taken is in the bank, or asked of it, in the same cycle.
module bank_arbiter #(
    parameter int TOKENS = trivit_spec::TILE_TOKENS,
    parameter int DEPTH = trivit_spec::TILE_DEPTH,
    parameter int ACTIVATION_DEPTH = trivit_spec::ACTIVATION_DEPTH
) (
    input  logic                                          clk,
    input  logic                                          reset,
    // softmax_writer, row_writer, norm_writer, load: the first in the lowest bits
    input  logic [                         4*TOKENS-1:0]  writer_valid,
    output logic [                         4*TOKENS-1:0]  writer_ready,
    input  logic [4*TOKENS*$clog2(ACTIVATION_DEPTH)-1:0]  writer_address,
    input  logic [                4*TOKENS*DEPTH*16-1:0]  writer_written,
    // row_reader, store: the first in the lowest bits; the data are for both
    input  logic [                         2*TOKENS-1:0]  reader_valid,
    output logic [                         2*TOKENS-1:0]  reader_ready,
    input  logic [2*TOKENS*$clog2(ACTIVATION_DEPTH)-1:0]  reader_address,
    output logic [                         2*TOKENS-1:0]  reader_read,
    output logic [                  TOKENS*DEPTH*16-1:0]  reader_data,
    // The engine's port B; data 2 cycles after a read was taken
    output logic [                           TOKENS-1:0]  bank_valid,
    input  logic [                           TOKENS-1:0]  bank_ready,
    output logic [                           TOKENS-1:0]  bank_write,
    output logic [  TOKENS*$clog2(ACTIVATION_DEPTH)-1:0]  bank_address,
    output logic [                  TOKENS*DEPTH*16-1:0]  bank_written,
    input  logic [                           TOKENS-1:0]  bank_read,
    input  logic [                  TOKENS*DEPTH*16-1:0]  bank_data
);
  localparam int WORD = DEPTH * 16;
  localparam int BANK = $clog2(ACTIVATION_DEPTH);
  localparam int READ = 2;  // cycles from a read to its data

  // The places in the packed arrays, and the order in which they are served.
  localparam int SOFTMAX_WRITER = 0;
  localparam int ROW_WRITER = 1;
  localparam int NORM_WRITER = 2;
  localparam int LOAD = 3;
  localparam int ROW_READER = 0;
  localparam int STORE = 1;

  assign reader_data = bank_data;
  generate
    for (genvar t = 0; t < TOKENS; t++) begin : banks
      logic [3:0] writes, free;  // who asks, and whom nobody is before
      logic [1:0] reads, read_free;
      logic [1:0] writer;        // that is served if one is
      always_comb begin
        for (int w = 0; w < 4; w++) writes[w] = writer_valid[TOKENS*w+t];
        for (int r = 0; r < 2; r++) reads[r] = reader_valid[TOKENS*r+t];
      end
      assign free[SOFTMAX_WRITER] = 1'b1;
      assign free[ROW_WRITER] = !writes[SOFTMAX_WRITER];
      assign free[NORM_WRITER] = free[ROW_WRITER] && !writes[ROW_WRITER];
      assign read_free[ROW_READER] = free[NORM_WRITER] && !writes[NORM_WRITER];
      assign free[LOAD] = read_free[ROW_READER] && !reads[ROW_READER];
      assign read_free[STORE] = free[LOAD] && !writes[LOAD];
      assign writer = writes[SOFTMAX_WRITER] ? 2'(SOFTMAX_WRITER)
                      : writes[ROW_WRITER] ? 2'(ROW_WRITER)
                      : writes[NORM_WRITER] ? 2'(NORM_WRITER) : 2'(LOAD);

      for (genvar w = 0; w < 4; w++) begin : writers
        assign writer_ready[TOKENS*w+t] = free[w] && bank_ready[t];
      end
      for (genvar r = 0; r < 2; r++) begin : readers
        assign reader_ready[TOKENS*r+t] = read_free[r] && bank_ready[t];
      end
      assign bank_valid[t] = writes != '0 || reads != '0;
      assign bank_write[t] = (writes & free) != '0;
      assign bank_written[WORD*t+:WORD] = writer_written[WORD*(TOKENS*writer+t)+:WORD];
      assign bank_address[BANK*t+:BANK] =
          bank_write[t] ? writer_address[BANK*(TOKENS*writer+t)+:BANK]
          : reads[ROW_READER] ? reader_address[BANK*(TOKENS*ROW_READER+t)+:BANK]
          : reader_address[BANK*(TOKENS*STORE+t)+:BANK];

      logic for_reader;
      delay #(
          .CYCLES(READ)
      ) answer (
          .clk,
          .reset,
          .value(reads[ROW_READER]),
          .delayed(for_reader)
      );
      assign reader_read[TOKENS*ROW_READER+t] = bank_read[t] && for_reader;
      assign reader_read[TOKENS*STORE+t] = bank_read[t] && !for_reader;
    end
  endgenerate
endmodule
