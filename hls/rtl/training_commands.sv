// Hands out the commands of units from number FIRST on, which the sequencer sends together: to blocks
// of training if they are there. An end command goes to all of them, commands of AdamW to the block of
// the update, whichever that is. One of a unit that is not there is refused, and nothing is taken any
// more.
module training_commands #(
    parameter bit TRAINING = 1'b0,
    parameter int FIRST = trivit_commands::UNIT_GELU_BACKWARD,
    parameter int BLOCKS = trivit_commands::UNIT_UPDATE - trivit_commands::UNIT_GELU_BACKWARD + 1
) (
    input  logic              clk,
    input  logic              reset,
    input  logic [     255:0] in_data,
    input  logic              in_valid,
    output logic              in_ready,
    output logic [     255:0] out_data,    // of all
    output logic [BLOCKS-1:0] out_valid,
    input  logic [BLOCKS-1:0] out_ready,
    output logic              refused,
    output logic [      10:0] refused_tag
);
  trivit_commands::gelu_backward_command_t next;  // its header is that of all
  assign next = in_data;
  logic [BLOCKS-1:0] wanted;
  logic take, known;
  always_comb
    for (int b = 0; b < BLOCKS; b++)
      wanted[b] = TRAINING
                  && (next.last || next.unit == 5'(FIRST + b)
                      || (b == BLOCKS - 1 && next.unit > 5'(FIRST + b)
                          && next.unit < 5'(trivit_commands::UNITS)));
  assign known = next.last || wanted != '0;
  assign in_ready = !refused && (out_valid & ~out_ready) == '0;
  assign take = in_valid && in_ready;
  generate
    if (TRAINING) begin : hands_out
      always_ff @(posedge clk) begin
        out_valid <= reset ? '0 : take ? wanted : out_valid & ~out_ready;
        if (take) out_data <= in_data;
      end
    end else begin : none
      assign out_valid = '0;
      assign out_data = '0;
    end
  endgenerate
  always_ff @(posedge clk) begin
    if (take && !known) begin
      refused <= 1'b1;
      refused_tag <= next.tag;
    end
    if (reset) refused <= 1'b0;
  end
endmodule
