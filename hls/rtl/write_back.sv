// Port B of the banks: results go in, residuals come out, and whoever else asks has the rest. Bank
// t does t cycles after bank 0 what that does, so one decision is taken for all banks. A tile's row
// group writes PORTS words into each bank and reads as many, out of at least 2 · PORTS cycles;
// writes are on time, residuals are read ahead into small memories.
module write_back #(
    parameter int TOKENS = 8,
    parameter int PORTS = 4,
    parameter int WIDTH = 128,
    parameter int ADDRESS_BITS = 14
) (
    input  logic                             clk,
    input  logic                             reset,
    input  engine_types::result_t            to_read,   // residual of a row group: read it
    input  logic                             to_add,    // PORTS + 4 or more cycles later
    input  logic [                     2:0]  add_row,   // the row that each bank's word belongs to
    input  logic [                     3:0]  add_words, // groups that have one
    output logic [       PORTS*WIDTH-1:0]    residual,  // group g, row t: t + g + 1 later
    input  engine_types::result_t            to_write,  // a cycle before its first values
    input  logic [       PORTS*WIDTH-1:0]    values,    // group g, row t: t + g later
    output logic                             complete,  // a row group, for reads issued now
    output logic [                     2:0]  complete_slot,
    output logic                             complete_last,
    // Port B, one for each bank
    output logic [            TOKENS-1:0]    b_enable,
    output logic [            TOKENS-1:0]    b_write,
    output logic [TOKENS*ADDRESS_BITS-1:0]   b_address,
    output logic [      TOKENS*WIDTH-1:0]    b_written,
    input  logic [      TOKENS*WIDTH-1:0]    b_data,
    // A read for the placer in all banks; data of bank t 3 + t cycles later
    input  logic                             place,
    output logic                             place_free,
    input  logic [        ADDRESS_BITS-1:0]  place_address,
    // The others; data of a read 2 cycles after it was taken
    input  logic [            TOKENS-1:0]    other_valid,
    output logic [            TOKENS-1:0]    other_ready,
    input  logic [            TOKENS-1:0]    other_write,
    input  logic [TOKENS*ADDRESS_BITS-1:0]   other_address,
    input  logic [      TOKENS*WIDTH-1:0]    other_written,
    output logic [            TOKENS-1:0]    other_read
);
  localparam int WORD_BITS = PORTS > 1 ? $clog2(PORTS) : 1;
  localparam int AHEAD = 4 * PORTS;  // words of residuals in a bank's memory
  localparam int SPOT = $clog2(AHEAD);
  localparam int READ = 2;

  // Writes: a word a cycle from the cycle of the first values.
  logic writing, to_banks, finishing;
  logic [WORD_BITS-1:0] word;
  logic [3:0] write_rows, write_words;
  logic [ADDRESS_BITS-1:0] write_address;
  logic [2:0] slot;
  logic final_word, completes;
  assign final_word = word == WORD_BITS'(PORTS - 1);
  always_ff @(posedge clk) begin
    if (to_write.valid) begin
      writing <= 1'b1;
      to_banks <= to_write.to_banks;
      finishing <= to_write.finish;
      completes <= to_write.complete;
      word <= '0;
      write_rows <= to_write.rows;
      write_words <= to_write.words;
      write_address <= ADDRESS_BITS'(to_write.address);
      slot <= to_write.slot;
    end else begin
      if (final_word) writing <= 1'b0;
      word <= word + 1'b1;
      write_address <= write_address + 1'b1;
    end
    if (reset) writing <= 1'b0;
  end
  logic writes;
  assign writes = writing && to_banks && 4'(word) < write_words;
  assign complete = writing && to_banks && final_word && completes;
  assign complete_slot = slot;
  assign complete_last = finishing;

  // Reads of residuals, where bank 0 has no write.
  logic reading;
  logic [WORD_BITS-1:0] read_word;
  logic [ADDRESS_BITS-1:0] read_address;
  logic reads;
  assign reads = reading && !writes;
  always_ff @(posedge clk) begin
    if (to_read.valid && to_read.residual) begin
      reading <= 1'b1;
      read_word <= '0;
      read_address <= ADDRESS_BITS'(to_read.residual_address);
    end else if (reads) begin
      if (read_word == WORD_BITS'(PORTS - 1)) reading <= 1'b0;
      read_word <= read_word + 1'b1;
      read_address <= read_address + 1'b1;
    end
    if (reset) reading <= 1'b0;
  end

  // Reads of the placer, where both leave it free; every second cycle while others wait for a bank.
  logic places, place_last, others_wait;
  assign place_free = !writes && !reads && !(place_last && others_wait);
  assign places = place && place_free;
  always_ff @(posedge clk) begin
    place_last <= places && !reset;
    others_wait <= other_valid != '0;
  end

  // What bank t does, t cycles behind bank 0.
  logic [TOKENS-1:0] bank_writes, bank_reads, bank_places;
  logic [TOKENS-1:0][ADDRESS_BITS-1:0] bank_address;
  logic [TOKENS-1:0][3:0] bank_rows;
  logic [TOKENS-1:0][WORD_BITS-1:0] bank_word;  // of the values that bank t takes now
  assign bank_word[0] = word;
  always_ff @(posedge clk) begin
    bank_writes <= reset ? '0 : {bank_writes[TOKENS-2:0], writes};
    bank_reads <= reset ? '0 : {bank_reads[TOKENS-2:0], reads};
    bank_places <= reset ? '0 : {bank_places[TOKENS-2:0], places};
    bank_address <= {bank_address[TOKENS-2:0],
                     writes ? write_address : reads ? read_address : place_address};
    bank_rows <= {bank_rows[TOKENS-2:0], write_rows};
    bank_word[TOKENS-1:1] <= bank_word[TOKENS-2:0];
  end

  // Residuals: where they go in each bank's memory, and when they leave it.
  logic [SPOT-1:0] spot_in, spot_out;
  logic handing;
  logic [WORD_BITS-1:0] handed;
  always_ff @(posedge clk) begin
    if (reads) spot_in <= spot_in + 1'b1;
    if (to_add) begin
      handing <= 1'b1;
      handed <= '0;
    end else begin
      handed <= handed + 1'b1;
      if (handed == WORD_BITS'(PORTS - 1)) handing <= 1'b0;
    end
    if (handing) spot_out <= spot_out + 1'b1;
    if (reset) begin
      handing <= 1'b0;
      spot_in <= '0;
      spot_out <= '0;
    end
  end
  logic [TOKENS+READ:0][SPOT-1:0] spots_in;
  logic [TOKENS-1:0][SPOT-1:0] spots_out;
  logic [TOKENS+READ-1:0] filling;
  assign spots_in[0] = spot_in;
  assign spots_out[0] = spot_out;
  assign filling[0] = bank_reads[0];
  always_ff @(posedge clk) begin
    spots_in[TOKENS+READ:1] <= spots_in[TOKENS+READ-1:0];
    spots_out[TOKENS-1:1] <= spots_out[TOKENS-2:0];
    filling[TOKENS+READ-1:1] <= reset ? '0 : filling[TOKENS+READ-2:0];
  end

  logic [TOKENS*WIDTH-1:0] ahead;
  generate
    for (genvar t = 0; t < TOKENS; t++) begin : bank
      logic own_write;
      assign own_write = bank_writes[t] && 4'(t) < bank_rows[t];
      assign other_ready[t] = !bank_writes[t] && !bank_reads[t] && !bank_places[t];
      assign b_enable[t] = own_write || bank_reads[t] || bank_places[t]
                           || (other_valid[t] && other_ready[t]);
      assign b_write[t] = other_ready[t] ? other_write[t] : own_write;
      assign b_address[ADDRESS_BITS*t+:ADDRESS_BITS] =
          other_ready[t] ? other_address[ADDRESS_BITS*t+:ADDRESS_BITS] : bank_address[t];

      logic [WIDTH-1:0] own;
      always_ff @(posedge clk) own <= values[WIDTH*bank_word[t]+:WIDTH];
      assign b_written[WIDTH*t+:WIDTH] = other_ready[t] ? other_written[WIDTH*t+:WIDTH] : own;

      delay #(
          .CYCLES(READ),
          .RESET(1'b1)
      ) answer (
          .clk,
          .reset,
          .value(other_valid[t] && other_ready[t] && !other_write[t]),
          .delayed(other_read[t])
      );

      (* ram_style = "distributed" *) logic [WIDTH-1:0] memory[AHEAD];
      always_ff @(posedge clk)
        if (filling[t+READ]) memory[spots_in[t+READ+1]] <= b_data[WIDTH*t+:WIDTH];
      assign ahead[WIDTH*t+:WIDTH] = memory[spots_out[t]];
    end
  endgenerate

  // Group g adds the residual of row t, t + g cycles after that of row 0 and group 0.
  logic [PORTS-1:0][2:0] rows;
  logic [PORTS-1:0][3:0] words;
  assign rows[0] = add_row;
  assign words[0] = add_words;
  always_ff @(posedge clk) begin
    rows[PORTS-1:1] <= rows[PORTS-2:0];
    words[PORTS-1:1] <= words[PORTS-2:0];
    for (int g = 0; g < PORTS; g++)
      residual[WIDTH*g+:WIDTH] <= 4'(g) < words[g] ? ahead[WIDTH*rows[g]+:WIDTH] : '0;
  end
endmodule
