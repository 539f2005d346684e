// Rows of one port of `load`, word by word: where each word goes. The last row may not exist; its
// words come all the same and go nowhere. Rows of a port are PORTS banks apart.
module load_port #(
    parameter int TOKENS = 8,
    parameter int PORTS = 4,
    parameter int BANK = 14
) (
    input  logic                      clk,
    input  logic                      reset,
    input  logic                      start,
    input  logic [               9:0] rows,       // that come
    input  logic                      last_exists,
    input  logic [               8:0] words,      // of a row
    input  logic [          BANK-1:0] first,      // address of the first row
    input  logic [          BANK-1:0] stride,
    input  logic [$clog2(TOKENS)-1:0] first_bank,
    output logic                      busy,
    output logic                      exists,     // this row
    output logic                      row_end,    // with its last word
    output logic [          BANK-1:0] address,
    output logic [$clog2(TOKENS)-1:0] bank,
    input  logic                      take
);
  localparam int ROW = $clog2(TOKENS);

  logic [9:0] rows_left;
  logic [8:0] words_left;
  logic [BANK-1:0] line, next_line;
  logic last_row_exists;
  logic [ROW:0] next_bank;
  assign exists = rows_left != 10'd1 || last_row_exists;
  assign row_end = words_left == 9'd1;
  assign next_bank = {1'b0, bank} + (ROW + 1)'(PORTS);
  assign next_line = next_bank[ROW] ? line + stride : line;

  always_ff @(posedge clk) begin
    if (take) begin
      address <= row_end ? next_line : address + 1'b1;
      words_left <= row_end ? words : words_left - 1'b1;
      if (row_end) begin
        line <= next_line;
        bank <= next_bank[ROW-1:0];
        rows_left <= rows_left - 1'b1;
        busy <= rows_left != 10'd1;
      end
    end
    if (start) begin
      busy <= 1'b1;
      rows_left <= rows;
      last_row_exists <= last_exists;
      words_left <= words;
      address <= first;
      line <= first;
      bank <= first_bank;
    end
    if (reset) busy <= 1'b0;
  end
endmodule
