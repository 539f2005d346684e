// What the units of the engine hand to each other. Sizes that depend on the geometry are parameters
// of the modules; these records have room for every geometry. Yosys knows neither $bits of a type
// nor arrays of records: *_BITS are their widths, which matrix_engine checks in simulation.
package engine_types;

  // One product as it arrives: a stream word of 256 bits, a field in every 16 bits.
  typedef struct packed {
    logic [15:0] tag;              // comes back when the product is done
    logic [15:0] flags;            // bits FLAG_*
    logic [15:0] slots;            // of the scoreboard: 3:0 source, 7:4 residual, 11:8 target
    logic [15:0] out_shift;        // right shift of the sums
    logic [15:0] residual_shift;   // left shift that aligns the residual
    logic [15:0] bias_shift;       // left shift that aligns the bias
    logic [15:0] last_rows;        // transposed: rows of the operand's last stored row group
    logic [15:0] out_words;        // words of a row of the result
    logic [15:0] depth_words;      // words of a row of the operand
    logic [15:0] rows;             // rows of the operand and of the result
    logic [15:0] target_stride;    // words from a row group of result (and residual) to the next
    logic [15:0] target;
    logic [15:0] residual;
    logic [15:0] source_stride;    // words from a stored row group of the operand to the next
    logic [15:0] source;
    logic [15:0] kind;             // COMMAND_*; anything else is refused
  } command_t;

  localparam int COMMAND_PRODUCT = 1;
  localparam int COMMAND_PLACE = 2;    // copy the next product's weights from the banks to the ring
  localparam int FLAG_TRANSPOSED = 0;  // the operand is stored with rows and depth exchanged
  localparam int FLAG_ROWS_OUTER = 1;  // row groups outer: the whole matrix waits in the ring
  localparam int FLAG_BIAS = 2;        // a word of biases comes before each tile of weights
  localparam int FLAG_RESIDUAL = 3;    // add the residual before rounding
  localparam int FLAG_TO_BANKS = 4;    // write the result to the activation banks
  localparam int FLAG_TO_STREAM = 5;   // send the result's rows to the stream
  localparam int FLAG_PLACED = 6;      // the command before has placed the weights
  localparam int FLAGS = 7;

  localparam int SLOTS = 8;            // of the scoreboard; slot 0 is always complete

  // A checked product. `failed`: an array pass that reads and writes nothing, so that the report of
  // a refused command comes behind those of the products before.
  typedef struct packed {
    logic        failed;
    logic [15:0] tag;
    logic        transposed;
    logic        rows_outer;
    logic        bias;
    logic        residual;
    logic        to_banks;
    logic        to_stream;
    logic [2:0]  source_slot;
    logic [2:0]  residual_slot;
    logic [2:0]  target_slot;
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
  localparam int PRODUCT_BITS = 161;

  // Weights that a product needs, for the side that fills the ring.
  typedef struct packed {
    logic       banks;            // they come from the activation banks, not from the streams
    logic       bias;
    logic [8:0] tiles;
    logic [8:0] depth_words;
  } fill_t;
  localparam int FILL_BITS = 20;

  // A checked placement: a tensor in the banks that becomes the weights of the next product.
  typedef struct packed {
    logic        transposed;       // its rows are depth, not outputs
    logic [2:0]  slot;
    logic        behind;           // product `writer` must begin before the slot's count is valid
    logic [5:0]  writer;           // modulo 64
    logic [3:0]  last_rows;        // of its last row group
    logic [8:0]  tiles;
    logic [8:0]  out_words;
    logic [8:0]  depth_words;
    logic [13:0] source;
    logic [13:0] stride;
  } placement_t;
  localparam int PLACEMENT_BITS = 70;

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
    logic        to_stream;
    logic [2:0]  slot;
    logic [2:0]  source_slot;
    logic [2:0]  residual_slot;
    logic [3:0]  rows;             // valid ones, 0 to TOKENS
    logic [3:0]  words;            // valid ones of this tile, 0 to PORTS
    logic [4:0]  out_shift;
    logic [4:0]  residual_shift;
    logic [13:0] residual_address;
    logic [13:0] address;
    logic [15:0] tag;
  } result_t;
  localparam int RESULT_BITS = 78;

  // The row whose sums are rounded, for a column group.
  typedef struct packed {
    logic       valid;
    logic       residual;
    logic       to_stream;
    logic       finish;            // the product's last row group and tile
    logic [2:0] row;
    logic [3:0] rows;              // valid ones of this row group
    logic [3:0] words;             // valid ones of this tile
    logic [4:0] out_shift;
    logic [4:0] residual_shift;
  } row_t;
  localparam int ROW_BITS = 25;

  // Report of a product.
  typedef struct packed {
    logic        failed;
    logic [15:0] tag;
    logic [31:0] saturated;        // values that the clamp changed
  } report_t;
  localparam int REPORT_BITS = 49;

  // Why the array stood still in a cycle. The first that holds is counted.
  localparam int STALL_NONE = 0;       // a depth word was issued
  localparam int STALL_COMMAND = 1;    // no product is waiting
  localparam int STALL_SOURCE = 2;     // rows of the operand are not written
  localparam int STALL_RESIDUAL = 3;   // rows of the residual are not written
  localparam int STALL_WEIGHTS = 4;    // the ring does not hold the depth word yet
  localparam int STALL_TARGET = 5;     // an earlier product still writes the same slot
  localparam int STALL_STREAM = 6;     // no room for a row group in the output stream
  localparam int STALL_REPORT = 7;     // no room for the report
  localparam int STALLS = 8;

endpackage
