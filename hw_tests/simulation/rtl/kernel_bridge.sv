// Runs the compiled C++ kernel behind ap_ctrl_hs. The kernel takes no simulated time between its
// memory requests: it runs inside trivit_start and trivit_complete until it asks for memory or ends.
module kernel_bridge #(
    parameter int NUM_PORTS = 5
) (
    input  logic                  clk,
    input  logic                  reset,

    input  logic                  ap_start,
    output logic                  ap_done,
    output logic                  ap_ready,
    output logic                  ap_idle,
    output logic [31:0]           ap_return,

    input  logic [63:0]           program_pointer,
    input  logic [63:0]           params_pointer0,
    input  logic [63:0]           params_pointer1,
    input  logic [63:0]           params_pointer2,
    input  logic [63:0]           params_pointer3,
    input  logic [63:0]           input_pointer0,
    input  logic [63:0]           input_pointer1,
    input  logic [63:0]           input_pointer2,
    input  logic [63:0]           input_pointer3,
    input  logic [63:0]           output_pointer,
    input  logic [63:0]           stats_pointer,
    input  logic [31:0]           num_instructions,
    input  logic [31:0]           num_images,
    input  logic [31:0]           params_words,
    input  logic [31:0]           input_words,
    input  logic [31:0]           output_words,

    output logic [NUM_PORTS-1:0]  request_valid,
    output logic                  request_write,
    output logic [63:0]           request_address,
    output logic [31:0]           request_beats,
    input  logic [NUM_PORTS-1:0]  request_ready,
    input  logic [NUM_PORTS-1:0]  done,
    input  logic [NUM_PORTS-1:0]  error,
    input  logic [NUM_PORTS-1:0]  read_valid,
    input  logic [127:0]          read_data[NUM_PORTS],
    output logic                  write_valid,
    output logic [127:0]          write_data,
    input  logic [NUM_PORTS-1:0]  write_ready
);
  import "DPI-C" function void trivit_reset();
  import "DPI-C" function void trivit_start(
      input longint unsigned program_pointer, input longint unsigned params_pointer0,
      input longint unsigned params_pointer1, input longint unsigned params_pointer2,
      input longint unsigned params_pointer3, input longint unsigned input_pointer0,
      input longint unsigned input_pointer1, input longint unsigned input_pointer2,
      input longint unsigned input_pointer3, input longint unsigned output_pointer,
      input longint unsigned stats_pointer, input int unsigned num_instructions,
      input int unsigned num_images, input int unsigned params_words,
      input int unsigned input_words, input int unsigned output_words);
  // 1 and the request while the kernel waits for memory, else 0.
  import "DPI-C" function int unsigned trivit_request(
      output int unsigned port, output int unsigned is_write, output longint unsigned address,
      output int unsigned beats);
  import "DPI-C" function void trivit_put_read(input bit [127:0] data);
  import "DPI-C" function void trivit_get_write(output bit [127:0] data);
  import "DPI-C" function void trivit_complete();
  import "DPI-C" function int unsigned trivit_result();

  typedef enum logic [1:0] {IDLE, ASK, WAIT, FINISH} state_t;
  state_t state;
  logic [31:0] write_left;
  logic bus_error;                       // sticky until the next reset; read by the test bench
  int unsigned port, is_write, beats;
  longint unsigned address;
  bit [127:0] word;

  assign ap_idle = state == IDLE && !ap_start;
  assign ap_done = state == FINISH;
  assign ap_ready = state == FINISH;

  always_ff @(posedge clk) begin
    if (reset) begin
      trivit_reset();
      state         <= IDLE;
      request_valid <= '0;
      write_valid   <= 1'b0;
      write_left    <= '0;
      bus_error     <= 1'b0;
      ap_return     <= '0;
    end else begin
      case (state)
        IDLE: if (ap_start) begin
          trivit_start(program_pointer, params_pointer0, params_pointer1, params_pointer2,
                       params_pointer3, input_pointer0, input_pointer1, input_pointer2,
                       input_pointer3, output_pointer, stats_pointer, num_instructions,
                       num_images, params_words, input_words, output_words);
          state <= ASK;
        end
        ASK: begin
          if (trivit_request(port, is_write, address, beats) != 0) begin
            request_valid   <= NUM_PORTS'(1) << port;
            request_write   <= is_write != 0;
            request_address <= address;
            request_beats   <= beats;
            if (is_write != 0) begin
              trivit_get_write(word);
              write_data  <= word;
              write_valid <= 1'b1;
              write_left  <= beats - 1;
            end
            state <= WAIT;
          end else begin
            ap_return <= trivit_result();
            state     <= FINISH;
          end
        end
        WAIT: begin
          if ((request_valid & request_ready) != 0) request_valid <= '0;
          if ((write_ready & {NUM_PORTS{write_valid}}) != 0) begin
            if (write_left != 0) begin
              trivit_get_write(word);
              write_data <= word;
              write_left <= write_left - 1;
            end else begin
              write_valid <= 1'b0;
            end
          end
          for (int i = 0; i < NUM_PORTS; i++) if (read_valid[i]) trivit_put_read(read_data[i]);
          if (done != 0) begin
            if ((done & error) != 0) bus_error <= 1'b1;
            trivit_complete();
            state <= ASK;
          end
        end
        FINISH: state <= IDLE;
        default: state <= IDLE;
      endcase
    end
  end
endmodule
