// What the units of the engine hand to each other. Sizes that depend on the geometry are parameters
// of the modules; these records have room for every geometry. Yosys knows neither $bits of a type
// nor arrays of records: *_BITS are their widths, which matrix_engine checks in simulation.
package engine_types;

  localparam int SLOTS = 8;            // of the scoreboard; slot 0 is always complete
  localparam int COUNT_BITS = 11;      // of a slot's row groups: engine.count_bits in hls/kernel.yaml

  // A checked product. `failed`: an array pass that reads and writes nothing, so that the report of
  // a refused command comes behind those of the products before.
  typedef struct packed {
    logic        failed;
    logic [10:0] tag;
    logic        transposed;
    logic        rows_outer;
    logic        bias;
    logic        residual;
    logic        to_banks;
    logic [2:0]  stream;           // whom the rows go to as well; 0: nobody
    logic        partner;          // the residual goes along with them and is not added
    logic        sums;             // of the operand's rows, for matrix_writer
    logic        skip_first;       // they leave out the first element
    logic [4:0]  sum_shift;
    logic        keep;             // its words stay in the ring
    logic        claim;            // empties target_slot when it begins
    logic [2:0]  announce;         // when it begins: to the row reader, to the store, to load
    logic [2:0]  source_slot;
    logic [2:0]  residual_slot;
    logic [2:0]  target_slot;
    logic [2:0]  clear_slot;       // emptied when it begins
    logic [COUNT_BITS-1:0] source_first;  // row group of its slot that the operand begins with
    logic [COUNT_BITS-1:0] residual_first;
    logic [9:0]  ring_offset;      // from the oldest word in the ring to its first
    logic [4:0]  out_shift;
    logic [4:0]  residual_shift;
    logic [4:0]  bias_shift;
    logic [3:0]  last_rows;        // banks that hold the last depth word
    logic [3:0]  tail_rows;        // rows of the last row group
    logic [8:0]  groups;
    logic [8:0]  tiles;
    logic [8:0]  out_words;
    logic [8:0]  depth_words;
    logic [13:0] source;
    logic [13:0] source_stride;
    logic [13:0] residual_start;
    logic [13:0] target;
    logic [13:0] target_stride;
  } product_t;
  localparam int PRODUCT_BITS = 184 + 2 * COUNT_BITS;

  // Words that are appended to the ring.
  typedef struct packed {
    logic       banks;            // they come from the activation banks, not from the streams
    logic       transposed;       // they come from the streams as rows of depth, without biases
    logic [3:0] last_ports;       // ports that have outputs in the last tile, 1 to PORTS
    logic       bias;
    logic [8:0] tiles;
    logic [8:0] depth_words;
  } fill_t;
  localparam int FILL_BITS = 25;

  // Number of a product, to tell whether it has begun. A placement may wait while half as many begin.
  localparam int NUMBER_BITS = 16;

  // A checked placement: a tensor in the banks whose rows become weights.
  typedef struct packed {
    logic        transposed;       // its rows are depth, not outputs
    logic [2:0]  slot;
    logic [COUNT_BITS-1:0] first;  // row group of the slot that it begins with
    logic        behind;           // product `writer` must begin before the slot's count is valid
    logic [NUMBER_BITS-1:0] writer;
    logic [3:0]  last_rows;        // of its last row group
    logic [8:0]  tiles;
    logic [8:0]  out_words;
    logic [8:0]  depth_words;
    logic [13:0] source;
    logic [13:0] stride;
  } placement_t;
  localparam int PLACEMENT_BITS = 80 + COUNT_BITS;

  // One depth word on its way to the array.
  typedef struct packed {
    logic        valid;
    logic        first;            // of its row group and tile
    logic        release_word;     // no later row group needs this word of the ring
    logic        transposed;
    logic [3:0]  banks;            // banks that count; 0 in a cycle without work
    logic [13:0] address;          // in every bank
    logic [15:0] ring;             // in the ring, modulo its size
  } operand_t;

  // A depth word whose operand is added up.
  typedef struct packed {
    logic       valid;
    logic       first;             // of its row group
    logic       last;
    logic       skip;              // without element 0
    logic [3:0] rows;              // valid ones
    logic [4:0] shift;
  } sum_step_t;
  localparam int SUM_STEP_BITS = 13;

  // Start of a row group and tile: what the sums begin with.
  typedef struct packed {
    logic       valid;
    logic       bias;
    logic       release_bias;      // no later row group needs it
    logic [4:0] bias_shift;
    logic [4:0] out_shift;
    logic [7:0] index;             // of the bias word, modulo the size of its memory
  } start_t;
  localparam int START_BITS = 21;

  // End of a row group and tile: what becomes of the sums.
  typedef struct packed {
    logic        valid;
    logic        failed;
    logic        finish;           // the product's last
    logic        complete;         // the row group's last tile
    logic        residual;
    logic        to_banks;
    logic [2:0]  stream;
    logic        partner;
    logic        sums;             // those of its rows come as well
    logic        two_reports;      // the second is of the sums
    logic [2:0]  port;             // of the row group: they lie in the ports in turn
    logic [2:0]  slot;
    logic [3:0]  rows;             // valid ones, 0 to TOKENS
    logic [3:0]  words;            // valid ones of this tile, 0 to PORTS
    logic [4:0]  out_shift;
    logic [4:0]  residual_shift;
    logic [13:0] residual_address;
    logic [13:0] address;
    logic [10:0] tag;
  } result_t;
  localparam int RESULT_BITS = 75;

  // The row whose sums are rounded, for a column group.
  typedef struct packed {
    logic       valid;
    logic       residual;
    logic [2:0] stream;
    logic       partner;
    logic       sums;
    logic [2:0] port;
    logic       finish;            // the product's last row group and tile
    logic [2:0] row;
    logic [3:0] rows;              // valid ones of this row group
    logic [3:0] words;             // valid ones of this tile
    logic [4:0] out_shift;
    logic [4:0] residual_shift;
  } row_t;
  localparam int ROW_BITS = 32;

  // Where a row of the output stream lies in its matrix.
  typedef struct packed {
    logic       sums;              // of its row group come as well
    logic       ends;              // it is its row group's last
    logic [2:0] port;
    logic [2:0] row;
    logic [3:0] words;             // valid ones
  } row_place_t;
  localparam int ROW_PLACE_BITS = 12;

  // Report of a unit. Blocks outside have their answer to the end command in the place of `failed`, and
  // may have another figure.
  typedef struct packed {
    logic        failed;
    logic [10:0] tag;
    logic        sums;             // of the engine: the second report of a product with sums
    logic [10:0] none;
    logic [15:0] largest;          // magnitude of what was written, 0 to 32768
    logic [23:0] saturated;        // values that the clamp changed
  } report_t;
  localparam int REPORT_BITS = 64;
  localparam int FIGURE_BITS = 52;  // below the tag

  // Why the array stood still in a cycle. The first that holds is counted.
  localparam int STALL_NONE = 0;       // a depth word was issued
  localparam int STALL_COMMAND = 1;    // no product is waiting
  localparam int STALL_SOURCE = 2;     // rows of the operand are not written
  localparam int STALL_RESIDUAL = 3;   // rows of the residual are not written
  localparam int STALL_WEIGHTS = 4;    // the ring does not hold the depth word yet
  localparam int STALL_TARGET = 5;     // an earlier product still writes a slot to be emptied
  localparam int STALL_STREAM = 6;     // no room for a row group in the output stream, or a report
  localparam int STALL_SHORT = 7;      // row groups would follow each other too closely
  localparam int STALLS = 8;

  // Writers outside the engine that complete row groups.
  localparam int OUTSIDE = 4;

endpackage
