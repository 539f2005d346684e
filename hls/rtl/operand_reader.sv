// Brings depth words from port A of the banks to the array, skewed as the array wants them: element
// (t, f) t + f + 3 cycles after its request. Bank b is asked b cycles after bank 0, lane l of its
// word waits l cycles more. A transposed operand exchanges banks and lanes: wiring, because an
// address of all banks is a block of TOKENS x DEPTH elements and both are equal.
module operand_reader #(
    parameter int TOKENS = 8,
    parameter int DEPTH = 8,
    parameter int ADDRESS_BITS = 14
) (
    input  logic                                clk,
    input  logic [        ADDRESS_BITS-1:0]     address,
    input  logic                                transposed,
    input  logic [                     3:0]     banks,      // that count; others give zero
    output logic [ TOKENS*ADDRESS_BITS-1:0]     bank_address,
    input  logic [     TOKENS*DEPTH*16-1:0]     bank_data,
    output logic [     TOKENS*DEPTH*16-1:0]     operand
);
  localparam int STEPS = TOKENS + DEPTH - 1;
  localparam int READ = 2;  // cycles of a bank

  logic [TOKENS-1:0][ADDRESS_BITS-1:0] addresses;
  logic [TOKENS+READ-1:0][3:0] held;
  logic [STEPS+READ-1:0] swap;
  assign addresses[0] = address;
  assign held[0] = banks;
  assign swap[0] = transposed;
  always_ff @(posedge clk) begin
    addresses[TOKENS-1:1] <= addresses[TOKENS-2:0];
    held[TOKENS+READ-1:1] <= held[TOKENS+READ-2:0];
    swap[STEPS+READ-1:1] <= swap[STEPS+READ-2:0];
  end
  assign bank_address = addresses;

  logic [TOKENS*DEPTH*16-1:0] skewed;
  generate
    for (genvar b = 0; b < TOKENS; b++) begin : bank
      logic filled;
      assign filled = 4'(b) < held[b+READ];
      for (genvar l = 0; l < DEPTH; l++) begin : lane
        delay #(
            .WIDTH(16),
            .CYCLES(l)
        ) skew (
            .clk,
            .reset(1'b0),
            .value(bank_data[16*(DEPTH*b+l)+:16] & {16{filled}}),
            .delayed(skewed[16*(DEPTH*b+l)+:16])
        );
      end
    end
    for (genvar t = 0; t < TOKENS; t++) begin : row
      for (genvar f = 0; f < DEPTH; f++) begin : element
        always_ff @(posedge clk)
          operand[16*(DEPTH*t+f)+:16] <= swap[t+f+READ] ? skewed[16*(DEPTH*f+t)+:16]
                                                        : skewed[16*(DEPTH*t+f)+:16];
      end
    end
  endgenerate
endmodule
