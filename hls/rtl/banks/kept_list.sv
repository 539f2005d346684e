// The rows that selection keeps, ascending: written by words of DEPTH numbers, read one after the
// other. `saved` is a place to which it can go back. The entry and the one behind it stand in
// registers, so the next one is there in the next cycle.
module kept_list #(
    parameter int DEPTH = 8,
    parameter int ENTRY = $clog2(trivit_spec::MAX_TOKENS)  // bits of a row's number
) (
    input  logic                         clk,
    input  logic                         reset,
    input  logic                         write,
    input  logic [ENTRY-$clog2(DEPTH)-1:0] write_word,
    input  logic [         DEPTH*16-1:0] written,
    input  logic                         rewind,   // go to the first entry: takes two cycles more
    output logic                         ready,
    input  logic                         advance,  // go to the next entry
    input  logic                         save,     // the place after that
    input  logic                         restore,  // go back instead
    output logic [             ENTRY-1:0] entry,
    output logic [             ENTRY-1:0] number    // of the entry
);
  localparam int LANE = $clog2(DEPTH);
  localparam int WORDS = (1 << ENTRY) / DEPTH;

  (* ram_style = "distributed" *) logic [DEPTH*ENTRY-1:0] memory[WORDS];
  logic [DEPTH*ENTRY-1:0] narrow, read;
  logic [ENTRY-1:0] position, following, next_number, next_entry, next_following;
  logic [ENTRY-1:0] saved_number, saved_entry, saved_following;
  logic [1:0] filling;
  logic move;
  always_comb for (int n = 0; n < DEPTH; n++) narrow[ENTRY*n+:ENTRY] = written[16*n+:ENTRY];
  always_ff @(posedge clk) if (write) memory[write_word] <= narrow;
  assign position = number + ENTRY'(2);
  assign read = memory[position[ENTRY-1:LANE]];

  assign ready = filling == 2'd0;
  assign move = advance || !ready;
  assign next_number = move ? number + 1'b1 : number;
  assign next_entry = move ? following : entry;
  assign next_following = move ? read[ENTRY*position[LANE-1:0]+:ENTRY] : following;
  always_ff @(posedge clk) begin
    number <= restore ? saved_number : next_number;
    entry <= restore ? saved_entry : next_entry;
    following <= restore ? saved_following : next_following;
    if (save || !ready) begin
      saved_number <= next_number;
      saved_entry <= next_entry;
      saved_following <= next_following;
    end
    if (!ready) filling <= filling - 1'b1;
    if (rewind) begin
      number <= '0 - ENTRY'(2);
      filling <= 2'd2;
    end
    if (reset) filling <= '0;
  end
endmodule
