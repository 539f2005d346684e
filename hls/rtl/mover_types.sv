// What the movers take: commands of 128 bits, and what their cycles are counted by.
package mover_types;

  // Words of 16 bytes that lie one after the other. The command waits until each port in
  // `fence_ports` has finished `fence` write commands, counted since the reset, modulo 2^16: a
  // count that lies up to 32,767 commands back is finished. No port in the mask: no wait.
  // With `tiles`, a matrix by columns (README.md): so many tiles of outputs in this port, `words`
  // words in a row; with `bias` its first pieces begin a word earlier. With `planes` (0 is 1), 32 words
  // of each plane in turn, `words` of each, from one plane to the next `plane_stride`; `update`: of or
  // for the block of that name.
  typedef struct packed {
    logic [31:0] plane_stride;
    logic [ 2:0] none;
    logic        bias;
    logic        update;
    logic [ 2:0] planes;
    logic [ 7:0] tiles;
    logic [ 3:0] fence_ports;
    logic [15:0] fence;
    logic [23:0] words;           // zero: nothing moves; a write command is counted all the same
    logic [35:0] address;         // in words
  } move_t;
  localparam int MOVE_BITS = 128;

  // What the read side did in a cycle. The first that holds is counted.
  localparam int READ_WORD = 0;      // a word arrived
  localparam int READ_ADDRESS = 1;   // the memory does not take an address
  localparam int READ_OPEN = 2;      // a burst waits, OPEN bursts are under way
  localparam int READ_ROOM = 3;      // a burst waits for room in its stream
  localparam int READ_MEMORY = 4;    // bursts are under way, none waits
  localparam int READ_FENCE = 5;     // a command waits for writes
  localparam int READ_IDLE = 6;

  // What the write side did in a cycle. The first that holds is counted.
  localparam int WRITE_WORD = 0;     // a word left
  localparam int WRITE_ADDRESS = 1;  // the memory does not take an address
  localparam int WRITE_DATA = 2;     // the memory does not take a word
  localparam int WRITE_OPEN = 3;     // a burst waits, OPEN bursts have no response yet
  localparam int WRITE_ROWS = 4;     // a burst waits for its words
  localparam int WRITE_MEMORY = 5;   // responses are missing, no burst waits
  localparam int WRITE_FENCE = 6;    // a command waits for writes
  localparam int WRITE_IDLE = 7;

endpackage
