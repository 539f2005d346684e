// The bank agents, their arbiter and the banks, behind a port B that is busy now and then. Test
// benches drive the signals here.
module bank_bench #(
    parameter int TOKENS = 8,
    parameter int OUTPUTS = 32,
    parameter int DEPTH = 8,
    parameter int ACTIVATION_DEPTH = 512,
    parameter int PLACES = 16  // of every queue
);
  localparam int PORTS = OUTPUTS / DEPTH;
  localparam int WORD = DEPTH * 16;
  localparam int BANK = $clog2(ACTIVATION_DEPTH);

  logic clk, reset;
  logic [4*TOKENS-1:0] writer_valid, writer_ready;
  logic [4*TOKENS*BANK-1:0] writer_address;
  logic [4*TOKENS*WORD-1:0] writer_written;
  logic [2*TOKENS-1:0] reader_valid, reader_ready, reader_read;
  logic [2*TOKENS*BANK-1:0] reader_address;
  logic [TOKENS*WORD-1:0] reader_data;
  logic [2:0] announce;
  logic [8*trivit_spec::ENGINE_COUNT_BITS-1:0] slot_groups;

  // row_writer
  logic [255:0] row_writer_command;
  logic [OUTPUTS*16-1:0] row_writer_gelu;
  logic [OUTPUTS*16-1:0] row_writer_direct;
  logic [WORD-1:0] row_writer_list;
  logic [63:0] row_writer_report;
  logic [2:0] row_writer_complete_slot;
  logic row_writer_command_valid, row_writer_command_ready, row_writer_gelu_valid;
  logic row_writer_gelu_ready, row_writer_direct_valid, row_writer_direct_ready;
  logic [3*OUTPUTS*16-1:0] row_writer_backward;
  logic [2:0] row_writer_backward_valid, row_writer_backward_ready;
  logic [OUTPUTS*16-1:0] row_writer_gelu_backward, row_writer_softmax_backward;
  logic [OUTPUTS*16-1:0] row_writer_cross_entropy;
  logic row_writer_gelu_backward_valid, row_writer_gelu_backward_ready;
  logic row_writer_softmax_backward_valid, row_writer_softmax_backward_ready;
  logic row_writer_cross_entropy_valid, row_writer_cross_entropy_ready;
  assign row_writer_backward = {
    row_writer_cross_entropy, row_writer_softmax_backward, row_writer_gelu_backward
  };
  assign row_writer_backward_valid = {
    row_writer_cross_entropy_valid,
    row_writer_softmax_backward_valid,
    row_writer_gelu_backward_valid
  };
  assign {row_writer_cross_entropy_ready, row_writer_softmax_backward_ready,
          row_writer_gelu_backward_ready} = row_writer_backward_ready;
  logic row_writer_list_valid, row_writer_list_ready, row_writer_report_valid;
  logic row_writer_report_ready, row_writer_complete;
  row_writer #(
      .TOKENS(TOKENS),
      .OUTPUTS(OUTPUTS),
      .DEPTH(DEPTH),
      .ACTIVATION_DEPTH(ACTIVATION_DEPTH),
      .PLACES(PLACES),
      .TRAINING(1'b1)
  ) row_writer_unit (
      .clk,
      .reset,
      .command(row_writer_command),
      .command_valid(row_writer_command_valid),
      .command_ready(row_writer_command_ready),
      .gelu(row_writer_gelu),
      .gelu_valid(row_writer_gelu_valid),
      .gelu_ready(row_writer_gelu_ready),
      .direct(row_writer_direct),
      .direct_valid(row_writer_direct_valid),
      .direct_ready(row_writer_direct_ready),
      .backward(row_writer_backward),
      .backward_valid(row_writer_backward_valid),
      .backward_ready(row_writer_backward_ready),
      .list(row_writer_list),
      .list_valid(row_writer_list_valid),
      .list_ready(row_writer_list_ready),
      .report(row_writer_report),
      .report_valid(row_writer_report_valid),
      .report_ready(row_writer_report_ready),
      .bank_valid(writer_valid[TOKENS*1+:TOKENS]),
      .bank_ready(writer_ready[TOKENS*1+:TOKENS]),
      .bank_address(writer_address[TOKENS*BANK*1+:TOKENS*BANK]),
      .bank_written(writer_written[TOKENS*WORD*1+:TOKENS*WORD]),
      .complete(row_writer_complete),
      .complete_slot(row_writer_complete_slot)
  );

  // softmax_writer
  logic [255:0] softmax_writer_command;
  logic [2*WORD-1:0] softmax_writer_results;
  logic [63:0] softmax_writer_report;
  logic [2:0] softmax_writer_complete_slot;
  logic softmax_writer_command_valid, softmax_writer_command_ready, softmax_writer_results_valid;
  logic softmax_writer_results_ready, softmax_writer_report_valid, softmax_writer_report_ready;
  logic softmax_writer_complete;
  softmax_writer #(
      .TOKENS(TOKENS),
      .OUTPUTS(OUTPUTS),
      .DEPTH(DEPTH),
      .ACTIVATION_DEPTH(ACTIVATION_DEPTH),
      .PLACES(PLACES)
  ) softmax_writer_unit (
      .clk,
      .reset,
      .command(softmax_writer_command),
      .command_valid(softmax_writer_command_valid),
      .command_ready(softmax_writer_command_ready),
      .results(softmax_writer_results),
      .results_valid(softmax_writer_results_valid),
      .results_ready(softmax_writer_results_ready),
      .report(softmax_writer_report),
      .report_valid(softmax_writer_report_valid),
      .report_ready(softmax_writer_report_ready),
      .bank_valid(writer_valid[TOKENS*0+:TOKENS]),
      .bank_ready(writer_ready[TOKENS*0+:TOKENS]),
      .bank_address(writer_address[TOKENS*BANK*0+:TOKENS*BANK]),
      .bank_written(writer_written[TOKENS*WORD*0+:TOKENS*WORD]),
      .complete(softmax_writer_complete),
      .complete_slot(softmax_writer_complete_slot)
  );

  // norm_writer
  logic [255:0] norm_writer_command;
  logic [2*WORD-1:0] norm_writer_results, norm_writer_backward;
  logic norm_writer_backward_valid, norm_writer_backward_ready;
  logic [63:0] norm_writer_report;
  logic [2:0] norm_writer_complete_slot;
  logic norm_writer_command_valid, norm_writer_command_ready, norm_writer_results_valid;
  logic norm_writer_results_ready, norm_writer_report_valid, norm_writer_report_ready;
  logic norm_writer_complete;
  norm_writer #(
      .TOKENS(TOKENS),
      .DEPTH(DEPTH),
      .ACTIVATION_DEPTH(ACTIVATION_DEPTH),
      .PLACES(PLACES),
      .TRAINING(1'b1)
  ) norm_writer_unit (
      .clk,
      .reset,
      .command(norm_writer_command),
      .command_valid(norm_writer_command_valid),
      .command_ready(norm_writer_command_ready),
      .results(norm_writer_results),
      .results_valid(norm_writer_results_valid),
      .results_ready(norm_writer_results_ready),
      .backward(norm_writer_backward),
      .backward_valid(norm_writer_backward_valid),
      .backward_ready(norm_writer_backward_ready),
      .report(norm_writer_report),
      .report_valid(norm_writer_report_valid),
      .report_ready(norm_writer_report_ready),
      .bank_valid(writer_valid[TOKENS*2+:TOKENS]),
      .bank_ready(writer_ready[TOKENS*2+:TOKENS]),
      .bank_address(writer_address[TOKENS*BANK*2+:TOKENS*BANK]),
      .bank_written(writer_written[TOKENS*WORD*2+:TOKENS*WORD]),
      .complete(norm_writer_complete),
      .complete_slot(norm_writer_complete_slot)
  );

  // load
  logic [255:0] load_command;
  logic [WORD-1:0] load_word[PORTS];
  logic load_word_valid[PORTS], load_word_ready[PORTS];
  logic [OUTPUTS*16-1:0] load_words;
  logic [PORTS-1:0] load_words_valid, load_words_ready;
  always_comb
    for (int p = 0; p < PORTS; p++) begin
      load_words[WORD*p+:WORD] = load_word[p];
      load_words_valid[p] = load_word_valid[p];
    end
  always_comb for (int p = 0; p < PORTS; p++) load_word_ready[p] = load_words_ready[p];
  logic [2*WORD-1:0] load_vectors;
  logic load_vectors_backward;
  logic [63:0] load_report;
  logic [2:0] load_complete_slot;
  logic load_command_valid, load_command_ready, load_vectors_valid, load_vectors_ready;
  logic load_report_valid, load_report_ready, load_complete;
  load #(
      .TOKENS(TOKENS),
      .OUTPUTS(OUTPUTS),
      .DEPTH(DEPTH),
      .ACTIVATION_DEPTH(ACTIVATION_DEPTH),
      .TRAINING(1'b1)
  ) load_unit (
      .clk,
      .reset,
      .command(load_command),
      .command_valid(load_command_valid),
      .command_ready(load_command_ready),
      .word(load_words),
      .word_valid(load_words_valid),
      .word_ready(load_words_ready),
      .vectors(load_vectors),
      .vectors_backward(load_vectors_backward),
      .vectors_valid(load_vectors_valid),
      .vectors_ready(load_vectors_ready),
      .report(load_report),
      .report_valid(load_report_valid),
      .report_ready(load_report_ready),
      .bank_valid(writer_valid[TOKENS*3+:TOKENS]),
      .bank_ready(writer_ready[TOKENS*3+:TOKENS]),
      .bank_address(writer_address[TOKENS*BANK*3+:TOKENS*BANK]),
      .bank_written(writer_written[TOKENS*WORD*3+:TOKENS*WORD]),
      .announce(announce[2]),
      .complete(load_complete),
      .complete_slot(load_complete_slot)
  );

  // row_reader
  logic [255:0] row_reader_command;
  logic [2*WORD-1:0] row_reader_rows;
  logic row_reader_rows_backward;
  logic row_reader_command_valid, row_reader_command_ready, row_reader_rows_valid;
  logic row_reader_rows_ready;
  row_reader #(
      .TOKENS(TOKENS),
      .DEPTH(DEPTH),
      .ACTIVATION_DEPTH(ACTIVATION_DEPTH),
      .LINES(PLACES < 4 ? 4 : PLACES),
      .TRAINING(1'b1)
  ) row_reader_unit (
      .clk,
      .reset,
      .command(row_reader_command),
      .command_valid(row_reader_command_valid),
      .command_ready(row_reader_command_ready),
      .rows(row_reader_rows),
      .rows_backward(row_reader_rows_backward),
      .rows_valid(row_reader_rows_valid),
      .rows_ready(row_reader_rows_ready),
      .bank_valid(reader_valid[TOKENS*0+:TOKENS]),
      .bank_ready(reader_ready[TOKENS*0+:TOKENS]),
      .bank_address(reader_address[TOKENS*BANK*0+:TOKENS*BANK]),
      .bank_read(reader_read[TOKENS*0+:TOKENS]),
      .bank_data(reader_data),
      .announce(announce[0]),
      .slot_groups
  );

  // store
  logic [255:0] store_command;
  logic [WORD-1:0] store_stored;
  logic [63:0] store_report;
  logic [OUTPUTS/DEPTH-1:0] store_stored_valid, store_stored_ready;
  logic store_command_valid, store_command_ready;
  logic store_report_valid, store_report_ready;
  store #(
      .TOKENS(TOKENS),
      .DEPTH(DEPTH),
      .ACTIVATION_DEPTH(ACTIVATION_DEPTH),
      .PORTS(OUTPUTS / DEPTH),
      .PLACES(PLACES)
  ) store_unit (
      .clk,
      .reset,
      .command(store_command),
      .command_valid(store_command_valid),
      .command_ready(store_command_ready),
      .stored(store_stored),
      .stored_valid(store_stored_valid),
      .stored_ready(store_stored_ready),
      .report(store_report),
      .report_valid(store_report_valid),
      .report_ready(store_report_ready),
      .bank_valid(reader_valid[TOKENS*1+:TOKENS]),
      .bank_ready(reader_ready[TOKENS*1+:TOKENS]),
      .bank_address(reader_address[TOKENS*BANK*1+:TOKENS*BANK]),
      .bank_read(reader_read[TOKENS*1+:TOKENS]),
      .bank_data(reader_data),
      .announce(announce[1]),
      .slot_groups
  );

  logic [TOKENS-1:0] bank_valid, bank_ready, bank_write, bank_read;
  logic [TOKENS*BANK-1:0] bank_address;
  logic [TOKENS*WORD-1:0] bank_written, bank_data;
  bank_arbiter #(
      .TOKENS(TOKENS),
      .DEPTH(DEPTH),
      .ACTIVATION_DEPTH(ACTIVATION_DEPTH)
  ) arbiter (
      .clk,
      .reset,
      .writer_valid,
      .writer_ready,
      .writer_address,
      .writer_written,
      .reader_valid,
      .reader_ready,
      .reader_address,
      .reader_read,
      .reader_data,
      .bank_valid,
      .bank_ready,
      .bank_write,
      .bank_address,
      .bank_written,
      .bank_read,
      .bank_data
  );

  // Port B takes nothing from banks that were `busy`. `fill` writes all banks at one address, past
  // the arbiter. `written` tells what the last cycle wrote, `contested` how often several agents
  // wanted a bank.
  logic [TOKENS-1:0] busy, asked, written;
  logic [TOKENS*BANK-1:0] written_address;
  logic [TOKENS*WORD-1:0] written_words;
  logic fill;
  logic [BANK-1:0] fill_address;
  logic [TOKENS*WORD-1:0] fill_words;
  logic filling;
  logic [BANK-1:0] fill_to;
  logic [TOKENS*WORD-1:0] filled;
  logic [31:0] contested;
  logic [TOKENS-1:0] several;
  always_ff @(posedge clk) begin
    bank_ready <= fill ? '0 : ~busy;
    written <= reset ? '0 : bank_valid & bank_ready & bank_write;
    written_address <= bank_address;
    written_words <= bank_written;
    asked <= reset ? '0 : bank_valid & bank_ready & ~bank_write;
    bank_read <= reset ? '0 : asked;
    contested <= reset ? '0 : contested + 32'(several != '0);
  end
  generate
    for (genvar t = 0; t < TOKENS; t++) begin : banks
      activation_bank #(
          .WIDTH(WORD),
          .WORDS(ACTIVATION_DEPTH)
      ) bank (
          .clk,
          .a_address('0),
          .a_data(),
          .b_enable(filling || (bank_valid[t] && bank_ready[t])),
          .b_write(filling || bank_write[t]),
          .b_address(filling ? fill_to : bank_address[BANK*t+:BANK]),
          .b_written(filling ? filled[WORD*t+:WORD] : bank_written[WORD*t+:WORD]),
          .b_data(bank_data[WORD*t+:WORD])
      );

      // In the order in which they are served
      logic [5:0] asks, served;
      assign asks = {
        reader_valid[TOKENS+t],
        writer_valid[3*TOKENS+t],
        reader_valid[t],
        writer_valid[2*TOKENS+t],
        writer_valid[TOKENS+t],
        writer_valid[t]
      };
      assign served = asks & {
        reader_ready[TOKENS+t],
        writer_ready[3*TOKENS+t],
        reader_ready[t],
        writer_ready[2*TOKENS+t],
        writer_ready[TOKENS+t],
        writer_ready[t]
      };
      assign several[t] = (asks & (asks - 1'b1)) != '0;
      always_ff @(posedge clk)
        assert (reset || served == (bank_ready[t] ? asks & (~asks + 1'b1) : '0))
        else $error("bank %0d serves %b of %b", t, served, asks);
    end
  endgenerate

  // A fill takes place when port B has stopped for it.
  always_ff @(posedge clk) begin
    filling <= fill;
    fill_to <= fill_address;
    filled <= fill_words;
  end
endmodule
