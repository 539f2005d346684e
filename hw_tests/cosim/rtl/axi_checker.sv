// Watches one AXI4 master port and counts violations of the rules that the kernel promises: INCR
// bursts of full words, at most MAX_BURST beats, inside one 4 KiB page; WLAST on the last beat only;
// valid and its payload held until ready; no write data ahead of its address, which AXI4 allows and
// DATA_FIRST too.
module axi_checker #(
    parameter int DATA_BYTES = 16,
    parameter int MAX_BURST = 64,
    parameter bit DATA_FIRST = 1'b0
) (
    input logic                    clk,
    input logic                    reset,
    input logic                    awvalid,
    input logic                    awready,
    input logic [63:0]             awaddr,
    input logic [7:0]              awlen,
    input logic [2:0]              awsize,
    input logic [1:0]              awburst,
    input logic                    wvalid,
    input logic                    wready,
    input logic [8*DATA_BYTES-1:0] wdata,
    input logic [DATA_BYTES-1:0]   wstrb,
    input logic                    wlast,
    input logic                    bvalid,
    input logic                    bready,
    input logic                    arvalid,
    input logic                    arready,
    input logic [63:0]             araddr,
    input logic [7:0]              arlen,
    input logic [2:0]              arsize,
    input logic [1:0]              arburst,
    input logic                    rvalid,
    input logic                    rready,
    input logic                    rlast
);
  // Read by the test bench. violation_kinds: bit 0 page crossing, 1 burst length, 2 size or type,
  // 3 alignment, 4 WLAST, 5 payload changed under valid, 6 data before address, 7 response or read
  // data that nothing asked for, 8 strobe.
  int unsigned violations;
  logic [8:0] violation_kinds;
  int unsigned read_bursts, write_bursts, read_beats, write_beats, longest_burst;

  logic [8:0] fault;
  int unsigned lengths[$];           // beats of write bursts addressed and not yet moved
  int unsigned moved[$];             // beats of write bursts moved; DATA_FIRST alone
  int unsigned beat;                 // of the oldest of them
  int unsigned reads_open, writes_open;

  function automatic logic [8:0] check_address(input logic [63:0] address, input logic [7:0] len,
                                               input logic [2:0] size, input logic [1:0] burst);
    logic [8:0] found;
    logic [63:0] last;
    last = address + 64'(DATA_BYTES) * (64'(len) + 1) - 1;
    found = '0;
    found[0] = address[63:12] != last[63:12];
    found[1] = 32'(len) + 1 > 32'(MAX_BURST);
    found[2] = 32'(size) != $clog2(DATA_BYTES) || burst != 2'b01;
    found[3] = (address & 64'(DATA_BYTES - 1)) != 0;
    return found;
  endfunction

  function automatic int unsigned maximum(input int unsigned a, input int unsigned b);
    return a > b ? a : b;
  endfunction

  logic aw_held, w_held, ar_held;
  logic [76:0] aw_last, ar_last;
  logic [9*DATA_BYTES:0] w_last;

  // Reads only what the port drives and writes only its own state, so blocking assignments are safe.
  /* verilator lint_off BLKSEQ */
  always_ff @(posedge clk) begin
    if (reset) begin
      violations      = 0;
      violation_kinds = '0;
      read_bursts     = 0;
      write_bursts    = 0;
      read_beats      = 0;
      write_beats     = 0;
      longest_burst   = 0;
      lengths.delete();
      moved.delete();
      beat        = 0;
      reads_open  = 0;
      writes_open = 0;
      aw_held     = 1'b0;
      w_held      = 1'b0;
      ar_held     = 1'b0;
    end else begin
      fault = '0;
      fault[5] = (aw_held && (!awvalid || aw_last != {awaddr, awlen, awsize, awburst})) ||
          (ar_held && (!arvalid || ar_last != {araddr, arlen, arsize, arburst})) ||
          (w_held && (!wvalid || w_last != {wlast, wstrb, wdata}));
      aw_held = awvalid && !awready;
      w_held = wvalid && !wready;
      ar_held = arvalid && !arready;
      aw_last = {awaddr, awlen, awsize, awburst};
      ar_last = {araddr, arlen, arsize, arburst};
      w_last = {wlast, wstrb, wdata};

      if (rvalid && rready) begin
        read_beats++;
        fault[7] |= reads_open == 0;
        if (rlast && reads_open != 0) reads_open--;
      end
      if (bvalid && bready) begin
        fault[7] |= writes_open == 0;
        if (writes_open != 0) writes_open--;
      end
      if (arvalid && arready) begin
        read_bursts++;
        reads_open++;
        fault |= check_address(araddr, arlen, arsize, arburst);
        longest_burst = maximum(longest_burst, 32'(arlen) + 1);
      end
      if (awvalid && awready) begin
        write_bursts++;
        fault |= check_address(awaddr, awlen, awsize, awburst);
        lengths.push_back(32'(awlen) + 1);
        longest_burst = maximum(longest_burst, 32'(awlen) + 1);
      end
      if (wvalid && wready) begin
        write_beats++;
        fault[8] |= wstrb != '1;
        if (DATA_FIRST) begin
          beat++;
          if (wlast) begin
            moved.push_back(beat);
            beat = 0;
          end
        end else if (lengths.size() == 0) begin
          fault[6] = 1'b1;
        end else begin
          beat++;
          fault[4] |= wlast != (beat == lengths[0]);
          if (beat == lengths[0]) begin
            void'(lengths.pop_front());
            beat = 0;
            writes_open++;
          end
        end
      end
      while (moved.size() != 0 && lengths.size() != 0) begin
        fault[4] |= moved.pop_front() != lengths.pop_front();
        writes_open++;
      end
      violation_kinds |= fault;
      if (fault != 0) violations++;
    end
  end
  /* verilator lint_on BLKSEQ */
endmodule
