// Generated from hls/kernel.yaml by `python -m trivit.tools.kernel`; do not edit.
package trivit_spec;
  localparam int TILE_TOKENS = 8;
  localparam int TILE_OUTPUTS = 32;
  localparam int TILE_DEPTH = 8;
  localparam int ACTIVATION_DEPTH = 15360;
  localparam int WEIGHT_DEPTH = 1024;
  localparam int WEIGHT_TILES = 64;
  localparam int PARAM_PORTS = 4;
  localparam int MAX_TOKENS = 208;
  localparam int MAX_DEPTH_WORDS = 384;
  localparam int MAX_HEAD_WORDS = 16;
  localparam int MAX_HEADS = 16;
  localparam int MAX_INSTRUCTIONS = 1024;
  localparam int MAX_SHIFT = 60;
  localparam int MIN_SHIFT = -16;
  localparam int MAX_ALIGN_SHIFT = 30;
  localparam int ENGINE_SUM_BITS = 40;
  localparam int ENGINE_STREAM_ROWS = 64;
  localparam int ENGINE_COMMANDS = 32;
  localparam int ERROR_OK = 0;
  localparam int ERROR_UNKNOWN_OPCODE = 1;
  localparam int ERROR_SIZE_LIMIT = 2;
  localparam int ERROR_ACTIVATION_ADDRESS = 3;
  localparam int ERROR_MEMORY_ADDRESS = 4;
  localparam int ERROR_SHIFT_RANGE = 5;
  localparam int ERROR_PROGRAM_LENGTH = 6;
  localparam int ERROR_INDEX_RANGE = 7;
endpackage
