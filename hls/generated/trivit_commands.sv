// Generated from hls/kernel.yaml by `python -m trivit.tools.kernel`; do not edit.
package trivit_commands;
  localparam int COMMAND_BITS = 256;
  localparam int UNIT_SEQUENCER = 0;
  localparam int UNIT_ENGINE = 1;
  localparam int UNIT_GELU = 2;
  localparam int UNIT_SOFTMAX = 3;
  localparam int UNIT_NORMALISE = 4;
  localparam int UNIT_SELECT = 5;
  localparam int UNIT_ROW_WRITER = 6;
  localparam int UNIT_SOFTMAX_WRITER = 7;
  localparam int UNIT_NORM_WRITER = 8;
  localparam int UNIT_ROW_READER = 9;
  localparam int UNIT_LOAD = 10;
  localparam int UNIT_STORE = 11;
  localparam int UNIT_MOVE_WEIGHTS = 12;
  localparam int UNIT_MOVE_ROWS = 13;
  localparam int UNIT_MOVE_STORE = 14;
  localparam int UNIT_CONNECTIONS = 15;
  localparam int UNIT_GELU_BACKWARD = 16;
  localparam int UNIT_SOFTMAX_BACKWARD = 17;
  localparam int UNIT_CROSS_ENTROPY = 18;
  localparam int UNIT_NORMALISE_BACKWARD = 19;
  localparam int UNIT_UPDATE = 20;
  localparam int UNIT_ADAMW_CONSTANTS = 21;
  localparam int UNIT_UPDATE_ADAMW = 22;
  localparam int UNITS = 23;

  typedef struct packed {
    logic [214:0] reserved;
    logic [23:0] reports;
    logic [4:0] unit;
    logic [10:0] tag;
    logic [0:0] last;
  } sequencer_command_t;

  typedef struct packed {
    logic [52:0] reserved;
    logic [4:0] out_shift;
    logic [4:0] residual_shift;
    logic [4:0] bias_shift;
    logic [3:0] last_rows;
    logic [8:0] out_words;
    logic [8:0] depth_words;
    logic [11:0] rows;
    logic [13:0] target_stride;
    logic [13:0] target;
    logic [13:0] residual;
    logic [13:0] source_stride;
    logic [13:0] source;
    logic [9:0] ring_offset;
    logic [10:0] residual_first;
    logic [10:0] source_first;
    logic [2:0] clear_slot;
    logic [2:0] target_slot;
    logic [2:0] residual_slot;
    logic [2:0] source_slot;
    logic [0:0] announce_load;
    logic [0:0] announce_store;
    logic [0:0] announce_reader;
    logic [0:0] claim;
    logic [0:0] keep;
    logic [0:0] fill;
    logic [4:0] sum_shift;
    logic [0:0] skip_first;
    logic [0:0] sums;
    logic [0:0] partner;
    logic [2:0] stream;
    logic [0:0] to_banks;
    logic [0:0] has_residual;
    logic [0:0] has_bias;
    logic [0:0] rows_outer;
    logic [0:0] transposed;
    logic [0:0] place;
    logic [4:0] unit;
    logic [10:0] tag;
    logic [0:0] last;
  } engine_command_t;

  typedef struct packed {
    logic [205:0] reserved;
    logic [23:0] tile_rows;
    logic [4:0] out_frac;
    logic [3:0] in_frac;
    logic [4:0] unit;
    logic [10:0] tag;
    logic [0:0] last;
  } gelu_command_t;

  typedef struct packed {
    logic [176:0] reserved;
    logic [3:0] prob_frac;
    logic [5:0] exp_shift;
    logic [23:0] exp_multiplier;
    logic [0:0] send_all;
    logic [0:0] send_cls;
    logic [0:0] masked;
    logic [9:0] keys;
    logic [9:0] rows;
    logic [4:0] heads;
    logic [4:0] unit;
    logic [10:0] tag;
    logic [0:0] last;
  } softmax_command_t;

  typedef struct packed {
    logic [99:0] reserved;
    logic [56:0] epsilon;
    logic [22:0] sqrt_width;
    logic [29:0] inv_width;
    logic [4:0] norm_shift;
    logic [4:0] beta_shift;
    logic [8:0] words;
    logic [9:0] rows;
    logic [4:0] unit;
    logic [10:0] tag;
    logic [0:0] last;
  } normalise_command_t;

  typedef struct packed {
    logic [212:0] reserved;
    logic [0:0] send_kept;
    logic [9:0] keep;
    logic [9:0] tokens;
    logic [4:0] heads;
    logic [4:0] unit;
    logic [10:0] tag;
    logic [0:0] last;
  } select_command_t;

  typedef struct packed {
    logic [162:0] reserved;
    logic [2:0] slot;
    logic [13:0] target_stride;
    logic [13:0] target;
    logic [8:0] words;
    logic [9:0] kept;
    logic [9:0] rows;
    logic [9:0] first_row;
    logic [0:0] compact;
    logic [0:0] rows_outer;
    logic [1:0] backward;
    logic [0:0] direct;
    logic [0:0] list;
    logic [4:0] unit;
    logic [10:0] tag;
    logic [0:0] last;
  } row_writer_command_t;

  typedef struct packed {
    logic [174:0] reserved;
    logic [2:0] slot;
    logic [8:0] wrap;
    logic [13:0] target_stride;
    logic [13:0] target;
    logic [8:0] words;
    logic [9:0] rows;
    logic [4:0] heads;
    logic [4:0] unit;
    logic [10:0] tag;
    logic [0:0] last;
  } softmax_writer_command_t;

  typedef struct packed {
    logic [187:0] reserved;
    logic [0:0] backward;
    logic [2:0] slot;
    logic [13:0] target_stride;
    logic [13:0] target;
    logic [8:0] words;
    logic [9:0] rows;
    logic [4:0] unit;
    logic [10:0] tag;
    logic [0:0] last;
  } norm_writer_command_t;

  typedef struct packed {
    logic [147:0] reserved;
    logic [13:0] third;
    logic [13:0] second;
    logic [1:0] tensors;
    logic [10:0] first;
    logic [2:0] slot;
    logic [13:0] source_stride;
    logic [13:0] source;
    logic [8:0] words;
    logic [9:0] rows;
    logic [4:0] unit;
    logic [10:0] tag;
    logic [0:0] last;
  } row_reader_command_t;

  typedef struct packed {
    logic [174:0] reserved;
    logic [0:0] announced;
    logic [0:0] complete;
    logic [2:0] slot;
    logic [13:0] target_stride;
    logic [13:0] target;
    logic [8:0] words;
    logic [9:0] rows;
    logic [9:0] first_row;
    logic [0:0] backward;
    logic [0:0] vectors;
    logic [4:0] unit;
    logic [10:0] tag;
    logic [0:0] last;
  } load_command_t;

  typedef struct packed {
    logic [176:0] reserved;
    logic [0:0] spread;
    logic [10:0] first;
    logic [2:0] slot;
    logic [13:0] source_stride;
    logic [13:0] source;
    logic [8:0] words;
    logic [9:0] rows;
    logic [4:0] unit;
    logic [10:0] tag;
    logic [0:0] last;
  } store_command_t;

  typedef struct packed {
    logic [135:0] reserved;
    logic [8:0] groups;
    logic [31:0] port_stride;
    logic [31:0] address;
    logic [23:0] words;
    logic [3:0] ports;
    logic [1:0] base;
    logic [4:0] unit;
    logic [10:0] tag;
    logic [0:0] last;
  } move_weights_command_t;

  typedef struct packed {
    logic [107:0] reserved;
    logic [31:0] plane_stride;
    logic [2:0] planes;
    logic [0:0] update;
    logic [0:0] fenced;
    logic [31:0] port_stride;
    logic [31:0] address;
    logic [23:0] words;
    logic [3:0] ports;
    logic [1:0] base;
    logic [4:0] unit;
    logic [10:0] tag;
    logic [0:0] last;
  } move_rows_command_t;

  typedef struct packed {
    logic [98:0] reserved;
    logic [0:0] bias;
    logic [31:0] plane_stride;
    logic [2:0] planes;
    logic [0:0] update;
    logic [8:0] groups;
    logic [31:0] port_stride;
    logic [31:0] address;
    logic [23:0] words;
    logic [3:0] ports;
    logic [1:0] base;
    logic [4:0] unit;
    logic [10:0] tag;
    logic [0:0] last;
  } move_store_command_t;

  typedef struct packed {
    logic [192:0] reserved;
    logic [9:0] keep;
    logic [9:0] kept;
    logic [9:0] keys;
    logic [9:0] rows;
    logic [4:0] heads;
    logic [0:0] replay;
    logic [4:0] unit;
    logic [10:0] tag;
    logic [0:0] last;
  } connections_command_t;

  typedef struct packed {
    logic [204:0] reserved;
    logic [23:0] tile_rows;
    logic [5:0] shift;
    logic [3:0] in_frac;
    logic [4:0] unit;
    logic [10:0] tag;
    logic [0:0] last;
  } gelu_backward_command_t;

  typedef struct packed {
    logic [191:0] reserved;
    logic [6:0] shift;
    logic [15:0] scale;
    logic [3:0] prob_frac;
    logic [9:0] keys;
    logic [9:0] rows;
    logic [4:0] unit;
    logic [10:0] tag;
    logic [0:0] last;
  } softmax_backward_command_t;

  typedef struct packed {
    logic [189:0] reserved;
    logic [5:0] frac;
    logic [5:0] exp_shift;
    logic [23:0] exp_multiplier;
    logic [12:0] classes;
    logic [4:0] unit;
    logic [10:0] tag;
    logic [0:0] last;
  } cross_entropy_command_t;

  typedef struct packed {
    logic [79:0] reserved;
    logic [5:0] gamma_shift;
    logic [6:0] addend_shift;
    logic [0:0] addend;
    logic [5:0] shift;
    logic [56:0] epsilon;
    logic [22:0] sqrt_width;
    logic [29:0] inv_width;
    logic [8:0] words;
    logic [9:0] normalised;
    logic [9:0] rows;
    logic [4:0] unit;
    logic [10:0] tag;
    logic [0:0] last;
  } normalise_backward_command_t;

  typedef struct packed {
    logic [8:0] reserved;
    logic [8:0] groups;
    logic [31:0] bias_key;
    logic [6:0] bias_rate_shift;
    logic [6:0] bias_gradient_shift;
    logic [31:0] key;
    logic [6:0] rate_shift;
    logic [6:0] gradient_shift;
    logic [6:0] decay_shift;
    logic [15:0] decay;
    logic [23:0] rate;
    logic [16:0] clip;
    logic [16:0] momentum;
    logic [0:0] stochastic;
    logic [0:0] masters;
    logic [8:0] depth_words;
    logic [12:0] line;
    logic [23:0] words;
    logic [4:0] unit;
    logic [10:0] tag;
    logic [0:0] last;
  } update_command_t;

  typedef struct packed {
    logic [5:0] reserved;
    logic [40:0] bias_floor;
    logic [31:0] bias_second_key;
    logic [31:0] bias_key;
    logic [6:0] bias_rate_shift;
    logic [7:0] bias_direction_shift;
    logic [7:0] bias_square_shift;
    logic [6:0] bias_mean_shift;
    logic [15:0] correction;
    logic [23:0] rate;
    logic [16:0] clip;
    logic [23:0] alpha2;
    logic [16:0] beta1;
    logic [4:0] unit;
    logic [10:0] tag;
    logic [0:0] last;
  } adamw_constants_command_t;

  typedef struct packed {
    logic [23:0] reserved;
    logic [40:0] floor;
    logic [31:0] second_key;
    logic [31:0] key;
    logic [6:0] rate_shift;
    logic [7:0] direction_shift;
    logic [7:0] square_shift;
    logic [6:0] mean_shift;
    logic [6:0] decay_shift;
    logic [15:0] decay;
    logic [0:0] stochastic;
    logic [0:0] masters;
    logic [8:0] groups;
    logic [8:0] depth_words;
    logic [12:0] line;
    logic [23:0] words;
    logic [4:0] unit;
    logic [10:0] tag;
    logic [0:0] last;
  } update_adamw_command_t;
endpackage
