// AXI4-Lite register file with ap_ctrl_hs control, behaving as the one that Vitis HLS emits for the
// kernel's s_axilite ports (vivado flow). Offsets come from the kernel description.
module control_s_axi #(
    parameter int ADDR_WIDTH = 8
) (
    input  logic                  clk,
    input  logic                  reset,

    input  logic [ADDR_WIDTH-1:0] awaddr,
    input  logic                  awvalid,
    output logic                  awready,
    input  logic [31:0]           wdata,
    input  logic [3:0]            wstrb,
    input  logic                  wvalid,
    output logic                  wready,
    output logic [1:0]            bresp,
    output logic                  bvalid,
    input  logic                  bready,
    input  logic [ADDR_WIDTH-1:0] araddr,
    input  logic                  arvalid,
    output logic                  arready,
    output logic [31:0]           rdata,
    output logic [1:0]            rresp,
    output logic                  rvalid,
    input  logic                  rready,

    output logic                  interrupt,
    output logic                  ap_start,
    input  logic                  ap_done,
    input  logic                  ap_ready,
    input  logic                  ap_idle,
    input  logic [31:0]           ap_return,

    output logic [63:0]           program_pointer,
    output logic [63:0]           params_pointer0,
    output logic [63:0]           params_pointer1,
    output logic [63:0]           params_pointer2,
    output logic [63:0]           params_pointer3,
    output logic [63:0]           input_pointer0,
    output logic [63:0]           input_pointer1,
    output logic [63:0]           input_pointer2,
    output logic [63:0]           input_pointer3,
    output logic [63:0]           output_pointer,
    output logic [63:0]           stats_pointer,
    output logic [31:0]           num_instructions,
    output logic [31:0]           num_images,
    output logic [31:0]           params_words,
    output logic [31:0]           input_words,
    output logic [31:0]           output_words
);
  `include "emulator_registers.svh"

  if (int'(ADDR_OUTPUT_WORDS) >= 1 << ADDR_WIDTH) begin : gen_bad_width
    $fatal(1, "ADDR_WIDTH is too small for the register map");
  end

  localparam int NUM_WORDS = 1 << (ADDR_WIDTH - 2);

  // Arguments are kept by word address; the gaps between them read as zero.
  function automatic logic is_argument(input logic [7:0] address);
    case (address)
      ADDR_PROGRAM, ADDR_PROGRAM_HIGH, ADDR_PARAMS0, ADDR_PARAMS0_HIGH, ADDR_PARAMS1,
      ADDR_PARAMS1_HIGH, ADDR_PARAMS2, ADDR_PARAMS2_HIGH, ADDR_PARAMS3, ADDR_PARAMS3_HIGH,
      ADDR_INPUT0, ADDR_INPUT0_HIGH, ADDR_INPUT1, ADDR_INPUT1_HIGH, ADDR_INPUT2, ADDR_INPUT2_HIGH,
      ADDR_INPUT3, ADDR_INPUT3_HIGH, ADDR_OUTPUT, ADDR_OUTPUT_HIGH, ADDR_STATS, ADDR_STATS_HIGH,
      ADDR_NUM_INSTRUCTIONS, ADDR_NUM_IMAGES, ADDR_PARAMS_WORDS, ADDR_INPUT_WORDS,
      ADDR_OUTPUT_WORDS:
      return 1'b1;
      default: return 1'b0;
    endcase
  endfunction

  function automatic int word_of(input logic [7:0] address);
    return int'(address) >> 2;
  endfunction

  logic [31:0] arguments[NUM_WORDS];

  assign program_pointer = {arguments[word_of(ADDR_PROGRAM_HIGH)], arguments[word_of(ADDR_PROGRAM)]};
  assign params_pointer0 = {arguments[word_of(ADDR_PARAMS0_HIGH)], arguments[word_of(ADDR_PARAMS0)]};
  assign params_pointer1 = {arguments[word_of(ADDR_PARAMS1_HIGH)], arguments[word_of(ADDR_PARAMS1)]};
  assign params_pointer2 = {arguments[word_of(ADDR_PARAMS2_HIGH)], arguments[word_of(ADDR_PARAMS2)]};
  assign params_pointer3 = {arguments[word_of(ADDR_PARAMS3_HIGH)], arguments[word_of(ADDR_PARAMS3)]};
  assign input_pointer0 = {arguments[word_of(ADDR_INPUT0_HIGH)], arguments[word_of(ADDR_INPUT0)]};
  assign input_pointer1 = {arguments[word_of(ADDR_INPUT1_HIGH)], arguments[word_of(ADDR_INPUT1)]};
  assign input_pointer2 = {arguments[word_of(ADDR_INPUT2_HIGH)], arguments[word_of(ADDR_INPUT2)]};
  assign input_pointer3 = {arguments[word_of(ADDR_INPUT3_HIGH)], arguments[word_of(ADDR_INPUT3)]};
  assign output_pointer = {arguments[word_of(ADDR_OUTPUT_HIGH)], arguments[word_of(ADDR_OUTPUT)]};
  assign stats_pointer = {arguments[word_of(ADDR_STATS_HIGH)], arguments[word_of(ADDR_STATS)]};
  assign num_instructions = arguments[word_of(ADDR_NUM_INSTRUCTIONS)];
  assign num_images = arguments[word_of(ADDR_NUM_IMAGES)];
  assign params_words = arguments[word_of(ADDR_PARAMS_WORDS)];
  assign input_words = arguments[word_of(ADDR_INPUT_WORDS)];
  assign output_words = arguments[word_of(ADDR_OUTPUT_WORDS)];

  // ---- write channel: address, then data, then response
  typedef enum logic [1:0] {WRITE_IDLE, WRITE_DATA, WRITE_RESPONSE} write_state_t;
  write_state_t write_state;
  logic [7:0] write_address;
  logic [31:0] write_mask;
  logic write_now;

  assign awready = write_state == WRITE_IDLE && !reset;
  assign wready = write_state == WRITE_DATA;
  assign bvalid = write_state == WRITE_RESPONSE;
  assign bresp = 2'b00;
  assign write_now = wvalid && wready;
  assign write_mask = {{8{wstrb[3]}}, {8{wstrb[2]}}, {8{wstrb[1]}}, {8{wstrb[0]}}};

  always_ff @(posedge clk) begin
    if (reset) begin
      write_state   <= WRITE_IDLE;
      write_address <= '0;
    end else begin
      case (write_state)
        WRITE_IDLE: if (awvalid) begin
          write_state   <= WRITE_DATA;
          write_address <= 8'({awaddr[ADDR_WIDTH-1:2], 2'b00});
        end
        WRITE_DATA: if (wvalid) write_state <= WRITE_RESPONSE;
        WRITE_RESPONSE: if (bready) write_state <= WRITE_IDLE;
        default: write_state <= WRITE_IDLE;
      endcase
    end
  end

  // A write of the lowest byte of a control register.
  function automatic logic writes(input logic now, input logic [7:0] at, input logic strobe,
                                  input logic [7:0] address);
    return now && strobe && at == address;
  endfunction

  // ---- read channel
  typedef enum logic {READ_IDLE, READ_DATA} read_state_t;
  read_state_t read_state;
  logic [7:0] read_address;
  logic read_now;

  assign arready = read_state == READ_IDLE && !reset;
  assign rvalid = read_state == READ_DATA;
  assign rresp = 2'b00;
  assign read_now = arvalid && arready;
  assign read_address = 8'({araddr[ADDR_WIDTH-1:2], 2'b00});

  // ---- control state
  logic auto_restart, auto_restart_seen, done, ready, idle, global_enable;
  logic [1:0] interrupt_enable, interrupt_status;
  logic [31:0] status;
  logic task_done, task_ready;

  // Under auto restart, done and ready are reported once, when the kernel comes to rest.
  assign task_done = (ap_done && !auto_restart_seen) || (auto_restart_seen && ap_idle && !idle);
  assign task_ready = ap_ready && !auto_restart;

  always_ff @(posedge clk) begin
    if (reset) begin
      read_state <= READ_IDLE;
      rdata      <= '0;
    end else begin
      case (read_state)
        READ_IDLE: if (arvalid) begin
          read_state <= READ_DATA;
          rdata      <= '0;
          case (read_address)
            ADDR_CONTROL: begin
              rdata[BIT_START]        <= ap_start;
              rdata[BIT_DONE]         <= done;
              rdata[BIT_IDLE]         <= idle;
              rdata[BIT_READY]        <= ready;
              rdata[BIT_AUTO_RESTART] <= auto_restart;
              rdata[BIT_INTERRUPT]    <= interrupt;
            end
            ADDR_GIER:   rdata[0] <= global_enable;
            ADDR_IER:    rdata[1:0] <= interrupt_enable;
            ADDR_ISR:    rdata[1:0] <= interrupt_status;
            ADDR_STATUS: rdata <= status;
            default:     if (is_argument(read_address)) rdata <= arguments[word_of(read_address)];
          endcase
        end
        READ_DATA: if (rready) read_state <= READ_IDLE;
        default: read_state <= READ_IDLE;
      endcase
    end
  end

  always_ff @(posedge clk) begin
    if (reset) begin
      ap_start          <= 1'b0;
      auto_restart      <= 1'b0;
      auto_restart_seen <= 1'b0;
      done              <= 1'b0;
      ready             <= 1'b0;
      idle              <= 1'b0;
      global_enable     <= 1'b0;
      interrupt_enable  <= '0;
      interrupt_status  <= '0;
      interrupt         <= 1'b0;
      status            <= '0;
      for (int i = 0; i < NUM_WORDS; i++) arguments[i] <= '0;
    end else begin
      idle      <= ap_idle;
      interrupt <= global_enable && (|interrupt_status);
      if (ap_done) status <= ap_return;

      if (writes(write_now, write_address, wstrb[0], ADDR_CONTROL)) begin
        auto_restart <= wdata[BIT_AUTO_RESTART];
      end
      if (writes(write_now, write_address, wstrb[0], ADDR_CONTROL) && wdata[BIT_START]) begin
        ap_start <= 1'b1;
      end else if (ap_ready) begin
        ap_start <= auto_restart;
      end

      if (auto_restart) auto_restart_seen <= 1'b1;
      else if (ap_idle) auto_restart_seen <= 1'b0;

      // Setting wins over clear on read, so that no completion is lost.
      if (task_done) done <= 1'b1;
      else if (read_now && read_address == ADDR_CONTROL) done <= 1'b0;
      if (task_ready) ready <= 1'b1;
      else if (read_now && read_address == ADDR_CONTROL) ready <= 1'b0;

      if (writes(write_now, write_address, wstrb[0], ADDR_GIER)) global_enable <= wdata[0];
      if (writes(write_now, write_address, wstrb[0], ADDR_IER)) interrupt_enable <= wdata[1:0];

      if (interrupt_enable[0] && ap_done) interrupt_status[0] <= 1'b1;
      else if (writes(write_now, write_address, wstrb[0], ADDR_ISR))
        interrupt_status[0] <= interrupt_status[0] ^ wdata[0];
      if (interrupt_enable[1] && ap_ready) interrupt_status[1] <= 1'b1;
      else if (writes(write_now, write_address, wstrb[0], ADDR_ISR))
        interrupt_status[1] <= interrupt_status[1] ^ wdata[1];

      if (write_now && is_argument(write_address)) begin
        arguments[word_of(write_address)] <=
            (wdata & write_mask) | (arguments[word_of(write_address)] & ~write_mask);
      end
    end
  end
endmodule
