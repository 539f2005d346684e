// The host's side of a job: AXI4-Lite registers (hls/kernel.yaml), a level interrupt. README.md
// tells what each register does. A read changes nothing but which high word belongs to a low one.
module job_registers #(
    parameter int FAULTS = 19,
    parameter int ADDRESS = trivit_registers::ADDRESS,
    parameter logic [31:0] GEOMETRY = 32'd0,
    parameter int BANK_WORDS = trivit_spec::ACTIVATION_DEPTH
) (
    input  logic               clk,
    input  logic               reset,
    input  logic [ADDRESS-1:0] awaddr,
    input  logic               awvalid,
    output logic               awready,
    input  logic [       31:0] wdata,
    input  logic [        3:0] wstrb,
    input  logic               wvalid,
    output logic               wready,
    output logic [        1:0] bresp,
    output logic               bvalid,
    input  logic               bready,
    input  logic [ADDRESS-1:0] araddr,
    input  logic               arvalid,
    output logic               arready,
    output logic [       31:0] rdata,
    output logic [        1:0] rresp,
    output logic               rvalid,
    input  logic               rready,
    output logic               interrupt,
    // The accelerator's job, addresses in words of 16 bytes
    output logic [       35:0] job_program,
    output logic [       22:0] job_commands,
    output logic [       23:0] job_reports,
    output logic [       35:0] job_params,
    output logic [       35:0] job_input,
    output logic [       35:0] job_output,
    output logic [       35:0] job_log,
    output logic               job_valid,
    input  logic               job_ready,
    output logic               job_abort,
    input  logic               job_done,
    input  logic [       47:0] job_cycle,
    input  logic [   FAULTS:0] error,
    input  logic [       10:0] error_tag
);
  localparam int GMEMS = (FAULTS - 9) / 2;
  localparam logic [1:0] OKAY = 2'd0;
  localparam logic [1:0] SLVERR = 2'd2;

  // A job as the host wrote it
  localparam int REGIONS = 5;  // program, params, input, output, log
  logic [63:0] region[REGIONS];
  logic [31:0] commands, reports;
  logic [REGIONS-1:0] outside;  // not a word's address, or more than the 40 bits that there are
  always_comb
    for (int r = 0; r < REGIONS; r++)
      outside[r] = region[r][63:40] != '0 || region[r][3:0] != '0;
  logic [7:0] refusal;  // code of a job that cannot begin
  always_comb begin
    refusal = '0;
    if (commands == '0 || commands[31:23] != '0 || reports[31:24] != '0)
      refusal = 8'(trivit_spec::ERROR_PROGRAM_LENGTH);
    if (outside != '0) refusal = 8'(trivit_spec::ERROR_MEMORY_ADDRESS);
  end

  // Writes: an address and a word that are here are taken together.
  logic [ADDRESS-1:0] to;
  logic [31:0] word, written;
  logic [3:0] bytes;
  logic has_address, has_word, write, writable;
  assign awready = !has_address;
  assign wready = !has_word;
  assign write = has_address && has_word && (!bvalid || bready);
  always_comb
    for (int b = 0; b < 4; b++) written[8*b+:8] = bytes[b] ? word[8*b+:8] : 8'd0;
  function automatic logic [31:0] merged(input logic [31:0] held);
    for (int b = 0; b < 4; b++) merged[8*b+:8] = bytes[b] ? word[8*b+:8] : held[8*b+:8];
  endfunction

  logic enabled, busy, done, overrun, gave_up, ends;
  logic [1:0] wanted, pending;  // interrupts: done, error
  logic [7:0] code, ended_code;
  logic [10:0] tag;
  logic [2*GMEMS-1:0] faults;
  logic [47:0] took;
  logic [63:0] cycles;

  // How the accelerator's job ended
  always_comb begin
    ended_code = '0;
    if (error[FAULTS]) ended_code = 8'(trivit_spec::ERROR_ABORTED);
    if (error[FAULTS-1]) ended_code = 8'(trivit_spec::ERROR_REPORT_COUNT);
    for (int g = GMEMS - 1; g >= 0; g--) begin
      if (error[9+2*g]) ended_code = 8'(trivit_spec::ERROR_WRITE_RESPONSE);
      if (error[8+2*g]) ended_code = 8'(trivit_spec::ERROR_READ_RESPONSE);
    end
    if (error[7:0] != '0) ended_code = error[7:0];
    if (gave_up) ended_code = 8'(trivit_spec::ERROR_ABORTED);
  end

  logic to_control, start;
  assign to_control = write && {to[ADDRESS-1:2], 2'b0} == trivit_registers::CONTROL;
  assign start = to_control && written[trivit_registers::CONTROL_START]
      && !written[trivit_registers::CONTROL_ABORT];
  assign gave_up = job_abort && job_valid;  // before it began
  assign ends = job_done || gave_up;

  always_comb begin
    writable = 1'b1;
    case ({to[ADDRESS-1:2], 2'b0})
      trivit_registers::CONTROL, trivit_registers::GIER, trivit_registers::IER,
      trivit_registers::ISR, trivit_registers::COMMANDS, trivit_registers::REPORTS,
      trivit_registers::PROGRAM_LOW, trivit_registers::PROGRAM_HIGH, trivit_registers::PARAMS_LOW,
      trivit_registers::PARAMS_HIGH, trivit_registers::INPUT_LOW, trivit_registers::INPUT_HIGH,
      trivit_registers::OUTPUT_LOW, trivit_registers::OUTPUT_HIGH, trivit_registers::LOG_LOW,
      trivit_registers::LOG_HIGH: ;
      default: writable = 1'b0;
    endcase
  end

  always_ff @(posedge clk) begin
    cycles <= cycles + 1'b1;
    job_abort <= to_control && written[trivit_registers::CONTROL_ABORT];
    interrupt <= enabled && (wanted & pending) != '0;
    if (awvalid && awready) begin
      has_address <= 1'b1;
      to <= awaddr;
    end
    if (wvalid && wready) begin
      has_word <= 1'b1;
      word <= wdata;
      bytes <= wstrb;
    end
    if (bready) bvalid <= 1'b0;
    if (write) begin
      has_address <= 1'b0;
      has_word <= 1'b0;
      bvalid <= 1'b1;
      bresp <= writable ? OKAY : SLVERR;
      case ({to[ADDRESS-1:2], 2'b0})
        trivit_registers::GIER: if (bytes[0]) enabled <= word[trivit_registers::GIER_ENABLE];
        trivit_registers::IER: if (bytes[0]) wanted <= word[1:0];
        trivit_registers::ISR: pending <= pending & ~written[1:0];
        trivit_registers::PROGRAM_LOW: region[0][31:0] <= merged(region[0][31:0]);
        trivit_registers::PROGRAM_HIGH: region[0][63:32] <= merged(region[0][63:32]);
        trivit_registers::PARAMS_LOW: region[1][31:0] <= merged(region[1][31:0]);
        trivit_registers::PARAMS_HIGH: region[1][63:32] <= merged(region[1][63:32]);
        trivit_registers::INPUT_LOW: region[2][31:0] <= merged(region[2][31:0]);
        trivit_registers::INPUT_HIGH: region[2][63:32] <= merged(region[2][63:32]);
        trivit_registers::OUTPUT_LOW: region[3][31:0] <= merged(region[3][31:0]);
        trivit_registers::OUTPUT_HIGH: region[3][63:32] <= merged(region[3][63:32]);
        trivit_registers::LOG_LOW: region[4][31:0] <= merged(region[4][31:0]);
        trivit_registers::LOG_HIGH: region[4][63:32] <= merged(region[4][63:32]);
        trivit_registers::COMMANDS: commands <= merged(commands);
        trivit_registers::REPORTS: reports <= merged(reports);
        default: ;
      endcase
    end
    // What happens in the same cycle as the host's clearing stays pending.
    if (start && busy) overrun <= 1'b1;
    if (start && !busy) begin
      overrun <= 1'b0;
      code <= refusal;
      tag <= '0;
      faults <= '0;
      took <= '0;
      busy <= refusal == '0;
      done <= refusal != '0;
      job_valid <= refusal == '0;
      if (refusal != '0) pending <= 2'b11;
    end
    if (job_valid && (job_ready || job_abort)) job_valid <= 1'b0;
    if (ends) begin
      busy <= 1'b0;
      done <= 1'b1;
      code <= ended_code;
      tag <= gave_up ? '0 : error_tag;
      faults <= gave_up ? '0 : error[8+:2*GMEMS];
      took <= gave_up ? '0 : job_cycle;
      pending <= pending | {ended_code != '0, 1'b1};
    end
    if (reset) begin
      cycles <= '0;
      has_address <= 1'b0;
      has_word <= 1'b0;
      bvalid <= 1'b0;
      enabled <= 1'b0;
      wanted <= '0;
      pending <= '0;
      interrupt <= 1'b0;
      busy <= 1'b0;
      done <= 1'b0;
      overrun <= 1'b0;
      job_valid <= 1'b0;
      job_abort <= 1'b0;
      code <= '0;
      tag <= '0;
      faults <= '0;
      took <= '0;
      commands <= '0;
      reports <= '0;
      for (int r = 0; r < REGIONS; r++) region[r] <= '0;
    end
  end

  // The job is taken when it begins, so what is written behind `start` is for the next one.
  always_ff @(posedge clk)
    if (start && !busy) begin
      job_program <= region[0][39:4];
      job_params <= region[1][39:4];
      job_input <= region[2][39:4];
      job_output <= region[3][39:4];
      job_log <= region[4][39:4];
      job_commands <= commands[22:0];
      job_reports <= reports[23:0];
    end

  // Reads; the low word of a count keeps its high one.
  logic [31:0] high;
  assign arready = !rvalid || rready;
  always_ff @(posedge clk) begin
    if (arvalid && arready) begin
      rdata <= '0;
      rresp <= OKAY;
      case ({araddr[ADDRESS-1:2], 2'b0})
        trivit_registers::CONTROL: begin
          rdata[trivit_registers::CONTROL_START] <= busy;
          rdata[trivit_registers::CONTROL_DONE] <= done;
          rdata[trivit_registers::CONTROL_IDLE] <= !busy;
          rdata[trivit_registers::CONTROL_OVERRUN] <= overrun;
          rdata[trivit_registers::CONTROL_INTERRUPT] <= interrupt;
        end
        trivit_registers::GIER: rdata[trivit_registers::GIER_ENABLE] <= enabled;
        trivit_registers::IER: rdata[1:0] <= wanted;
        trivit_registers::ISR: rdata[1:0] <= pending;
        trivit_registers::STATUS: begin
          rdata[trivit_registers::STATUS_CODE+:8] <= code;
          rdata[trivit_registers::STATUS_TAG+:11] <= tag;
        end
        trivit_registers::FAULTS: rdata[2*GMEMS-1:0] <= faults;
        trivit_registers::VERSION: rdata <= 32'(trivit_spec::KERNEL_VERSION);
        trivit_registers::GEOMETRY: rdata <= GEOMETRY;
        trivit_registers::CLOCK_KHZ: rdata <= 32'(trivit_spec::CLOCK_MHZ * 1000);
        trivit_registers::BANK_WORDS: rdata <= 32'(BANK_WORDS);
        trivit_registers::CYCLES_LOW: {high, rdata} <= cycles;
        trivit_registers::JOB_CYCLES_LOW: {high, rdata} <= 64'(took);
        trivit_registers::CYCLES_HIGH, trivit_registers::JOB_CYCLES_HIGH: rdata <= high;
        trivit_registers::PROGRAM_LOW: rdata <= region[0][31:0];
        trivit_registers::PROGRAM_HIGH: rdata <= region[0][63:32];
        trivit_registers::PARAMS_LOW: rdata <= region[1][31:0];
        trivit_registers::PARAMS_HIGH: rdata <= region[1][63:32];
        trivit_registers::INPUT_LOW: rdata <= region[2][31:0];
        trivit_registers::INPUT_HIGH: rdata <= region[2][63:32];
        trivit_registers::OUTPUT_LOW: rdata <= region[3][31:0];
        trivit_registers::OUTPUT_HIGH: rdata <= region[3][63:32];
        trivit_registers::LOG_LOW: rdata <= region[4][31:0];
        trivit_registers::LOG_HIGH: rdata <= region[4][63:32];
        trivit_registers::COMMANDS: rdata <= commands;
        trivit_registers::REPORTS: rdata <= reports;
        default: rresp <= SLVERR;
      endcase
    end
    rvalid <= (arvalid && arready) || (rvalid && !rready);
    if (reset) rvalid <= 1'b0;
  end
endmodule
