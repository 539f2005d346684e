// Moves one request (an address and any number of beats, read or write) as AXI4 INCR bursts of at
// most MAX_BURST beats that never cross a 4 KiB boundary. Addresses run ahead of data by up to
// MAX_OUTSTANDING bursts; a request is done when its last beat or its last response has arrived.
module axi_master #(
    parameter int DATA_BYTES = 16,
    parameter int MAX_BURST = 64,
    parameter int MAX_OUTSTANDING = 16
) (
    input  logic                    clk,
    input  logic                    reset,

    input  logic                    request_valid,
    input  logic                    request_write,
    input  logic [63:0]             request_address,
    input  logic [31:0]             request_beats,
    output logic                    request_ready,
    output logic                    done,        // one cycle; error holds for the request
    output logic                    error,

    output logic                    read_valid,
    output logic [8*DATA_BYTES-1:0] read_data,
    input  logic                    write_valid,
    input  logic [8*DATA_BYTES-1:0] write_data,
    output logic                    write_ready,

    output logic                    awvalid,
    input  logic                    awready,
    output logic [63:0]             awaddr,
    output logic [7:0]              awlen,
    output logic                    wvalid,
    input  logic                    wready,
    output logic [8*DATA_BYTES-1:0] wdata,
    output logic                    wlast,
    input  logic                    bvalid,
    output logic                    bready,
    input  logic [1:0]              bresp,
    output logic                    arvalid,
    input  logic                    arready,
    output logic [63:0]             araddr,
    output logic [7:0]              arlen,
    input  logic                    rvalid,
    output logic                    rready,
    input  logic [8*DATA_BYTES-1:0] rdata,
    input  logic [1:0]              rresp,
    input  logic                    rlast
);
  localparam int SHIFT = $clog2(DATA_BYTES);
  localparam int PAGE_BEATS = 4096 / DATA_BYTES;
  localparam int PAGE_BITS = $clog2(PAGE_BEATS);

  if (DATA_BYTES < 1 || DATA_BYTES > 128 || (DATA_BYTES & (DATA_BYTES - 1)) != 0) begin : gen_bad_width
    $fatal(1, "DATA_BYTES must be a power of two up to 128");
  end
  if (MAX_BURST < 1 || MAX_BURST > 256) begin : gen_bad_burst
    $fatal(1, "MAX_BURST must lie in 1..256");
  end

  // Beats of the burst that starts at `address` with `left` beats still to move.
  function automatic logic [8:0] burst_beats(input logic [63:0] address, input logic [31:0] left);
    logic [31:0] beats;
    beats = 32'(PAGE_BEATS) - 32'(address[SHIFT+:PAGE_BITS]);
    if (beats > 32'(MAX_BURST)) beats = 32'(MAX_BURST);
    if (beats > left) beats = left;
    return beats[8:0];
  endfunction

  logic active, is_write;
  logic [63:0] issue_address, data_address;  // next burst to address; next burst to move
  logic [31:0] issue_left, data_left;        // beats
  logic [8:0] burst_left;                    // beats of the burst being moved
  logic [31:0] outstanding;                  // bursts addressed and not answered
  logic [31:0] data_bursts;                  // write bursts with accepted address and no data yet
  logic address_valid, address_taken, issue;
  logic [63:0] address;
  logic [7:0] length;
  logic read_beat, write_beat, response, last_beat, begin_burst;
  logic [8:0] next_burst, issue_burst;

  assign request_ready = !active;
  assign awvalid = address_valid && is_write;
  assign arvalid = address_valid && !is_write;
  assign awaddr = address;
  assign araddr = address;
  assign awlen = length;
  assign arlen = length;
  assign address_taken = is_write ? awready : arready;

  assign issue_burst = burst_beats(issue_address, issue_left);
  assign issue = active && issue_left != 0 && (!address_valid || address_taken) &&
      outstanding < 32'(MAX_OUTSTANDING);

  assign rready = active && !is_write;
  assign bready = active && is_write;
  assign read_valid = rvalid && rready;
  assign read_data = rdata;
  assign read_beat = read_valid;
  assign response = is_write ? bvalid && bready : read_beat && rlast;

  assign wvalid = write_valid && burst_left != 0 && is_write;
  assign wdata = write_data;
  assign wlast = burst_left == 1;
  assign write_ready = wready && burst_left != 0 && is_write;
  assign write_beat = wvalid && wready;

  // Data of a write burst begin once its address is accepted; reads follow the address stream.
  assign last_beat = burst_left <= 1;
  assign next_burst = burst_beats(data_address, data_left);
  assign begin_burst = active && data_left != 0 &&
      (burst_left == 0 || ((read_beat || write_beat) && last_beat)) &&
      (!is_write || data_bursts != 0);

  always_ff @(posedge clk) begin
    done <= 1'b0;
    if (reset) begin
      active        <= 1'b0;
      is_write      <= 1'b0;
      address_valid <= 1'b0;
      burst_left    <= '0;
      error         <= 1'b0;
      outstanding   <= '0;
      data_bursts   <= '0;
      issue_left    <= '0;
      data_left     <= '0;
    end else if (!active) begin
      if (request_valid && !done) begin
        active        <= 1'b1;
        is_write      <= request_write;
        issue_address <= {request_address[63:SHIFT], SHIFT'(0)};
        data_address  <= {request_address[63:SHIFT], SHIFT'(0)};
        issue_left    <= request_beats;
        data_left     <= request_beats;
        error         <= 1'b0;
      end
    end else begin
      if (issue) begin
        address_valid <= 1'b1;
        address       <= issue_address;
        length        <= 8'(issue_burst - 9'd1);
        issue_address <= issue_address + (64'(issue_burst) << SHIFT);
        issue_left    <= issue_left - 32'(issue_burst);
      end else if (address_taken) begin
        address_valid <= 1'b0;
      end
      outstanding <= outstanding + 32'(issue) - 32'(response);
      data_bursts <= data_bursts + 32'(awvalid && awready) - 32'(begin_burst && is_write);

      if (begin_burst) begin
        burst_left   <= next_burst;
        data_address <= data_address + (64'(next_burst) << SHIFT);
        data_left    <= data_left - 32'(next_burst);
      end else if (read_beat || write_beat) begin
        burst_left <= burst_left - 9'd1;
      end

      if (read_beat && (rresp[1] || rlast != last_beat)) error <= 1'b1;
      if (bvalid && bready && bresp[1]) error <= 1'b1;

      if (issue_left == 0 && data_left == 0 && burst_left == 0 && outstanding == 0) begin
        active <= 1'b0;
        done   <= 1'b1;
      end
    end
  end
endmodule
