// Stands for what Vitis HLS makes of the block gelu, to prove that Verilog can take a block's place:
// the same ports and integers, another pipeline (one row in two clocks), a table in a file beside it.
module trivit_gelu (
    input  logic         ap_clk,
    input  logic         ap_rst_n,
    input  logic [255:0] commands_TDATA,
    input  logic         commands_TVALID,
    output logic         commands_TREADY,
    input  logic [511:0] rows_TDATA,
    input  logic         rows_TVALID,
    output logic         rows_TREADY,
    output logic [511:0] results_TDATA,
    output logic         results_TVALID,
    input  logic         results_TREADY,
    output logic [ 63:0] reports_TDATA,
    output logic         reports_TVALID,
    input  logic         reports_TREADY
);
  localparam int COLUMNS = 32;

  logic [31:0] table_words[1024];  // 17:0 the function, 31:18 its slope
  initial $readmemh("./trivit_gelu_table.dat", table_words);

  // Saturated, and the int16 result.
  function automatic logic [16:0] lane(input logic signed [15:0] x, input logic [3:0] in_frac,
                                       input logic [4:0] out_frac);
    logic [15:0] magnitude;
    logic [30:0] at_15;
    logic [31:0] step;
    logic signed [63:0] delta, exact, floor, rest, half;
    logic signed [13:0] slope;
    int shift;
    magnitude = x < 0 ? -x : x;
    at_15 = 31'(magnitude) << (4'd15 - in_frac);
    step = table_words[at_15[17:8]];
    slope = step[31:18];
    delta = (64'(step[17:0]) << 8) + 64'(slope) * $signed({56'b0, at_15[7:0]});
    if (at_15 >= 31'd1 << 18) delta = '0;
    exact = (x < 0 ? 64'sd0 : 64'(x) <<< (28 - in_frac)) - delta;
    shift = 28 - int'(out_frac);
    floor = exact >>> shift;
    rest = exact - (floor <<< shift);
    half = 64'sd1 <<< (shift - 1);
    if (rest > half || (rest == half && floor[0])) floor += 1;
    if (floor > 32767) return {1'b1, 16'h7FFF};
    if (floor < -32768) return {1'b1, 16'h8000};
    return {1'b0, floor[15:0]};
  endfunction

  trivit_commands::gelu_command_t command;
  logic active;       // rows of `command` are still to come
  logic [23:0] left;  // of them
  logic [31:0] saturated;

  // Everything that was given must be taken before something follows.
  logic free;
  assign free = ap_rst_n && !results_TVALID && !reports_TVALID;
  assign commands_TREADY = free && !active;
  assign rows_TREADY = free && active;

  trivit_commands::gelu_command_t given;
  assign given = commands_TDATA;
  logic [511:0] result;
  logic [5:0] clamped;
  always_comb begin
    clamped = '0;
    for (int c = 0; c < COLUMNS; c++) begin
      logic overflow;
      {overflow, result[16*c+:16]} = lane(rows_TDATA[16*c+:16], command.in_frac, command.out_frac);
      clamped += 6'(overflow);
    end
  end

  always_ff @(posedge ap_clk) begin
    if (results_TREADY) results_TVALID <= 1'b0;
    if (reports_TREADY) reports_TVALID <= 1'b0;
    if (commands_TVALID && commands_TREADY) begin
      command <= given;
      left <= given.tile_rows;
      saturated <= '0;
      active <= !given.last;
      if (given.last) begin
        reports_TDATA <= 64'd1 << 63;
        reports_TVALID <= 1'b1;
      end
    end
    if (rows_TVALID && rows_TREADY) begin
      results_TDATA <= result;
      results_TVALID <= 1'b1;
      saturated <= saturated + 32'(clamped);
      left <= left - 1'b1;
      if (left == 24'd1) begin
        active <= 1'b0;
        reports_TDATA <= {21'b0, command.tag, saturated + 32'(clamped)};
        reports_TVALID <= 1'b1;
      end
    end
    if (!ap_rst_n) begin
      active <= 1'b0;
      results_TVALID <= 1'b0;
      reports_TVALID <= 1'b0;
    end
  end
endmodule
