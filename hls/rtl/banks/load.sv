// Rows from the memory ports to the banks, a word a cycle and port; row first_row + i comes from
// port i mod PORTS, and ports do not wait for each other. Or gamma and beta from port 0, in turn,
// to `normalise` or `normalise_backward`. A command that is `announced` waits for the product that says that its target is
// free; those behind it wait too.
module load #(
    parameter int TOKENS = trivit_spec::TILE_TOKENS,
    parameter int OUTPUTS = trivit_spec::TILE_OUTPUTS,
    parameter int DEPTH = trivit_spec::TILE_DEPTH,
    parameter int ACTIVATION_DEPTH = trivit_spec::ACTIVATION_DEPTH,
    parameter bit TRAINING = 1'b0  // whether there is a normalise_backward
) (
    input  logic                                        clk,
    input  logic                                        reset,
    // trivit_commands::load_command_t
    input  logic [                              255:0]  command,
    input  logic                                        command_valid,
    output logic                                        command_ready,
    // Rows, a stream for each port
    input  logic [                     OUTPUTS*16-1:0]  word,
    input  logic [                  OUTPUTS/DEPTH-1:0]  word_valid,
    output logic [                  OUTPUTS/DEPTH-1:0]  word_ready,
    // Gamma low, beta high; and whom they are for
    output logic [                     2*DEPTH*16-1:0]  vectors,
    output logic                                        vectors_backward,
    output logic                                        vectors_valid,
    input  logic                                        vectors_ready,
    // Failed (never), tag, no figure (engine_types::report_t)
    output logic [                               63:0]  report,
    output logic                                        report_valid,
    input  logic                                        report_ready,
    // Port B (bank_arbiter)
    output logic [                         TOKENS-1:0]  bank_valid,
    input  logic [                         TOKENS-1:0]  bank_ready,
    output logic [TOKENS*$clog2(ACTIVATION_DEPTH)-1:0]  bank_address,
    output logic [                TOKENS*DEPTH*16-1:0]  bank_written,
    // The target of the next command that is `announced` is free
    input  logic                                        announce,
    // The next row group of a slot is in the banks
    output logic                                        complete,
    output logic [                                2:0]  complete_slot
);
  localparam int PORTS = OUTPUTS / DEPTH;
  localparam int WORD = DEPTH * 16;
  localparam int BANK = $clog2(ACTIVATION_DEPTH);
  localparam int ROW = $clog2(TOKENS);
  localparam int PORT = $clog2(PORTS);

  localparam logic [2:0] IDLE = 3'd0;
  localparam logic [2:0] SKIP = 3'd1;     // row groups before the first row's
  localparam logic [2:0] GROUPS = 3'd2;   // rows come; their row groups are told to row_groups
  localparam logic [2:0] ROWS = 3'd3;     // rows come
  localparam logic [2:0] VECTORS = 3'd4;
  localparam logic [2:0] LEAVE = 3'd5;    // the last vectors

  trivit_commands::load_command_t next;
  assign next = command;

  // What the command says.
  logic [2:0] state;
  logic [10:0] tag;
  logic [2:0] slot;
  logic [9:0] rows;
  logic [8:0] words;
  logic [BANK-1:0] stride, line;  // `line`: of the first row's row group
  logic [ROW-1:0] first_bank;

  logic accept, start, group_ready, group_end;
  logic [9:0] skip;
  logic [PORTS-1:0] busy, exists, row_end, take;
  logic [PORTS*ROW-1:0] bank;
  logic [PORTS*BANK-1:0] address;
  logic [TOKENS-1:0] hold, ended;
  localparam int COUNT = 8;  // bits of the number of announcements
  logic [COUNT-1:0] announced;
  assign command_ready = state == IDLE && group_ready
                         && (next.last || !next.announced || announced != '0);
  assign accept = command_ready && command_valid;
  always_ff @(posedge clk) begin
    announced <= announced + COUNT'(announce)
                 - COUNT'(accept && !next.last && next.announced);
    if (reset) announced <= '0;
  end
`ifndef SYNTHESIS
  always_ff @(posedge clk)
    assert (reset || !announce || announced != '1) else $error("too many announcements");
`endif
  assign start = state == SKIP && skip < 10'(TOKENS);

  // Row groups, by how many rows are not in one yet.
  logic [9:0] rows_left;
  logic [ROW-1:0] group_bank;  // of the next row group's first row
  logic [TOKENS-1:0] group_banks;
  logic [9:0] group_room;
  assign group_room = 10'(TOKENS) - 10'(group_bank);
  assign group_end = rows_left <= group_room;
  always_comb
    for (int t = 0; t < TOKENS; t++)
      group_banks[t] = state == GROUPS && ROW'(t) >= group_bank
                       && 10'(t) < 10'(group_bank) + rows_left;

  // Vectors
  logic [WORD-1:0] gamma;
  logic has_gamma, vector_take;
  logic [8:0] words_left;
  assign vector_take = state == VECTORS && word_ready[0] && word_valid[0];
  always_ff @(posedge clk) begin
    if (vector_take) begin
      has_gamma <= !has_gamma;
      if (!has_gamma) gamma <= word[WORD-1:0];
      else vectors <= {word[WORD-1:0], gamma};
    end
    vectors_valid <= (vector_take && has_gamma) || (vectors_valid && !vectors_ready);
    if (reset) begin
      has_gamma <= 1'b0;
      vectors_valid <= 1'b0;
    end
  end

  logic left;  // the last vectors
  assign left = state == LEAVE && group_ready && (!vectors_valid || vectors_ready);
  always_ff @(posedge clk) begin
    case (state)
      IDLE: if (accept && !next.last) state <= next.vectors ? VECTORS : SKIP;
      SKIP: begin
        skip <= skip - 10'(TOKENS);
        if (start) state <= GROUPS;
        else line <= line + stride;
      end
      GROUPS:
      if (group_ready) begin
        rows_left <= rows_left - group_room;
        group_bank <= '0;
        if (group_end) state <= ROWS;
      end
      ROWS: if (busy == '0) state <= IDLE;
      VECTORS:
      if (vector_take && has_gamma) begin
        words_left <= words_left - 1'b1;
        if (words_left == 9'd1) state <= LEAVE;
      end
      default: if (left) state <= IDLE;
    endcase
    if (accept) begin
      tag <= next.tag;
      vectors_backward <= TRAINING && next.backward;
      slot <= next.complete ? next.slot : '0;
      rows <= next.rows;
      rows_left <= next.rows;
      words <= next.words;
      words_left <= next.words;
      stride <= BANK'(next.target_stride);
      line <= BANK'(next.target);
      first_bank <= next.first_row[ROW-1:0];
      group_bank <= next.first_row[ROW-1:0];
      skip <= next.first_row;
    end
    if (reset) state <= IDLE;
  end

  // Ports. The banks of a port's rows are those that differ by PORTS: no other port has them.
  logic [9:0] port_rows;     // of every port
  logic [PORT:0] last_rows;  // ports whose last row exists
  assign last_rows = rows[PORT-1:0] == '0 ? (PORT + 1)'(PORTS) : {1'b0, rows[PORT-1:0]};
  assign port_rows = 10'((11'(rows) + 11'(PORTS - 1)) >> PORT);
  generate
    for (genvar p = 0; p < PORTS; p++) begin : ports
      logic [ROW:0] from;
      assign from = {1'b0, first_bank} + (ROW + 1)'(p);
      load_port #(
          .TOKENS(TOKENS),
          .PORTS(PORTS),
          .BANK(BANK)
      ) rows_of (
          .clk,
          .reset,
          .start,
          .rows(port_rows),
          .last_exists((PORT + 1)'(p) < last_rows),
          .words,
          .first(from[ROW] ? line + stride : line),
          .stride,
          .first_bank(from[ROW-1:0]),
          .busy(busy[p]),
          .exists(exists[p]),
          .row_end(row_end[p]),
          .address(address[BANK*p+:BANK]),
          .bank(bank[ROW*p+:ROW]),
          .take(take[p])
      );
      logic free;
      assign free = !exists[p] || (bank_ready[bank[ROW*p+:ROW]] && !hold[bank[ROW*p+:ROW]]);
      assign take[p] = busy[p] && free && word_valid[p];
      if (p == 0) begin : vectors_too
        assign word_ready[p] = (busy[p] && free)
                               || (state == VECTORS && (!has_gamma || !vectors_valid));
      end else begin : rows_alone
        assign word_ready[p] = busy[p] && free;
      end
    end
    for (genvar lane = 0; lane < PORTS; lane++) begin : lanes
      logic [PORT-1:0] p;  // the port whose rows go to this bank and every PORTS-th from there
      logic [BANK-1:0] lane_address;
      logic [WORD-1:0] lane_word;
      logic [ROW-1:0] lane_bank;
      logic lane_valid, lane_ends;
      assign p = PORT'(lane) - first_bank[PORT-1:0];
      assign lane_address = address[BANK*p+:BANK];
      assign lane_word = word[WORD*p+:WORD];
      assign lane_bank = bank[ROW*p+:ROW];
      assign lane_valid = busy[p] && exists[p] && word_valid[p];
      assign lane_ends = row_end[p];
      for (genvar t = lane; t < TOKENS; t += PORTS) begin : banks
        assign bank_valid[t] = lane_valid && lane_bank == ROW'(t) && !hold[t];
        assign bank_address[BANK*t+:BANK] = lane_address;
        assign bank_written[WORD*t+:WORD] = lane_word;
        assign ended[t] = bank_valid[t] && bank_ready[t] && lane_ends;
      end
    end
  endgenerate

  row_groups #(
      .TOKENS(TOKENS)
  ) groups (
      .clk,
      .reset,
      .group_banks,
      .group_slot(slot),
      .group_report(state != GROUPS || group_end),
      .group_tag(state == IDLE ? '0 : tag),
      .group_valid(state == GROUPS || left || (accept && next.last)),
      .group_ready,
      .ended,
      .hold,
      .complete,
      .complete_slot,
      .report,
      .report_valid,
      .report_ready
  );
endmodule
