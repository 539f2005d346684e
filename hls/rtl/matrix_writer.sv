// Turns rows of results into a matrix as parameters lie in DDR: TOKENS rows of a tile, PORTS words
// each, are a piece of one port, there word after word for all rows (README.md, Results to DDR). A
// port has places for two pieces. Rows that a last row group does not have are zero. Before a piece
// whose rows say so comes the word of their sums.
//
// What leaves is also what an optimizer takes: gradients in the order of their weights.
module matrix_writer #(
    parameter int TOKENS = 8,
    parameter int PORTS = 4,
    parameter int WORD = 128,
    parameter bit TRAINING = 1'b0  // whether there are sums
) (
    input  logic                       clk,
    input  logic                       reset,
    input  logic [     PORTS*WORD-1:0] row,
    input  engine_types::row_place_t   row_place,
    input  logic                       row_valid,
    output logic                       row_ready,
    input  logic [           WORD-1:0] sums,       // of the next row group that has some
    input  logic                       sums_valid,
    output logic                       sums_ready,
    output logic [     PORTS*WORD-1:0] word,
    output logic [          PORTS-1:0] word_valid,
    input  logic [          PORTS-1:0] word_ready
);
  localparam int ROW = $clog2(TOKENS);
  localparam int WHO = $clog2(PORTS);

  logic [PORTS-1:0] room;
  logic with_sums;                   // the row that comes is the last of a row group with sums
  assign with_sums = TRAINING && row_place.sums && row_place.ends;
  assign row_ready = room[row_place.port[WHO-1:0]] && (!with_sums || sums_valid);
  assign sums_ready = row_valid && row_ready && with_sums;

  generate
    for (genvar p = 0; p < PORTS; p++) begin : ports
      logic [1:0] full;              // a piece is whole
      logic side, from;              // that is written, that leaves
      logic [1:0] summed;            // its sums come first
      logic [7:0] sizes;             // words of a row, of both
      logic [7:0] counts;            // rows
      logic [ROW-1:0] at;
      logic [WHO-1:0] column;
      logic take, leave, row_ends, piece_ends, sum_leaves;
      logic [WORD-1:0] sum;
      logic [3:0] size, count;
      assign room[p] = !full[side];
      assign take = row_valid && row_ready && row_place.port[WHO-1:0] == WHO'(p);
      assign word_valid[p] = full[from];
      assign leave = word_valid[p] && word_ready[p];
      assign size = from ? sizes[7:4] : sizes[3:0];
      assign count = from ? counts[7:4] : counts[3:0];
      assign row_ends = at == ROW'(TOKENS - 1);
      assign piece_ends = row_ends && 4'(column) + 4'd1 == size;

      logic [PORTS*WORD-1:0] read;
      for (genvar c = 0; c < PORTS; c++) begin : columns
        (* ram_style = "distributed" *) logic [WORD-1:0] memory[2*TOKENS];
        always_ff @(posedge clk)
          if (take) memory[{side, row_place.row[ROW-1:0]}] <= row[WORD*c+:WORD];
        assign read[WORD*c+:WORD] = memory[{from, at}];
      end
      assign sum_leaves = TRAINING && summed[from];
      assign word[WORD*p+:WORD] = sum_leaves ? sum
          : read[WORD*column+:WORD] & {WORD{4'(at) < count}};
      if (TRAINING) begin : training
        (* ram_style = "distributed" *) logic [WORD-1:0] sum_memory[2];
        always_ff @(posedge clk) if (take && row_place.ends) sum_memory[side] <= sums;
        assign sum = sum_memory[from];
      end else begin : inference
        assign sum = '0;
      end

      always_ff @(posedge clk) begin
        if (take && row_place.ends) begin
          full[side] <= 1'b1;
          side <= !side;
          summed[side] <= with_sums;
          if (side) sizes[7:4] <= row_place.words;
          else sizes[3:0] <= row_place.words;
          if (side) counts[7:4] <= 4'(row_place.row) + 4'd1;
          else counts[3:0] <= 4'(row_place.row) + 4'd1;
        end
        if (leave && sum_leaves) begin
          summed[from] <= 1'b0;
        end else if (leave) begin
          at <= at + 1'b1;
          if (row_ends) column <= column + 1'b1;
          if (piece_ends) begin
            column <= '0;
            full[from] <= 1'b0;
            from <= !from;
          end
        end
        if (reset) begin
          full <= '0;
          side <= 1'b0;
          from <= 1'b0;
          at <= '0;
          column <= '0;
        end
      end
    end
  endgenerate
endmodule
