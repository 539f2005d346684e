// Generated from hls/kernel.yaml by `python -m trivit.tools.kernel`; do not edit.
// The accelerator as a cell of a block design: AXI4-Lite, AXI4, and AXI4-Stream
// ports for the HLS blocks. hls/rtl/README.md says what connects to what.
module trivit_top #(
    parameter ACTIVATION_DEPTH = 15360
) (
    (* X_INTERFACE_PARAMETER = "ASSOCIATED_BUSIF m_axi_gmem0:m_axi_gmem1:m_axi_gmem2:m_axi_gmem3:m_axi_gmem4:s_axi_control:jobs:descriptors:program_end:engine:row_writer:softmax_writer:norm_writer:row_reader:load:store:training:weights0:weights1:weights2:weights3:rows0:rows1:rows2:rows3:stores0:stores1:stores2:stores3:gelu_rows:gelu_results:softmax_scores:softmax_results:select_lists:normalise_rows:normalise_vectors:normalise_results:gelu_reports:softmax_reports:normalise_reports:select_reports:connections_reports, ASSOCIATED_RESET ap_rst_n:blocks_rst_n" *)
    (* X_INTERFACE_INFO = "xilinx.com:signal:clock:1.0 ap_clk CLK" *)
    input wire ap_clk,
    (* X_INTERFACE_PARAMETER = "POLARITY ACTIVE_LOW" *)
    (* X_INTERFACE_INFO = "xilinx.com:signal:reset:1.0 ap_rst_n RST" *)
    input wire ap_rst_n,
    (* X_INTERFACE_PARAMETER = "POLARITY ACTIVE_LOW" *)
    (* X_INTERFACE_INFO = "xilinx.com:signal:reset:1.0 blocks_rst_n RST" *)
    output wire blocks_rst_n,
    (* X_INTERFACE_PARAMETER = "SENSITIVITY LEVEL_HIGH" *)
    (* X_INTERFACE_INFO = "xilinx.com:signal:interrupt:1.0 interrupt INTERRUPT" *)
    output wire interrupt,
    (* X_INTERFACE_PARAMETER = "PROTOCOL AXI4LITE, DATA_WIDTH 32, ADDR_WIDTH 12" *)
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 s_axi_control AWADDR" *)
    input wire [11:0] s_axi_control_AWADDR,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 s_axi_control AWVALID" *)
    input wire s_axi_control_AWVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 s_axi_control AWREADY" *)
    output wire s_axi_control_AWREADY,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 s_axi_control WDATA" *)
    input wire [31:0] s_axi_control_WDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 s_axi_control WSTRB" *)
    input wire [3:0] s_axi_control_WSTRB,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 s_axi_control WVALID" *)
    input wire s_axi_control_WVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 s_axi_control WREADY" *)
    output wire s_axi_control_WREADY,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 s_axi_control BRESP" *)
    output wire [1:0] s_axi_control_BRESP,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 s_axi_control BVALID" *)
    output wire s_axi_control_BVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 s_axi_control BREADY" *)
    input wire s_axi_control_BREADY,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 s_axi_control ARADDR" *)
    input wire [11:0] s_axi_control_ARADDR,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 s_axi_control ARVALID" *)
    input wire s_axi_control_ARVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 s_axi_control ARREADY" *)
    output wire s_axi_control_ARREADY,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 s_axi_control RDATA" *)
    output wire [31:0] s_axi_control_RDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 s_axi_control RRESP" *)
    output wire [1:0] s_axi_control_RRESP,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 s_axi_control RVALID" *)
    output wire s_axi_control_RVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 s_axi_control RREADY" *)
    input wire s_axi_control_RREADY,
    (* X_INTERFACE_PARAMETER = "TDATA_NUM_BYTES 32, HAS_TREADY 1" *)
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 engine TDATA" *)
    input wire [255:0] engine_TDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 engine TVALID" *)
    input wire engine_TVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 engine TREADY" *)
    output wire engine_TREADY,
    (* X_INTERFACE_PARAMETER = "TDATA_NUM_BYTES 32, HAS_TREADY 1" *)
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 row_writer TDATA" *)
    input wire [255:0] row_writer_TDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 row_writer TVALID" *)
    input wire row_writer_TVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 row_writer TREADY" *)
    output wire row_writer_TREADY,
    (* X_INTERFACE_PARAMETER = "TDATA_NUM_BYTES 32, HAS_TREADY 1" *)
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 softmax_writer TDATA" *)
    input wire [255:0] softmax_writer_TDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 softmax_writer TVALID" *)
    input wire softmax_writer_TVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 softmax_writer TREADY" *)
    output wire softmax_writer_TREADY,
    (* X_INTERFACE_PARAMETER = "TDATA_NUM_BYTES 32, HAS_TREADY 1" *)
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 norm_writer TDATA" *)
    input wire [255:0] norm_writer_TDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 norm_writer TVALID" *)
    input wire norm_writer_TVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 norm_writer TREADY" *)
    output wire norm_writer_TREADY,
    (* X_INTERFACE_PARAMETER = "TDATA_NUM_BYTES 32, HAS_TREADY 1" *)
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 row_reader TDATA" *)
    input wire [255:0] row_reader_TDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 row_reader TVALID" *)
    input wire row_reader_TVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 row_reader TREADY" *)
    output wire row_reader_TREADY,
    (* X_INTERFACE_PARAMETER = "TDATA_NUM_BYTES 32, HAS_TREADY 1" *)
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 load TDATA" *)
    input wire [255:0] load_TDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 load TVALID" *)
    input wire load_TVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 load TREADY" *)
    output wire load_TREADY,
    (* X_INTERFACE_PARAMETER = "TDATA_NUM_BYTES 32, HAS_TREADY 1" *)
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 store TDATA" *)
    input wire [255:0] store_TDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 store TVALID" *)
    input wire store_TVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 store TREADY" *)
    output wire store_TREADY,
    (* X_INTERFACE_PARAMETER = "TDATA_NUM_BYTES 16, HAS_TREADY 1" *)
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 weights0 TDATA" *)
    input wire [127:0] weights0_TDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 weights0 TVALID" *)
    input wire weights0_TVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 weights0 TREADY" *)
    output wire weights0_TREADY,
    (* X_INTERFACE_PARAMETER = "TDATA_NUM_BYTES 16, HAS_TREADY 1" *)
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 weights1 TDATA" *)
    input wire [127:0] weights1_TDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 weights1 TVALID" *)
    input wire weights1_TVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 weights1 TREADY" *)
    output wire weights1_TREADY,
    (* X_INTERFACE_PARAMETER = "TDATA_NUM_BYTES 16, HAS_TREADY 1" *)
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 weights2 TDATA" *)
    input wire [127:0] weights2_TDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 weights2 TVALID" *)
    input wire weights2_TVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 weights2 TREADY" *)
    output wire weights2_TREADY,
    (* X_INTERFACE_PARAMETER = "TDATA_NUM_BYTES 16, HAS_TREADY 1" *)
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 weights3 TDATA" *)
    input wire [127:0] weights3_TDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 weights3 TVALID" *)
    input wire weights3_TVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 weights3 TREADY" *)
    output wire weights3_TREADY,
    (* X_INTERFACE_PARAMETER = "TDATA_NUM_BYTES 16, HAS_TREADY 1" *)
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 rows0 TDATA" *)
    input wire [127:0] rows0_TDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 rows0 TVALID" *)
    input wire rows0_TVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 rows0 TREADY" *)
    output wire rows0_TREADY,
    (* X_INTERFACE_PARAMETER = "TDATA_NUM_BYTES 16, HAS_TREADY 1" *)
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 rows1 TDATA" *)
    input wire [127:0] rows1_TDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 rows1 TVALID" *)
    input wire rows1_TVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 rows1 TREADY" *)
    output wire rows1_TREADY,
    (* X_INTERFACE_PARAMETER = "TDATA_NUM_BYTES 16, HAS_TREADY 1" *)
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 rows2 TDATA" *)
    input wire [127:0] rows2_TDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 rows2 TVALID" *)
    input wire rows2_TVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 rows2 TREADY" *)
    output wire rows2_TREADY,
    (* X_INTERFACE_PARAMETER = "TDATA_NUM_BYTES 16, HAS_TREADY 1" *)
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 rows3 TDATA" *)
    input wire [127:0] rows3_TDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 rows3 TVALID" *)
    input wire rows3_TVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 rows3 TREADY" *)
    output wire rows3_TREADY,
    (* X_INTERFACE_PARAMETER = "TDATA_NUM_BYTES 16, HAS_TREADY 1" *)
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 stores0 TDATA" *)
    input wire [127:0] stores0_TDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 stores0 TVALID" *)
    input wire stores0_TVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 stores0 TREADY" *)
    output wire stores0_TREADY,
    (* X_INTERFACE_PARAMETER = "TDATA_NUM_BYTES 16, HAS_TREADY 1" *)
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 stores1 TDATA" *)
    input wire [127:0] stores1_TDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 stores1 TVALID" *)
    input wire stores1_TVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 stores1 TREADY" *)
    output wire stores1_TREADY,
    (* X_INTERFACE_PARAMETER = "TDATA_NUM_BYTES 16, HAS_TREADY 1" *)
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 stores2 TDATA" *)
    input wire [127:0] stores2_TDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 stores2 TVALID" *)
    input wire stores2_TVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 stores2 TREADY" *)
    output wire stores2_TREADY,
    (* X_INTERFACE_PARAMETER = "TDATA_NUM_BYTES 16, HAS_TREADY 1" *)
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 stores3 TDATA" *)
    input wire [127:0] stores3_TDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 stores3 TVALID" *)
    input wire stores3_TVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 stores3 TREADY" *)
    output wire stores3_TREADY,
    (* X_INTERFACE_PARAMETER = "TDATA_NUM_BYTES 8, HAS_TREADY 1" *)
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 gelu_reports TDATA" *)
    input wire [63:0] gelu_reports_TDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 gelu_reports TVALID" *)
    input wire gelu_reports_TVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 gelu_reports TREADY" *)
    output wire gelu_reports_TREADY,
    (* X_INTERFACE_PARAMETER = "TDATA_NUM_BYTES 8, HAS_TREADY 1" *)
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 softmax_reports TDATA" *)
    input wire [63:0] softmax_reports_TDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 softmax_reports TVALID" *)
    input wire softmax_reports_TVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 softmax_reports TREADY" *)
    output wire softmax_reports_TREADY,
    (* X_INTERFACE_PARAMETER = "TDATA_NUM_BYTES 8, HAS_TREADY 1" *)
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 normalise_reports TDATA" *)
    input wire [63:0] normalise_reports_TDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 normalise_reports TVALID" *)
    input wire normalise_reports_TVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 normalise_reports TREADY" *)
    output wire normalise_reports_TREADY,
    (* X_INTERFACE_PARAMETER = "TDATA_NUM_BYTES 8, HAS_TREADY 1" *)
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 select_reports TDATA" *)
    input wire [63:0] select_reports_TDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 select_reports TVALID" *)
    input wire select_reports_TVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 select_reports TREADY" *)
    output wire select_reports_TREADY,
    (* X_INTERFACE_PARAMETER = "TDATA_NUM_BYTES 8, HAS_TREADY 1" *)
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 connections_reports TDATA" *)
    input wire [63:0] connections_reports_TDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 connections_reports TVALID" *)
    input wire connections_reports_TVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 connections_reports TREADY" *)
    output wire connections_reports_TREADY,
    (* X_INTERFACE_PARAMETER = "TDATA_NUM_BYTES 32, HAS_TREADY 1" *)
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 jobs TDATA" *)
    output wire [255:0] jobs_TDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 jobs TVALID" *)
    output wire jobs_TVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 jobs TREADY" *)
    input wire jobs_TREADY,
    (* X_INTERFACE_PARAMETER = "TDATA_NUM_BYTES 32, HAS_TREADY 1" *)
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 descriptors TDATA" *)
    output wire [255:0] descriptors_TDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 descriptors TVALID" *)
    output wire descriptors_TVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 descriptors TREADY" *)
    input wire descriptors_TREADY,
    (* X_INTERFACE_PARAMETER = "TDATA_NUM_BYTES 3, HAS_TREADY 1" *)
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 program_end TDATA" *)
    input wire [23:0] program_end_TDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 program_end TVALID" *)
    input wire program_end_TVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 program_end TREADY" *)
    output wire program_end_TREADY,
    (* X_INTERFACE_PARAMETER = "TDATA_NUM_BYTES 32, HAS_TREADY 1" *)
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 training TDATA" *)
    input wire [255:0] training_TDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 training TVALID" *)
    input wire training_TVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 training TREADY" *)
    output wire training_TREADY,
    (* X_INTERFACE_PARAMETER = "TDATA_NUM_BYTES 64, HAS_TREADY 1" *)
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 gelu_rows TDATA" *)
    output wire [511:0] gelu_rows_TDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 gelu_rows TVALID" *)
    output wire gelu_rows_TVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 gelu_rows TREADY" *)
    input wire gelu_rows_TREADY,
    (* X_INTERFACE_PARAMETER = "TDATA_NUM_BYTES 64, HAS_TREADY 1" *)
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 gelu_results TDATA" *)
    input wire [511:0] gelu_results_TDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 gelu_results TVALID" *)
    input wire gelu_results_TVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 gelu_results TREADY" *)
    output wire gelu_results_TREADY,
    (* X_INTERFACE_PARAMETER = "TDATA_NUM_BYTES 64, HAS_TREADY 1" *)
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 softmax_scores TDATA" *)
    output wire [511:0] softmax_scores_TDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 softmax_scores TVALID" *)
    output wire softmax_scores_TVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 softmax_scores TREADY" *)
    input wire softmax_scores_TREADY,
    (* X_INTERFACE_PARAMETER = "TDATA_NUM_BYTES 32, HAS_TREADY 1" *)
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 softmax_results TDATA" *)
    input wire [255:0] softmax_results_TDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 softmax_results TVALID" *)
    input wire softmax_results_TVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 softmax_results TREADY" *)
    output wire softmax_results_TREADY,
    (* X_INTERFACE_PARAMETER = "TDATA_NUM_BYTES 16, HAS_TREADY 1" *)
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 select_lists TDATA" *)
    input wire [127:0] select_lists_TDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 select_lists TVALID" *)
    input wire select_lists_TVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 select_lists TREADY" *)
    output wire select_lists_TREADY,
    (* X_INTERFACE_PARAMETER = "TDATA_NUM_BYTES 32, HAS_TREADY 1" *)
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 normalise_rows TDATA" *)
    output wire [255:0] normalise_rows_TDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 normalise_rows TVALID" *)
    output wire normalise_rows_TVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 normalise_rows TREADY" *)
    input wire normalise_rows_TREADY,
    (* X_INTERFACE_PARAMETER = "TDATA_NUM_BYTES 32, HAS_TREADY 1" *)
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 normalise_vectors TDATA" *)
    output wire [255:0] normalise_vectors_TDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 normalise_vectors TVALID" *)
    output wire normalise_vectors_TVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 normalise_vectors TREADY" *)
    input wire normalise_vectors_TREADY,
    (* X_INTERFACE_PARAMETER = "TDATA_NUM_BYTES 32, HAS_TREADY 1" *)
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 normalise_results TDATA" *)
    input wire [255:0] normalise_results_TDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 normalise_results TVALID" *)
    input wire normalise_results_TVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:axis:1.0 normalise_results TREADY" *)
    output wire normalise_results_TREADY,
    (* X_INTERFACE_PARAMETER = "PROTOCOL AXI4, DATA_WIDTH 128, ADDR_WIDTH 64, ID_WIDTH 1, MAX_BURST_LENGTH 16, NUM_READ_OUTSTANDING 16, NUM_WRITE_OUTSTANDING 16, SUPPORTS_NARROW_BURST 0, READ_WRITE_MODE READ_WRITE" *)
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem0 ARADDR" *)
    output wire [63:0] m_axi_gmem0_ARADDR,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem0 ARLEN" *)
    output wire [7:0] m_axi_gmem0_ARLEN,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem0 ARSIZE" *)
    output wire [2:0] m_axi_gmem0_ARSIZE,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem0 ARBURST" *)
    output wire [1:0] m_axi_gmem0_ARBURST,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem0 ARID" *)
    output wire [0:0] m_axi_gmem0_ARID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem0 ARLOCK" *)
    output wire [0:0] m_axi_gmem0_ARLOCK,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem0 ARCACHE" *)
    output wire [3:0] m_axi_gmem0_ARCACHE,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem0 ARPROT" *)
    output wire [2:0] m_axi_gmem0_ARPROT,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem0 ARQOS" *)
    output wire [3:0] m_axi_gmem0_ARQOS,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem0 ARREGION" *)
    output wire [3:0] m_axi_gmem0_ARREGION,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem0 ARVALID" *)
    output wire m_axi_gmem0_ARVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem0 ARREADY" *)
    input wire m_axi_gmem0_ARREADY,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem0 AWADDR" *)
    output wire [63:0] m_axi_gmem0_AWADDR,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem0 AWLEN" *)
    output wire [7:0] m_axi_gmem0_AWLEN,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem0 AWSIZE" *)
    output wire [2:0] m_axi_gmem0_AWSIZE,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem0 AWBURST" *)
    output wire [1:0] m_axi_gmem0_AWBURST,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem0 AWID" *)
    output wire [0:0] m_axi_gmem0_AWID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem0 AWLOCK" *)
    output wire [0:0] m_axi_gmem0_AWLOCK,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem0 AWCACHE" *)
    output wire [3:0] m_axi_gmem0_AWCACHE,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem0 AWPROT" *)
    output wire [2:0] m_axi_gmem0_AWPROT,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem0 AWQOS" *)
    output wire [3:0] m_axi_gmem0_AWQOS,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem0 AWREGION" *)
    output wire [3:0] m_axi_gmem0_AWREGION,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem0 AWVALID" *)
    output wire m_axi_gmem0_AWVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem0 AWREADY" *)
    input wire m_axi_gmem0_AWREADY,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem0 RID" *)
    input wire [0:0] m_axi_gmem0_RID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem0 RDATA" *)
    input wire [127:0] m_axi_gmem0_RDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem0 RRESP" *)
    input wire [1:0] m_axi_gmem0_RRESP,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem0 RLAST" *)
    input wire m_axi_gmem0_RLAST,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem0 RVALID" *)
    input wire m_axi_gmem0_RVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem0 RREADY" *)
    output wire m_axi_gmem0_RREADY,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem0 WDATA" *)
    output wire [127:0] m_axi_gmem0_WDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem0 WSTRB" *)
    output wire [15:0] m_axi_gmem0_WSTRB,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem0 WLAST" *)
    output wire m_axi_gmem0_WLAST,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem0 WVALID" *)
    output wire m_axi_gmem0_WVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem0 WREADY" *)
    input wire m_axi_gmem0_WREADY,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem0 BID" *)
    input wire [0:0] m_axi_gmem0_BID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem0 BRESP" *)
    input wire [1:0] m_axi_gmem0_BRESP,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem0 BVALID" *)
    input wire m_axi_gmem0_BVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem0 BREADY" *)
    output wire m_axi_gmem0_BREADY,
    (* X_INTERFACE_PARAMETER = "PROTOCOL AXI4, DATA_WIDTH 128, ADDR_WIDTH 64, ID_WIDTH 1, MAX_BURST_LENGTH 16, NUM_READ_OUTSTANDING 16, NUM_WRITE_OUTSTANDING 16, SUPPORTS_NARROW_BURST 0, READ_WRITE_MODE READ_WRITE" *)
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem1 ARADDR" *)
    output wire [63:0] m_axi_gmem1_ARADDR,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem1 ARLEN" *)
    output wire [7:0] m_axi_gmem1_ARLEN,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem1 ARSIZE" *)
    output wire [2:0] m_axi_gmem1_ARSIZE,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem1 ARBURST" *)
    output wire [1:0] m_axi_gmem1_ARBURST,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem1 ARID" *)
    output wire [0:0] m_axi_gmem1_ARID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem1 ARLOCK" *)
    output wire [0:0] m_axi_gmem1_ARLOCK,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem1 ARCACHE" *)
    output wire [3:0] m_axi_gmem1_ARCACHE,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem1 ARPROT" *)
    output wire [2:0] m_axi_gmem1_ARPROT,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem1 ARQOS" *)
    output wire [3:0] m_axi_gmem1_ARQOS,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem1 ARREGION" *)
    output wire [3:0] m_axi_gmem1_ARREGION,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem1 ARVALID" *)
    output wire m_axi_gmem1_ARVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem1 ARREADY" *)
    input wire m_axi_gmem1_ARREADY,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem1 AWADDR" *)
    output wire [63:0] m_axi_gmem1_AWADDR,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem1 AWLEN" *)
    output wire [7:0] m_axi_gmem1_AWLEN,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem1 AWSIZE" *)
    output wire [2:0] m_axi_gmem1_AWSIZE,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem1 AWBURST" *)
    output wire [1:0] m_axi_gmem1_AWBURST,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem1 AWID" *)
    output wire [0:0] m_axi_gmem1_AWID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem1 AWLOCK" *)
    output wire [0:0] m_axi_gmem1_AWLOCK,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem1 AWCACHE" *)
    output wire [3:0] m_axi_gmem1_AWCACHE,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem1 AWPROT" *)
    output wire [2:0] m_axi_gmem1_AWPROT,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem1 AWQOS" *)
    output wire [3:0] m_axi_gmem1_AWQOS,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem1 AWREGION" *)
    output wire [3:0] m_axi_gmem1_AWREGION,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem1 AWVALID" *)
    output wire m_axi_gmem1_AWVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem1 AWREADY" *)
    input wire m_axi_gmem1_AWREADY,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem1 RID" *)
    input wire [0:0] m_axi_gmem1_RID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem1 RDATA" *)
    input wire [127:0] m_axi_gmem1_RDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem1 RRESP" *)
    input wire [1:0] m_axi_gmem1_RRESP,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem1 RLAST" *)
    input wire m_axi_gmem1_RLAST,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem1 RVALID" *)
    input wire m_axi_gmem1_RVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem1 RREADY" *)
    output wire m_axi_gmem1_RREADY,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem1 WDATA" *)
    output wire [127:0] m_axi_gmem1_WDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem1 WSTRB" *)
    output wire [15:0] m_axi_gmem1_WSTRB,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem1 WLAST" *)
    output wire m_axi_gmem1_WLAST,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem1 WVALID" *)
    output wire m_axi_gmem1_WVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem1 WREADY" *)
    input wire m_axi_gmem1_WREADY,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem1 BID" *)
    input wire [0:0] m_axi_gmem1_BID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem1 BRESP" *)
    input wire [1:0] m_axi_gmem1_BRESP,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem1 BVALID" *)
    input wire m_axi_gmem1_BVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem1 BREADY" *)
    output wire m_axi_gmem1_BREADY,
    (* X_INTERFACE_PARAMETER = "PROTOCOL AXI4, DATA_WIDTH 128, ADDR_WIDTH 64, ID_WIDTH 1, MAX_BURST_LENGTH 16, NUM_READ_OUTSTANDING 16, NUM_WRITE_OUTSTANDING 16, SUPPORTS_NARROW_BURST 0, READ_WRITE_MODE READ_WRITE" *)
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem2 ARADDR" *)
    output wire [63:0] m_axi_gmem2_ARADDR,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem2 ARLEN" *)
    output wire [7:0] m_axi_gmem2_ARLEN,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem2 ARSIZE" *)
    output wire [2:0] m_axi_gmem2_ARSIZE,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem2 ARBURST" *)
    output wire [1:0] m_axi_gmem2_ARBURST,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem2 ARID" *)
    output wire [0:0] m_axi_gmem2_ARID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem2 ARLOCK" *)
    output wire [0:0] m_axi_gmem2_ARLOCK,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem2 ARCACHE" *)
    output wire [3:0] m_axi_gmem2_ARCACHE,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem2 ARPROT" *)
    output wire [2:0] m_axi_gmem2_ARPROT,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem2 ARQOS" *)
    output wire [3:0] m_axi_gmem2_ARQOS,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem2 ARREGION" *)
    output wire [3:0] m_axi_gmem2_ARREGION,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem2 ARVALID" *)
    output wire m_axi_gmem2_ARVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem2 ARREADY" *)
    input wire m_axi_gmem2_ARREADY,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem2 AWADDR" *)
    output wire [63:0] m_axi_gmem2_AWADDR,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem2 AWLEN" *)
    output wire [7:0] m_axi_gmem2_AWLEN,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem2 AWSIZE" *)
    output wire [2:0] m_axi_gmem2_AWSIZE,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem2 AWBURST" *)
    output wire [1:0] m_axi_gmem2_AWBURST,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem2 AWID" *)
    output wire [0:0] m_axi_gmem2_AWID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem2 AWLOCK" *)
    output wire [0:0] m_axi_gmem2_AWLOCK,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem2 AWCACHE" *)
    output wire [3:0] m_axi_gmem2_AWCACHE,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem2 AWPROT" *)
    output wire [2:0] m_axi_gmem2_AWPROT,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem2 AWQOS" *)
    output wire [3:0] m_axi_gmem2_AWQOS,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem2 AWREGION" *)
    output wire [3:0] m_axi_gmem2_AWREGION,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem2 AWVALID" *)
    output wire m_axi_gmem2_AWVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem2 AWREADY" *)
    input wire m_axi_gmem2_AWREADY,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem2 RID" *)
    input wire [0:0] m_axi_gmem2_RID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem2 RDATA" *)
    input wire [127:0] m_axi_gmem2_RDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem2 RRESP" *)
    input wire [1:0] m_axi_gmem2_RRESP,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem2 RLAST" *)
    input wire m_axi_gmem2_RLAST,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem2 RVALID" *)
    input wire m_axi_gmem2_RVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem2 RREADY" *)
    output wire m_axi_gmem2_RREADY,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem2 WDATA" *)
    output wire [127:0] m_axi_gmem2_WDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem2 WSTRB" *)
    output wire [15:0] m_axi_gmem2_WSTRB,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem2 WLAST" *)
    output wire m_axi_gmem2_WLAST,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem2 WVALID" *)
    output wire m_axi_gmem2_WVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem2 WREADY" *)
    input wire m_axi_gmem2_WREADY,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem2 BID" *)
    input wire [0:0] m_axi_gmem2_BID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem2 BRESP" *)
    input wire [1:0] m_axi_gmem2_BRESP,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem2 BVALID" *)
    input wire m_axi_gmem2_BVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem2 BREADY" *)
    output wire m_axi_gmem2_BREADY,
    (* X_INTERFACE_PARAMETER = "PROTOCOL AXI4, DATA_WIDTH 128, ADDR_WIDTH 64, ID_WIDTH 1, MAX_BURST_LENGTH 16, NUM_READ_OUTSTANDING 16, NUM_WRITE_OUTSTANDING 16, SUPPORTS_NARROW_BURST 0, READ_WRITE_MODE READ_WRITE" *)
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem3 ARADDR" *)
    output wire [63:0] m_axi_gmem3_ARADDR,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem3 ARLEN" *)
    output wire [7:0] m_axi_gmem3_ARLEN,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem3 ARSIZE" *)
    output wire [2:0] m_axi_gmem3_ARSIZE,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem3 ARBURST" *)
    output wire [1:0] m_axi_gmem3_ARBURST,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem3 ARID" *)
    output wire [0:0] m_axi_gmem3_ARID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem3 ARLOCK" *)
    output wire [0:0] m_axi_gmem3_ARLOCK,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem3 ARCACHE" *)
    output wire [3:0] m_axi_gmem3_ARCACHE,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem3 ARPROT" *)
    output wire [2:0] m_axi_gmem3_ARPROT,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem3 ARQOS" *)
    output wire [3:0] m_axi_gmem3_ARQOS,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem3 ARREGION" *)
    output wire [3:0] m_axi_gmem3_ARREGION,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem3 ARVALID" *)
    output wire m_axi_gmem3_ARVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem3 ARREADY" *)
    input wire m_axi_gmem3_ARREADY,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem3 AWADDR" *)
    output wire [63:0] m_axi_gmem3_AWADDR,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem3 AWLEN" *)
    output wire [7:0] m_axi_gmem3_AWLEN,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem3 AWSIZE" *)
    output wire [2:0] m_axi_gmem3_AWSIZE,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem3 AWBURST" *)
    output wire [1:0] m_axi_gmem3_AWBURST,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem3 AWID" *)
    output wire [0:0] m_axi_gmem3_AWID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem3 AWLOCK" *)
    output wire [0:0] m_axi_gmem3_AWLOCK,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem3 AWCACHE" *)
    output wire [3:0] m_axi_gmem3_AWCACHE,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem3 AWPROT" *)
    output wire [2:0] m_axi_gmem3_AWPROT,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem3 AWQOS" *)
    output wire [3:0] m_axi_gmem3_AWQOS,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem3 AWREGION" *)
    output wire [3:0] m_axi_gmem3_AWREGION,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem3 AWVALID" *)
    output wire m_axi_gmem3_AWVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem3 AWREADY" *)
    input wire m_axi_gmem3_AWREADY,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem3 RID" *)
    input wire [0:0] m_axi_gmem3_RID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem3 RDATA" *)
    input wire [127:0] m_axi_gmem3_RDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem3 RRESP" *)
    input wire [1:0] m_axi_gmem3_RRESP,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem3 RLAST" *)
    input wire m_axi_gmem3_RLAST,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem3 RVALID" *)
    input wire m_axi_gmem3_RVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem3 RREADY" *)
    output wire m_axi_gmem3_RREADY,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem3 WDATA" *)
    output wire [127:0] m_axi_gmem3_WDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem3 WSTRB" *)
    output wire [15:0] m_axi_gmem3_WSTRB,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem3 WLAST" *)
    output wire m_axi_gmem3_WLAST,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem3 WVALID" *)
    output wire m_axi_gmem3_WVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem3 WREADY" *)
    input wire m_axi_gmem3_WREADY,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem3 BID" *)
    input wire [0:0] m_axi_gmem3_BID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem3 BRESP" *)
    input wire [1:0] m_axi_gmem3_BRESP,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem3 BVALID" *)
    input wire m_axi_gmem3_BVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem3 BREADY" *)
    output wire m_axi_gmem3_BREADY,
    (* X_INTERFACE_PARAMETER = "PROTOCOL AXI4, DATA_WIDTH 128, ADDR_WIDTH 64, ID_WIDTH 1, MAX_BURST_LENGTH 16, NUM_READ_OUTSTANDING 16, NUM_WRITE_OUTSTANDING 16, SUPPORTS_NARROW_BURST 0, READ_WRITE_MODE READ_WRITE" *)
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem4 ARADDR" *)
    output wire [63:0] m_axi_gmem4_ARADDR,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem4 ARLEN" *)
    output wire [7:0] m_axi_gmem4_ARLEN,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem4 ARSIZE" *)
    output wire [2:0] m_axi_gmem4_ARSIZE,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem4 ARBURST" *)
    output wire [1:0] m_axi_gmem4_ARBURST,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem4 ARID" *)
    output wire [0:0] m_axi_gmem4_ARID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem4 ARLOCK" *)
    output wire [0:0] m_axi_gmem4_ARLOCK,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem4 ARCACHE" *)
    output wire [3:0] m_axi_gmem4_ARCACHE,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem4 ARPROT" *)
    output wire [2:0] m_axi_gmem4_ARPROT,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem4 ARQOS" *)
    output wire [3:0] m_axi_gmem4_ARQOS,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem4 ARREGION" *)
    output wire [3:0] m_axi_gmem4_ARREGION,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem4 ARVALID" *)
    output wire m_axi_gmem4_ARVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem4 ARREADY" *)
    input wire m_axi_gmem4_ARREADY,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem4 AWADDR" *)
    output wire [63:0] m_axi_gmem4_AWADDR,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem4 AWLEN" *)
    output wire [7:0] m_axi_gmem4_AWLEN,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem4 AWSIZE" *)
    output wire [2:0] m_axi_gmem4_AWSIZE,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem4 AWBURST" *)
    output wire [1:0] m_axi_gmem4_AWBURST,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem4 AWID" *)
    output wire [0:0] m_axi_gmem4_AWID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem4 AWLOCK" *)
    output wire [0:0] m_axi_gmem4_AWLOCK,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem4 AWCACHE" *)
    output wire [3:0] m_axi_gmem4_AWCACHE,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem4 AWPROT" *)
    output wire [2:0] m_axi_gmem4_AWPROT,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem4 AWQOS" *)
    output wire [3:0] m_axi_gmem4_AWQOS,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem4 AWREGION" *)
    output wire [3:0] m_axi_gmem4_AWREGION,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem4 AWVALID" *)
    output wire m_axi_gmem4_AWVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem4 AWREADY" *)
    input wire m_axi_gmem4_AWREADY,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem4 RID" *)
    input wire [0:0] m_axi_gmem4_RID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem4 RDATA" *)
    input wire [127:0] m_axi_gmem4_RDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem4 RRESP" *)
    input wire [1:0] m_axi_gmem4_RRESP,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem4 RLAST" *)
    input wire m_axi_gmem4_RLAST,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem4 RVALID" *)
    input wire m_axi_gmem4_RVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem4 RREADY" *)
    output wire m_axi_gmem4_RREADY,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem4 WDATA" *)
    output wire [127:0] m_axi_gmem4_WDATA,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem4 WSTRB" *)
    output wire [15:0] m_axi_gmem4_WSTRB,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem4 WLAST" *)
    output wire m_axi_gmem4_WLAST,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem4 WVALID" *)
    output wire m_axi_gmem4_WVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem4 WREADY" *)
    input wire m_axi_gmem4_WREADY,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem4 BID" *)
    input wire [0:0] m_axi_gmem4_BID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem4 BRESP" *)
    input wire [1:0] m_axi_gmem4_BRESP,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem4 BVALID" *)
    input wire m_axi_gmem4_BVALID,
    (* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 m_axi_gmem4 BREADY" *)
    output wire m_axi_gmem4_BREADY
);
  reg reset;
  always @(posedge ap_clk) reset <= !ap_rst_n;
  wire [35:0] job_program;
  wire [22:0] job_commands;
  wire [23:0] job_reports;
  wire [35:0] job_params;
  wire [35:0] job_input;
  wire [35:0] job_output;
  wire [35:0] job_log;
  wire job_valid;
  wire job_ready;
  wire job_abort;
  wire job_done;
  wire [47:0] job_cycle;
  wire [19:0] error;
  wire [10:0] error_tag;
  assign m_axi_gmem0_ARID = 1'b0;
  assign m_axi_gmem0_ARLOCK = 1'b0;
  assign m_axi_gmem0_ARCACHE = 4'b0011;
  assign m_axi_gmem0_ARPROT = 3'b000;
  assign m_axi_gmem0_ARQOS = 4'b0000;
  assign m_axi_gmem0_ARREGION = 4'b0000;
  assign m_axi_gmem0_AWID = 1'b0;
  assign m_axi_gmem0_AWLOCK = 1'b0;
  assign m_axi_gmem0_AWCACHE = 4'b0011;
  assign m_axi_gmem0_AWPROT = 3'b000;
  assign m_axi_gmem0_AWQOS = 4'b0000;
  assign m_axi_gmem0_AWREGION = 4'b0000;
  assign m_axi_gmem1_ARID = 1'b0;
  assign m_axi_gmem1_ARLOCK = 1'b0;
  assign m_axi_gmem1_ARCACHE = 4'b0011;
  assign m_axi_gmem1_ARPROT = 3'b000;
  assign m_axi_gmem1_ARQOS = 4'b0000;
  assign m_axi_gmem1_ARREGION = 4'b0000;
  assign m_axi_gmem1_AWID = 1'b0;
  assign m_axi_gmem1_AWLOCK = 1'b0;
  assign m_axi_gmem1_AWCACHE = 4'b0011;
  assign m_axi_gmem1_AWPROT = 3'b000;
  assign m_axi_gmem1_AWQOS = 4'b0000;
  assign m_axi_gmem1_AWREGION = 4'b0000;
  assign m_axi_gmem2_ARID = 1'b0;
  assign m_axi_gmem2_ARLOCK = 1'b0;
  assign m_axi_gmem2_ARCACHE = 4'b0011;
  assign m_axi_gmem2_ARPROT = 3'b000;
  assign m_axi_gmem2_ARQOS = 4'b0000;
  assign m_axi_gmem2_ARREGION = 4'b0000;
  assign m_axi_gmem2_AWID = 1'b0;
  assign m_axi_gmem2_AWLOCK = 1'b0;
  assign m_axi_gmem2_AWCACHE = 4'b0011;
  assign m_axi_gmem2_AWPROT = 3'b000;
  assign m_axi_gmem2_AWQOS = 4'b0000;
  assign m_axi_gmem2_AWREGION = 4'b0000;
  assign m_axi_gmem3_ARID = 1'b0;
  assign m_axi_gmem3_ARLOCK = 1'b0;
  assign m_axi_gmem3_ARCACHE = 4'b0011;
  assign m_axi_gmem3_ARPROT = 3'b000;
  assign m_axi_gmem3_ARQOS = 4'b0000;
  assign m_axi_gmem3_ARREGION = 4'b0000;
  assign m_axi_gmem3_AWID = 1'b0;
  assign m_axi_gmem3_AWLOCK = 1'b0;
  assign m_axi_gmem3_AWCACHE = 4'b0011;
  assign m_axi_gmem3_AWPROT = 3'b000;
  assign m_axi_gmem3_AWQOS = 4'b0000;
  assign m_axi_gmem3_AWREGION = 4'b0000;
  assign m_axi_gmem4_ARID = 1'b0;
  assign m_axi_gmem4_ARLOCK = 1'b0;
  assign m_axi_gmem4_ARCACHE = 4'b0011;
  assign m_axi_gmem4_ARPROT = 3'b000;
  assign m_axi_gmem4_ARQOS = 4'b0000;
  assign m_axi_gmem4_ARREGION = 4'b0000;
  assign m_axi_gmem4_AWID = 1'b0;
  assign m_axi_gmem4_AWLOCK = 1'b0;
  assign m_axi_gmem4_AWCACHE = 4'b0011;
  assign m_axi_gmem4_AWPROT = 3'b000;
  assign m_axi_gmem4_AWQOS = 4'b0000;
  assign m_axi_gmem4_AWREGION = 4'b0000;
  wire [199:0] araddr;
  assign m_axi_gmem0_ARADDR = {24'b0, araddr[0+:40]};
  assign m_axi_gmem1_ARADDR = {24'b0, araddr[40+:40]};
  assign m_axi_gmem2_ARADDR = {24'b0, araddr[80+:40]};
  assign m_axi_gmem3_ARADDR = {24'b0, araddr[120+:40]};
  assign m_axi_gmem4_ARADDR = {24'b0, araddr[160+:40]};
  wire [199:0] awaddr;
  assign m_axi_gmem0_AWADDR = {24'b0, awaddr[0+:40]};
  assign m_axi_gmem1_AWADDR = {24'b0, awaddr[40+:40]};
  assign m_axi_gmem2_AWADDR = {24'b0, awaddr[80+:40]};
  assign m_axi_gmem3_AWADDR = {24'b0, awaddr[120+:40]};
  assign m_axi_gmem4_AWADDR = {24'b0, awaddr[160+:40]};
  job_registers #(
      .FAULTS(19),
      .GEOMETRY(32'h04082008),
      .BANK_WORDS(ACTIVATION_DEPTH)
  ) registers (
      .clk(ap_clk),
      .reset(reset),
      .interrupt(interrupt),
      .awaddr(s_axi_control_AWADDR),
      .awvalid(s_axi_control_AWVALID),
      .awready(s_axi_control_AWREADY),
      .wdata(s_axi_control_WDATA),
      .wstrb(s_axi_control_WSTRB),
      .wvalid(s_axi_control_WVALID),
      .wready(s_axi_control_WREADY),
      .bresp(s_axi_control_BRESP),
      .bvalid(s_axi_control_BVALID),
      .bready(s_axi_control_BREADY),
      .araddr(s_axi_control_ARADDR),
      .arvalid(s_axi_control_ARVALID),
      .arready(s_axi_control_ARREADY),
      .rdata(s_axi_control_RDATA),
      .rresp(s_axi_control_RRESP),
      .rvalid(s_axi_control_RVALID),
      .rready(s_axi_control_RREADY),
      .job_program(job_program),
      .job_commands(job_commands),
      .job_reports(job_reports),
      .job_params(job_params),
      .job_input(job_input),
      .job_output(job_output),
      .job_log(job_log),
      .job_valid(job_valid),
      .job_ready(job_ready),
      .job_abort(job_abort),
      .job_done(job_done),
      .job_cycle(job_cycle),
      .error(error),
      .error_tag(error_tag)
  );
  accelerator #(
      .ACTIVATION_DEPTH(ACTIVATION_DEPTH),
      .TRAINING(1'b0)
  ) accelerator (
      .clk(ap_clk),
      .reset(reset),
      .blocks_resetn(blocks_rst_n),
      .job_program(job_program),
      .job_commands(job_commands),
      .job_reports(job_reports),
      .job_params(job_params),
      .job_input(job_input),
      .job_output(job_output),
      .job_log(job_log),
      .job_valid(job_valid),
      .job_ready(job_ready),
      .job_abort(job_abort),
      .job_done(job_done),
      .job_cycle(job_cycle),
      .error(error),
      .error_tag(error_tag),
      .commands_data({store_TDATA, load_TDATA, row_reader_TDATA, norm_writer_TDATA, softmax_writer_TDATA, row_writer_TDATA, engine_TDATA}),
      .commands_valid({store_TVALID, load_TVALID, row_reader_TVALID, norm_writer_TVALID, softmax_writer_TVALID, row_writer_TVALID, engine_TVALID}),
      .commands_ready({store_TREADY, load_TREADY, row_reader_TREADY, norm_writer_TREADY, softmax_writer_TREADY, row_writer_TREADY, engine_TREADY}),
      .weights_data({weights3_TDATA, weights2_TDATA, weights1_TDATA, weights0_TDATA}),
      .weights_valid({weights3_TVALID, weights2_TVALID, weights1_TVALID, weights0_TVALID}),
      .weights_ready({weights3_TREADY, weights2_TREADY, weights1_TREADY, weights0_TREADY}),
      .rows_data({rows3_TDATA, rows2_TDATA, rows1_TDATA, rows0_TDATA}),
      .rows_valid({rows3_TVALID, rows2_TVALID, rows1_TVALID, rows0_TVALID}),
      .rows_ready({rows3_TREADY, rows2_TREADY, rows1_TREADY, rows0_TREADY}),
      .stores_data({stores3_TDATA, stores2_TDATA, stores1_TDATA, stores0_TDATA}),
      .stores_valid({stores3_TVALID, stores2_TVALID, stores1_TVALID, stores0_TVALID}),
      .stores_ready({stores3_TREADY, stores2_TREADY, stores1_TREADY, stores0_TREADY}),
      .update_words_data(),
      .update_words_valid(),
      .update_words_ready(4'b0),
      .update_results_data(512'b0),
      .update_results_valid(4'b0),
      .update_results_ready(),
      .reports_data({connections_reports_TDATA, select_reports_TDATA, normalise_reports_TDATA, softmax_reports_TDATA, gelu_reports_TDATA}),
      .reports_valid({connections_reports_TVALID, select_reports_TVALID, normalise_reports_TVALID, softmax_reports_TVALID, gelu_reports_TVALID}),
      .reports_ready({connections_reports_TREADY, select_reports_TREADY, normalise_reports_TREADY, softmax_reports_TREADY, gelu_reports_TREADY}),
      .training_reports_data(320'b0),
      .training_reports_valid(5'b0),
      .training_reports_ready(),
      .block_commands_data(),
      .block_commands_valid(),
      .block_commands_ready(5'b0),
      .backward_rows_data(),
      .backward_rows_valid(),
      .backward_rows_ready(3'b0),
      .backward_partners_data(),
      .backward_partners_valid(),
      .backward_partners_ready(3'b0),
      .backward_results_data(1536'b0),
      .backward_results_valid(3'b0),
      .backward_results_ready(),
      .jobs_data(jobs_TDATA),
      .jobs_valid(jobs_TVALID),
      .jobs_ready(jobs_TREADY),
      .descriptors_data(descriptors_TDATA),
      .descriptors_valid(descriptors_TVALID),
      .descriptors_ready(descriptors_TREADY),
      .program_end_data(program_end_TDATA),
      .program_end_valid(program_end_TVALID),
      .program_end_ready(program_end_TREADY),
      .training_data(training_TDATA),
      .training_valid(training_TVALID),
      .training_ready(training_TREADY),
      .gelu_rows_data(gelu_rows_TDATA),
      .gelu_rows_valid(gelu_rows_TVALID),
      .gelu_rows_ready(gelu_rows_TREADY),
      .gelu_results_data(gelu_results_TDATA),
      .gelu_results_valid(gelu_results_TVALID),
      .gelu_results_ready(gelu_results_TREADY),
      .softmax_scores_data(softmax_scores_TDATA),
      .softmax_scores_valid(softmax_scores_TVALID),
      .softmax_scores_ready(softmax_scores_TREADY),
      .softmax_results_data(softmax_results_TDATA),
      .softmax_results_valid(softmax_results_TVALID),
      .softmax_results_ready(softmax_results_TREADY),
      .select_lists_data(select_lists_TDATA),
      .select_lists_valid(select_lists_TVALID),
      .select_lists_ready(select_lists_TREADY),
      .normalise_rows_data(normalise_rows_TDATA),
      .normalise_rows_valid(normalise_rows_TVALID),
      .normalise_rows_ready(normalise_rows_TREADY),
      .normalise_vectors_data(normalise_vectors_TDATA),
      .normalise_vectors_valid(normalise_vectors_TVALID),
      .normalise_vectors_ready(normalise_vectors_TREADY),
      .normalise_results_data(normalise_results_TDATA),
      .normalise_results_valid(normalise_results_TVALID),
      .normalise_results_ready(normalise_results_TREADY),
      .normalise_backward_rows_data(),
      .normalise_backward_rows_valid(),
      .normalise_backward_rows_ready(1'b0),
      .normalise_backward_vectors_data(),
      .normalise_backward_vectors_valid(),
      .normalise_backward_vectors_ready(1'b0),
      .normalise_backward_results_data(256'b0),
      .normalise_backward_results_valid(1'b0),
      .normalise_backward_results_ready(),
      .araddr(araddr),
      .arlen({m_axi_gmem4_ARLEN, m_axi_gmem3_ARLEN, m_axi_gmem2_ARLEN, m_axi_gmem1_ARLEN, m_axi_gmem0_ARLEN}),
      .arsize({m_axi_gmem4_ARSIZE, m_axi_gmem3_ARSIZE, m_axi_gmem2_ARSIZE, m_axi_gmem1_ARSIZE, m_axi_gmem0_ARSIZE}),
      .arburst({m_axi_gmem4_ARBURST, m_axi_gmem3_ARBURST, m_axi_gmem2_ARBURST, m_axi_gmem1_ARBURST, m_axi_gmem0_ARBURST}),
      .arvalid({m_axi_gmem4_ARVALID, m_axi_gmem3_ARVALID, m_axi_gmem2_ARVALID, m_axi_gmem1_ARVALID, m_axi_gmem0_ARVALID}),
      .arready({m_axi_gmem4_ARREADY, m_axi_gmem3_ARREADY, m_axi_gmem2_ARREADY, m_axi_gmem1_ARREADY, m_axi_gmem0_ARREADY}),
      .awaddr(awaddr),
      .awlen({m_axi_gmem4_AWLEN, m_axi_gmem3_AWLEN, m_axi_gmem2_AWLEN, m_axi_gmem1_AWLEN, m_axi_gmem0_AWLEN}),
      .awsize({m_axi_gmem4_AWSIZE, m_axi_gmem3_AWSIZE, m_axi_gmem2_AWSIZE, m_axi_gmem1_AWSIZE, m_axi_gmem0_AWSIZE}),
      .awburst({m_axi_gmem4_AWBURST, m_axi_gmem3_AWBURST, m_axi_gmem2_AWBURST, m_axi_gmem1_AWBURST, m_axi_gmem0_AWBURST}),
      .awvalid({m_axi_gmem4_AWVALID, m_axi_gmem3_AWVALID, m_axi_gmem2_AWVALID, m_axi_gmem1_AWVALID, m_axi_gmem0_AWVALID}),
      .awready({m_axi_gmem4_AWREADY, m_axi_gmem3_AWREADY, m_axi_gmem2_AWREADY, m_axi_gmem1_AWREADY, m_axi_gmem0_AWREADY}),
      .rdata({m_axi_gmem4_RDATA, m_axi_gmem3_RDATA, m_axi_gmem2_RDATA, m_axi_gmem1_RDATA, m_axi_gmem0_RDATA}),
      .rresp({m_axi_gmem4_RRESP, m_axi_gmem3_RRESP, m_axi_gmem2_RRESP, m_axi_gmem1_RRESP, m_axi_gmem0_RRESP}),
      .rlast({m_axi_gmem4_RLAST, m_axi_gmem3_RLAST, m_axi_gmem2_RLAST, m_axi_gmem1_RLAST, m_axi_gmem0_RLAST}),
      .rvalid({m_axi_gmem4_RVALID, m_axi_gmem3_RVALID, m_axi_gmem2_RVALID, m_axi_gmem1_RVALID, m_axi_gmem0_RVALID}),
      .rready({m_axi_gmem4_RREADY, m_axi_gmem3_RREADY, m_axi_gmem2_RREADY, m_axi_gmem1_RREADY, m_axi_gmem0_RREADY}),
      .wdata({m_axi_gmem4_WDATA, m_axi_gmem3_WDATA, m_axi_gmem2_WDATA, m_axi_gmem1_WDATA, m_axi_gmem0_WDATA}),
      .wstrb({m_axi_gmem4_WSTRB, m_axi_gmem3_WSTRB, m_axi_gmem2_WSTRB, m_axi_gmem1_WSTRB, m_axi_gmem0_WSTRB}),
      .wlast({m_axi_gmem4_WLAST, m_axi_gmem3_WLAST, m_axi_gmem2_WLAST, m_axi_gmem1_WLAST, m_axi_gmem0_WLAST}),
      .wvalid({m_axi_gmem4_WVALID, m_axi_gmem3_WVALID, m_axi_gmem2_WVALID, m_axi_gmem1_WVALID, m_axi_gmem0_WVALID}),
      .wready({m_axi_gmem4_WREADY, m_axi_gmem3_WREADY, m_axi_gmem2_WREADY, m_axi_gmem1_WREADY, m_axi_gmem0_WREADY}),
      .bresp({m_axi_gmem4_BRESP, m_axi_gmem3_BRESP, m_axi_gmem2_BRESP, m_axi_gmem1_BRESP, m_axi_gmem0_BRESP}),
      .bvalid({m_axi_gmem4_BVALID, m_axi_gmem3_BVALID, m_axi_gmem2_BVALID, m_axi_gmem1_BVALID, m_axi_gmem0_BVALID}),
      .bready({m_axi_gmem4_BREADY, m_axi_gmem3_BREADY, m_axi_gmem2_BREADY, m_axi_gmem1_BREADY, m_axi_gmem0_BREADY})
  );
endmodule
