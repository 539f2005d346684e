// Generated from hls/kernel.yaml by `python -m trivit.tools.kernel`; do not edit.

localparam logic [7:0] ADDR_CONTROL = 8'h00;
localparam int BIT_START = 0;
localparam int BIT_DONE = 1;
localparam int BIT_IDLE = 2;
localparam int BIT_READY = 3;
localparam int BIT_AUTO_RESTART = 7;
localparam int BIT_INTERRUPT = 9;
localparam logic [7:0] ADDR_GIER = 8'h04;
localparam logic [7:0] ADDR_IER = 8'h08;
localparam logic [7:0] ADDR_ISR = 8'h0c;
localparam logic [7:0] ADDR_STATUS = 8'h10;
localparam logic [7:0] ADDR_PROGRAM = 8'h18;
localparam logic [7:0] ADDR_PROGRAM_HIGH = 8'h1c;
localparam logic [7:0] ADDR_PARAMS = 8'h24;
localparam logic [7:0] ADDR_PARAMS_HIGH = 8'h28;
localparam logic [7:0] ADDR_INPUT = 8'h30;
localparam logic [7:0] ADDR_INPUT_HIGH = 8'h34;
localparam logic [7:0] ADDR_OUTPUT = 8'h3c;
localparam logic [7:0] ADDR_OUTPUT_HIGH = 8'h40;
localparam logic [7:0] ADDR_STATS = 8'h48;
localparam logic [7:0] ADDR_STATS_HIGH = 8'h4c;
localparam logic [7:0] ADDR_NUM_INSTRUCTIONS = 8'h54;
localparam logic [7:0] ADDR_NUM_IMAGES = 8'h5c;
localparam logic [7:0] ADDR_PARAMS_WORDS = 8'h64;
localparam logic [7:0] ADDR_INPUT_WORDS = 8'h6c;
localparam logic [7:0] ADDR_OUTPUT_WORDS = 8'h74;
