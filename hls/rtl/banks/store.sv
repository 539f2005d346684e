// Rows from the banks to memory ports, one after the other, as they become complete: a word a
// cycle, up to PLACES words ahead of the stream. All go to port 0 or, of a command that is
// `spread`, row i to port i mod PORTS, where `load` finds it again: each port gets equally many
// rows, those that do not exist with whatever lies there.
module store #(
    parameter int TOKENS = trivit_spec::TILE_TOKENS,
    parameter int DEPTH = trivit_spec::TILE_DEPTH,
    parameter int ACTIVATION_DEPTH = trivit_spec::ACTIVATION_DEPTH,
    parameter int PORTS = trivit_spec::PARAM_PORTS,  // not more than TOKENS
    parameter int PLACES = 16
) (
    input  logic                                        clk,
    input  logic                                        reset,
    // trivit_commands::store_command_t
    input  logic [                              255:0]  command,
    input  logic                                        command_valid,
    output logic                                        command_ready,
    // Rows
    output logic [                       DEPTH*16-1:0]  stored,        // the same to all ports
    output logic [                          PORTS-1:0]  stored_valid,  // to one of them
    input  logic [                          PORTS-1:0]  stored_ready,
    // Failed (never), tag, no figure (engine_types::report_t)
    output logic [                               63:0]  report,
    output logic                                        report_valid,
    input  logic                                        report_ready,
    // Port B (bank_arbiter)
    output logic [                         TOKENS-1:0]  bank_valid,
    input  logic [                         TOKENS-1:0]  bank_ready,
    output logic [TOKENS*$clog2(ACTIVATION_DEPTH)-1:0]  bank_address,
    input  logic [                         TOKENS-1:0]  bank_read,
    input  logic [                TOKENS*DEPTH*16-1:0]  bank_data,
    // The product that writes the rows of the next command begins
    input  logic                                        announce,
    // The engine's scoreboard: complete row groups of each slot
    input  logic [8*trivit_spec::ENGINE_COUNT_BITS-1:0]  slot_groups
);
  localparam int WORD = DEPTH * 16;
  localparam int BANK = $clog2(ACTIVATION_DEPTH);
  localparam int ROW = $clog2(TOKENS);
  localparam int PLACE = $clog2(PLACES);
  localparam int PORT = $clog2(PORTS);
  localparam int READ = 2;  // cycles from a read to its data

  localparam logic [2:0] IDLE = 3'd0;
  localparam logic [2:0] TOKEN = 3'd1;
  localparam logic [2:0] GATE = 3'd2;   // the next row group is not complete
  localparam logic [2:0] ROWS = 3'd3;
  localparam logic [2:0] LEAVE = 3'd4;  // words are on their way
  localparam logic [2:0] REPORT = 3'd5;

  trivit_commands::store_command_t now;
  logic [2:0] state;
  logic begins, may_begin, open, issue, leave;
  logic [9:0] rows_left;
  logic [8:0] words_left;
  logic [BANK-1:0] line, address;
  logic [ROW-1:0] bank;
  logic [PLACE:0] open_words;  // that were asked for and have not left
  assign command_ready = state == IDLE;
  assign begins = state == TOKEN && may_begin;
  reader_gate gate (
      .clk,
      .reset,
      .announce,
      .begins,
      .begin_ready(may_begin),
      .slot(now.slot),
      .first(now.first),
      .next(state == GATE && open),
      .slot_groups,
      .open
  );

  logic asks;
  assign asks = state == ROWS && open_words != (PLACE + 1)'(PLACES);
  assign issue = asks && bank_ready[bank];
  assign bank_valid = asks ? TOKENS'(1) << bank : '0;
  assign bank_address = {TOKENS{address}};
  assign report_valid = state == REPORT;
  assign report = {1'b0, now.last ? 11'd0 : now.tag, 52'd0};

  always_ff @(posedge clk) begin
    open_words <= open_words + (PLACE + 1)'(issue) - (PLACE + 1)'(leave);
    case (state)
      IDLE:
      if (command_valid) begin
        now <= command;
        state <= command[0] ? REPORT : TOKEN;
      end
      TOKEN: begin
        rows_left <= now.rows;
        if (now.spread != '0) rows_left <= (now.rows + 10'(PORTS - 1)) & ~10'(PORTS - 1);
        line <= BANK'(now.source);
        if (begins) state <= GATE;
      end
      GATE: begin
        bank <= '0;
        address <= line;
        words_left <= now.words;
        if (open) state <= ROWS;
      end
      ROWS:
      if (issue) begin
        address <= address + 1'b1;
        words_left <= words_left - 1'b1;
        if (words_left == 9'd1) begin
          address <= line;
          words_left <= now.words;
          bank <= bank + 1'b1;
          rows_left <= rows_left - 1'b1;
          if (rows_left == 10'd1) begin
            state <= LEAVE;
          end else if (bank == ROW'(TOKENS - 1)) begin
            line <= line + BANK'(now.source_stride);
            state <= GATE;
          end
        end
      end
      LEAVE: if (open_words == '0) state <= REPORT;
      default: if (report_ready) state <= IDLE;
    endcase
    if (reset) begin
      state <= IDLE;
      open_words <= '0;
    end
  end

  logic [ROW-1:0] answer;  // the bank whose word comes
  logic has_place;         // always: words are counted
  logic waiting;           // a word
  logic [PORT-1:0] port;   // that it goes to
  delay #(
      .WIDTH(ROW),
      .CYCLES(READ)
  ) asked (
      .clk,
      .reset,
      .value(bank),
      .delayed(answer)
  );
  stream_fifo #(
      .WIDTH(PORT + WORD),
      .DEPTH(PLACES)
  ) words (
      .clk,
      .reset,
      .in_data({now.spread != '0 ? answer[PORT-1:0] : PORT'(0), bank_data[WORD*answer+:WORD]}),
      .in_valid(bank_read != '0),
      .in_ready(has_place),
      .out_data({port, stored}),
      .out_valid(waiting),
      .out_ready(leave)
  );
  assign stored_valid = waiting ? PORTS'(1) << port : '0;
  assign leave = (stored_valid & stored_ready) != '0;
`ifndef SYNTHESIS
  always_ff @(posedge clk)
    assert (reset || bank_read == '0 || has_place) else $error("words overrun");
`endif
endmodule
