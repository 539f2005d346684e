// Generated from hls/kernel.yaml by `python -m trivit.tools.kernel`; do not edit.
// The complete accelerator: trivit_training_top, the HLS blocks, a FIFO for each stream.
// docs/simulation.md says what stands for the blocks.
module trivit_training_system (
    input wire ap_clk,
    input wire ap_rst_n,
    output wire interrupt,
    input wire [11:0] s_axi_control_AWADDR,
    input wire s_axi_control_AWVALID,
    output wire s_axi_control_AWREADY,
    input wire [31:0] s_axi_control_WDATA,
    input wire [3:0] s_axi_control_WSTRB,
    input wire s_axi_control_WVALID,
    output wire s_axi_control_WREADY,
    output wire [1:0] s_axi_control_BRESP,
    output wire s_axi_control_BVALID,
    input wire s_axi_control_BREADY,
    input wire [11:0] s_axi_control_ARADDR,
    input wire s_axi_control_ARVALID,
    output wire s_axi_control_ARREADY,
    output wire [31:0] s_axi_control_RDATA,
    output wire [1:0] s_axi_control_RRESP,
    output wire s_axi_control_RVALID,
    input wire s_axi_control_RREADY,
    output wire [63:0] m_axi_gmem0_ARADDR,
    output wire [7:0] m_axi_gmem0_ARLEN,
    output wire [2:0] m_axi_gmem0_ARSIZE,
    output wire [1:0] m_axi_gmem0_ARBURST,
    output wire [0:0] m_axi_gmem0_ARID,
    output wire [0:0] m_axi_gmem0_ARLOCK,
    output wire [3:0] m_axi_gmem0_ARCACHE,
    output wire [2:0] m_axi_gmem0_ARPROT,
    output wire [3:0] m_axi_gmem0_ARQOS,
    output wire [3:0] m_axi_gmem0_ARREGION,
    output wire m_axi_gmem0_ARVALID,
    input wire m_axi_gmem0_ARREADY,
    output wire [63:0] m_axi_gmem0_AWADDR,
    output wire [7:0] m_axi_gmem0_AWLEN,
    output wire [2:0] m_axi_gmem0_AWSIZE,
    output wire [1:0] m_axi_gmem0_AWBURST,
    output wire [0:0] m_axi_gmem0_AWID,
    output wire [0:0] m_axi_gmem0_AWLOCK,
    output wire [3:0] m_axi_gmem0_AWCACHE,
    output wire [2:0] m_axi_gmem0_AWPROT,
    output wire [3:0] m_axi_gmem0_AWQOS,
    output wire [3:0] m_axi_gmem0_AWREGION,
    output wire m_axi_gmem0_AWVALID,
    input wire m_axi_gmem0_AWREADY,
    input wire [0:0] m_axi_gmem0_RID,
    input wire [127:0] m_axi_gmem0_RDATA,
    input wire [1:0] m_axi_gmem0_RRESP,
    input wire m_axi_gmem0_RLAST,
    input wire m_axi_gmem0_RVALID,
    output wire m_axi_gmem0_RREADY,
    output wire [127:0] m_axi_gmem0_WDATA,
    output wire [15:0] m_axi_gmem0_WSTRB,
    output wire m_axi_gmem0_WLAST,
    output wire m_axi_gmem0_WVALID,
    input wire m_axi_gmem0_WREADY,
    input wire [0:0] m_axi_gmem0_BID,
    input wire [1:0] m_axi_gmem0_BRESP,
    input wire m_axi_gmem0_BVALID,
    output wire m_axi_gmem0_BREADY,
    output wire [63:0] m_axi_gmem1_ARADDR,
    output wire [7:0] m_axi_gmem1_ARLEN,
    output wire [2:0] m_axi_gmem1_ARSIZE,
    output wire [1:0] m_axi_gmem1_ARBURST,
    output wire [0:0] m_axi_gmem1_ARID,
    output wire [0:0] m_axi_gmem1_ARLOCK,
    output wire [3:0] m_axi_gmem1_ARCACHE,
    output wire [2:0] m_axi_gmem1_ARPROT,
    output wire [3:0] m_axi_gmem1_ARQOS,
    output wire [3:0] m_axi_gmem1_ARREGION,
    output wire m_axi_gmem1_ARVALID,
    input wire m_axi_gmem1_ARREADY,
    output wire [63:0] m_axi_gmem1_AWADDR,
    output wire [7:0] m_axi_gmem1_AWLEN,
    output wire [2:0] m_axi_gmem1_AWSIZE,
    output wire [1:0] m_axi_gmem1_AWBURST,
    output wire [0:0] m_axi_gmem1_AWID,
    output wire [0:0] m_axi_gmem1_AWLOCK,
    output wire [3:0] m_axi_gmem1_AWCACHE,
    output wire [2:0] m_axi_gmem1_AWPROT,
    output wire [3:0] m_axi_gmem1_AWQOS,
    output wire [3:0] m_axi_gmem1_AWREGION,
    output wire m_axi_gmem1_AWVALID,
    input wire m_axi_gmem1_AWREADY,
    input wire [0:0] m_axi_gmem1_RID,
    input wire [127:0] m_axi_gmem1_RDATA,
    input wire [1:0] m_axi_gmem1_RRESP,
    input wire m_axi_gmem1_RLAST,
    input wire m_axi_gmem1_RVALID,
    output wire m_axi_gmem1_RREADY,
    output wire [127:0] m_axi_gmem1_WDATA,
    output wire [15:0] m_axi_gmem1_WSTRB,
    output wire m_axi_gmem1_WLAST,
    output wire m_axi_gmem1_WVALID,
    input wire m_axi_gmem1_WREADY,
    input wire [0:0] m_axi_gmem1_BID,
    input wire [1:0] m_axi_gmem1_BRESP,
    input wire m_axi_gmem1_BVALID,
    output wire m_axi_gmem1_BREADY,
    output wire [63:0] m_axi_gmem2_ARADDR,
    output wire [7:0] m_axi_gmem2_ARLEN,
    output wire [2:0] m_axi_gmem2_ARSIZE,
    output wire [1:0] m_axi_gmem2_ARBURST,
    output wire [0:0] m_axi_gmem2_ARID,
    output wire [0:0] m_axi_gmem2_ARLOCK,
    output wire [3:0] m_axi_gmem2_ARCACHE,
    output wire [2:0] m_axi_gmem2_ARPROT,
    output wire [3:0] m_axi_gmem2_ARQOS,
    output wire [3:0] m_axi_gmem2_ARREGION,
    output wire m_axi_gmem2_ARVALID,
    input wire m_axi_gmem2_ARREADY,
    output wire [63:0] m_axi_gmem2_AWADDR,
    output wire [7:0] m_axi_gmem2_AWLEN,
    output wire [2:0] m_axi_gmem2_AWSIZE,
    output wire [1:0] m_axi_gmem2_AWBURST,
    output wire [0:0] m_axi_gmem2_AWID,
    output wire [0:0] m_axi_gmem2_AWLOCK,
    output wire [3:0] m_axi_gmem2_AWCACHE,
    output wire [2:0] m_axi_gmem2_AWPROT,
    output wire [3:0] m_axi_gmem2_AWQOS,
    output wire [3:0] m_axi_gmem2_AWREGION,
    output wire m_axi_gmem2_AWVALID,
    input wire m_axi_gmem2_AWREADY,
    input wire [0:0] m_axi_gmem2_RID,
    input wire [127:0] m_axi_gmem2_RDATA,
    input wire [1:0] m_axi_gmem2_RRESP,
    input wire m_axi_gmem2_RLAST,
    input wire m_axi_gmem2_RVALID,
    output wire m_axi_gmem2_RREADY,
    output wire [127:0] m_axi_gmem2_WDATA,
    output wire [15:0] m_axi_gmem2_WSTRB,
    output wire m_axi_gmem2_WLAST,
    output wire m_axi_gmem2_WVALID,
    input wire m_axi_gmem2_WREADY,
    input wire [0:0] m_axi_gmem2_BID,
    input wire [1:0] m_axi_gmem2_BRESP,
    input wire m_axi_gmem2_BVALID,
    output wire m_axi_gmem2_BREADY,
    output wire [63:0] m_axi_gmem3_ARADDR,
    output wire [7:0] m_axi_gmem3_ARLEN,
    output wire [2:0] m_axi_gmem3_ARSIZE,
    output wire [1:0] m_axi_gmem3_ARBURST,
    output wire [0:0] m_axi_gmem3_ARID,
    output wire [0:0] m_axi_gmem3_ARLOCK,
    output wire [3:0] m_axi_gmem3_ARCACHE,
    output wire [2:0] m_axi_gmem3_ARPROT,
    output wire [3:0] m_axi_gmem3_ARQOS,
    output wire [3:0] m_axi_gmem3_ARREGION,
    output wire m_axi_gmem3_ARVALID,
    input wire m_axi_gmem3_ARREADY,
    output wire [63:0] m_axi_gmem3_AWADDR,
    output wire [7:0] m_axi_gmem3_AWLEN,
    output wire [2:0] m_axi_gmem3_AWSIZE,
    output wire [1:0] m_axi_gmem3_AWBURST,
    output wire [0:0] m_axi_gmem3_AWID,
    output wire [0:0] m_axi_gmem3_AWLOCK,
    output wire [3:0] m_axi_gmem3_AWCACHE,
    output wire [2:0] m_axi_gmem3_AWPROT,
    output wire [3:0] m_axi_gmem3_AWQOS,
    output wire [3:0] m_axi_gmem3_AWREGION,
    output wire m_axi_gmem3_AWVALID,
    input wire m_axi_gmem3_AWREADY,
    input wire [0:0] m_axi_gmem3_RID,
    input wire [127:0] m_axi_gmem3_RDATA,
    input wire [1:0] m_axi_gmem3_RRESP,
    input wire m_axi_gmem3_RLAST,
    input wire m_axi_gmem3_RVALID,
    output wire m_axi_gmem3_RREADY,
    output wire [127:0] m_axi_gmem3_WDATA,
    output wire [15:0] m_axi_gmem3_WSTRB,
    output wire m_axi_gmem3_WLAST,
    output wire m_axi_gmem3_WVALID,
    input wire m_axi_gmem3_WREADY,
    input wire [0:0] m_axi_gmem3_BID,
    input wire [1:0] m_axi_gmem3_BRESP,
    input wire m_axi_gmem3_BVALID,
    output wire m_axi_gmem3_BREADY,
    output wire [63:0] m_axi_gmem4_ARADDR,
    output wire [7:0] m_axi_gmem4_ARLEN,
    output wire [2:0] m_axi_gmem4_ARSIZE,
    output wire [1:0] m_axi_gmem4_ARBURST,
    output wire [0:0] m_axi_gmem4_ARID,
    output wire [0:0] m_axi_gmem4_ARLOCK,
    output wire [3:0] m_axi_gmem4_ARCACHE,
    output wire [2:0] m_axi_gmem4_ARPROT,
    output wire [3:0] m_axi_gmem4_ARQOS,
    output wire [3:0] m_axi_gmem4_ARREGION,
    output wire m_axi_gmem4_ARVALID,
    input wire m_axi_gmem4_ARREADY,
    output wire [63:0] m_axi_gmem4_AWADDR,
    output wire [7:0] m_axi_gmem4_AWLEN,
    output wire [2:0] m_axi_gmem4_AWSIZE,
    output wire [1:0] m_axi_gmem4_AWBURST,
    output wire [0:0] m_axi_gmem4_AWID,
    output wire [0:0] m_axi_gmem4_AWLOCK,
    output wire [3:0] m_axi_gmem4_AWCACHE,
    output wire [2:0] m_axi_gmem4_AWPROT,
    output wire [3:0] m_axi_gmem4_AWQOS,
    output wire [3:0] m_axi_gmem4_AWREGION,
    output wire m_axi_gmem4_AWVALID,
    input wire m_axi_gmem4_AWREADY,
    input wire [0:0] m_axi_gmem4_RID,
    input wire [127:0] m_axi_gmem4_RDATA,
    input wire [1:0] m_axi_gmem4_RRESP,
    input wire m_axi_gmem4_RLAST,
    input wire m_axi_gmem4_RVALID,
    output wire m_axi_gmem4_RREADY,
    output wire [127:0] m_axi_gmem4_WDATA,
    output wire [15:0] m_axi_gmem4_WSTRB,
    output wire m_axi_gmem4_WLAST,
    output wire m_axi_gmem4_WVALID,
    input wire m_axi_gmem4_WREADY,
    input wire [0:0] m_axi_gmem4_BID,
    input wire [1:0] m_axi_gmem4_BRESP,
    input wire m_axi_gmem4_BVALID,
    output wire m_axi_gmem4_BREADY
);
  wire blocks_rst_n;
  wire [255:0] jobs_source_TDATA;
  wire jobs_source_TVALID;
  wire jobs_source_TREADY;
  wire [255:0] jobs_sink_TDATA;
  wire jobs_sink_TVALID;
  wire jobs_sink_TREADY;
  stream_channel #(.BITS(256), .DEPTH(4)) fifo_jobs (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(jobs_source_TDATA),
      .source_valid(jobs_source_TVALID),
      .source_ready(jobs_source_TREADY),
      .sink_data(jobs_sink_TDATA),
      .sink_valid(jobs_sink_TVALID),
      .sink_ready(jobs_sink_TREADY)
  );
  wire [255:0] descriptors_source_TDATA;
  wire descriptors_source_TVALID;
  wire descriptors_source_TREADY;
  wire [255:0] descriptors_sink_TDATA;
  wire descriptors_sink_TVALID;
  wire descriptors_sink_TREADY;
  stream_channel #(.BITS(256), .DEPTH(4)) fifo_descriptors (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(descriptors_source_TDATA),
      .source_valid(descriptors_source_TVALID),
      .source_ready(descriptors_source_TREADY),
      .sink_data(descriptors_sink_TDATA),
      .sink_valid(descriptors_sink_TVALID),
      .sink_ready(descriptors_sink_TREADY)
  );
  wire [23:0] program_end_source_TDATA;
  wire program_end_source_TVALID;
  wire program_end_source_TREADY;
  wire [23:0] program_end_sink_TDATA;
  wire program_end_sink_TVALID;
  wire program_end_sink_TREADY;
  stream_channel #(.BITS(24), .DEPTH(4)) fifo_program_end (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(program_end_source_TDATA),
      .source_valid(program_end_source_TVALID),
      .source_ready(program_end_source_TREADY),
      .sink_data(program_end_sink_TDATA),
      .sink_valid(program_end_sink_TVALID),
      .sink_ready(program_end_sink_TREADY)
  );
  wire [255:0] engine_source_TDATA;
  wire engine_source_TVALID;
  wire engine_source_TREADY;
  wire [255:0] engine_sink_TDATA;
  wire engine_sink_TVALID;
  wire engine_sink_TREADY;
  stream_channel #(.BITS(256), .DEPTH(4)) fifo_engine (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(engine_source_TDATA),
      .source_valid(engine_source_TVALID),
      .source_ready(engine_source_TREADY),
      .sink_data(engine_sink_TDATA),
      .sink_valid(engine_sink_TVALID),
      .sink_ready(engine_sink_TREADY)
  );
  wire [255:0] row_writer_source_TDATA;
  wire row_writer_source_TVALID;
  wire row_writer_source_TREADY;
  wire [255:0] row_writer_sink_TDATA;
  wire row_writer_sink_TVALID;
  wire row_writer_sink_TREADY;
  stream_channel #(.BITS(256), .DEPTH(4)) fifo_row_writer (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(row_writer_source_TDATA),
      .source_valid(row_writer_source_TVALID),
      .source_ready(row_writer_source_TREADY),
      .sink_data(row_writer_sink_TDATA),
      .sink_valid(row_writer_sink_TVALID),
      .sink_ready(row_writer_sink_TREADY)
  );
  wire [255:0] softmax_writer_source_TDATA;
  wire softmax_writer_source_TVALID;
  wire softmax_writer_source_TREADY;
  wire [255:0] softmax_writer_sink_TDATA;
  wire softmax_writer_sink_TVALID;
  wire softmax_writer_sink_TREADY;
  stream_channel #(.BITS(256), .DEPTH(4)) fifo_softmax_writer (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(softmax_writer_source_TDATA),
      .source_valid(softmax_writer_source_TVALID),
      .source_ready(softmax_writer_source_TREADY),
      .sink_data(softmax_writer_sink_TDATA),
      .sink_valid(softmax_writer_sink_TVALID),
      .sink_ready(softmax_writer_sink_TREADY)
  );
  wire [255:0] norm_writer_source_TDATA;
  wire norm_writer_source_TVALID;
  wire norm_writer_source_TREADY;
  wire [255:0] norm_writer_sink_TDATA;
  wire norm_writer_sink_TVALID;
  wire norm_writer_sink_TREADY;
  stream_channel #(.BITS(256), .DEPTH(4)) fifo_norm_writer (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(norm_writer_source_TDATA),
      .source_valid(norm_writer_source_TVALID),
      .source_ready(norm_writer_source_TREADY),
      .sink_data(norm_writer_sink_TDATA),
      .sink_valid(norm_writer_sink_TVALID),
      .sink_ready(norm_writer_sink_TREADY)
  );
  wire [255:0] row_reader_source_TDATA;
  wire row_reader_source_TVALID;
  wire row_reader_source_TREADY;
  wire [255:0] row_reader_sink_TDATA;
  wire row_reader_sink_TVALID;
  wire row_reader_sink_TREADY;
  stream_channel #(.BITS(256), .DEPTH(4)) fifo_row_reader (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(row_reader_source_TDATA),
      .source_valid(row_reader_source_TVALID),
      .source_ready(row_reader_source_TREADY),
      .sink_data(row_reader_sink_TDATA),
      .sink_valid(row_reader_sink_TVALID),
      .sink_ready(row_reader_sink_TREADY)
  );
  wire [255:0] load_source_TDATA;
  wire load_source_TVALID;
  wire load_source_TREADY;
  wire [255:0] load_sink_TDATA;
  wire load_sink_TVALID;
  wire load_sink_TREADY;
  stream_channel #(.BITS(256), .DEPTH(4)) fifo_load (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(load_source_TDATA),
      .source_valid(load_source_TVALID),
      .source_ready(load_source_TREADY),
      .sink_data(load_sink_TDATA),
      .sink_valid(load_sink_TVALID),
      .sink_ready(load_sink_TREADY)
  );
  wire [255:0] store_source_TDATA;
  wire store_source_TVALID;
  wire store_source_TREADY;
  wire [255:0] store_sink_TDATA;
  wire store_sink_TVALID;
  wire store_sink_TREADY;
  stream_channel #(.BITS(256), .DEPTH(4)) fifo_store (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(store_source_TDATA),
      .source_valid(store_source_TVALID),
      .source_ready(store_source_TREADY),
      .sink_data(store_sink_TDATA),
      .sink_valid(store_sink_TVALID),
      .sink_ready(store_sink_TREADY)
  );
  wire [255:0] gelu_source_TDATA;
  wire gelu_source_TVALID;
  wire gelu_source_TREADY;
  wire [255:0] gelu_sink_TDATA;
  wire gelu_sink_TVALID;
  wire gelu_sink_TREADY;
  stream_channel #(.BITS(256), .DEPTH(4)) fifo_gelu (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(gelu_source_TDATA),
      .source_valid(gelu_source_TVALID),
      .source_ready(gelu_source_TREADY),
      .sink_data(gelu_sink_TDATA),
      .sink_valid(gelu_sink_TVALID),
      .sink_ready(gelu_sink_TREADY)
  );
  wire [255:0] softmax_source_TDATA;
  wire softmax_source_TVALID;
  wire softmax_source_TREADY;
  wire [255:0] softmax_sink_TDATA;
  wire softmax_sink_TVALID;
  wire softmax_sink_TREADY;
  stream_channel #(.BITS(256), .DEPTH(4)) fifo_softmax (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(softmax_source_TDATA),
      .source_valid(softmax_source_TVALID),
      .source_ready(softmax_source_TREADY),
      .sink_data(softmax_sink_TDATA),
      .sink_valid(softmax_sink_TVALID),
      .sink_ready(softmax_sink_TREADY)
  );
  wire [255:0] normalise_source_TDATA;
  wire normalise_source_TVALID;
  wire normalise_source_TREADY;
  wire [255:0] normalise_sink_TDATA;
  wire normalise_sink_TVALID;
  wire normalise_sink_TREADY;
  stream_channel #(.BITS(256), .DEPTH(4)) fifo_normalise (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(normalise_source_TDATA),
      .source_valid(normalise_source_TVALID),
      .source_ready(normalise_source_TREADY),
      .sink_data(normalise_sink_TDATA),
      .sink_valid(normalise_sink_TVALID),
      .sink_ready(normalise_sink_TREADY)
  );
  wire [255:0] select_source_TDATA;
  wire select_source_TVALID;
  wire select_source_TREADY;
  wire [255:0] select_sink_TDATA;
  wire select_sink_TVALID;
  wire select_sink_TREADY;
  stream_channel #(.BITS(256), .DEPTH(4)) fifo_select (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(select_source_TDATA),
      .source_valid(select_source_TVALID),
      .source_ready(select_source_TREADY),
      .sink_data(select_sink_TDATA),
      .sink_valid(select_sink_TVALID),
      .sink_ready(select_sink_TREADY)
  );
  wire [255:0] connections_source_TDATA;
  wire connections_source_TVALID;
  wire connections_source_TREADY;
  wire [255:0] connections_sink_TDATA;
  wire connections_sink_TVALID;
  wire connections_sink_TREADY;
  stream_channel #(.BITS(256), .DEPTH(4)) fifo_connections (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(connections_source_TDATA),
      .source_valid(connections_source_TVALID),
      .source_ready(connections_source_TREADY),
      .sink_data(connections_sink_TDATA),
      .sink_valid(connections_sink_TVALID),
      .sink_ready(connections_sink_TREADY)
  );
  wire [255:0] training_source_TDATA;
  wire training_source_TVALID;
  wire training_source_TREADY;
  wire [255:0] training_sink_TDATA;
  wire training_sink_TVALID;
  wire training_sink_TREADY;
  stream_channel #(.BITS(256), .DEPTH(4)) fifo_training (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(training_source_TDATA),
      .source_valid(training_source_TVALID),
      .source_ready(training_source_TREADY),
      .sink_data(training_sink_TDATA),
      .sink_valid(training_sink_TVALID),
      .sink_ready(training_sink_TREADY)
  );
  wire [127:0] weights0_source_TDATA;
  wire weights0_source_TVALID;
  wire weights0_source_TREADY;
  wire [127:0] weights0_sink_TDATA;
  wire weights0_sink_TVALID;
  wire weights0_sink_TREADY;
  stream_channel #(.BITS(128), .DEPTH(4)) fifo_weights0 (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(weights0_source_TDATA),
      .source_valid(weights0_source_TVALID),
      .source_ready(weights0_source_TREADY),
      .sink_data(weights0_sink_TDATA),
      .sink_valid(weights0_sink_TVALID),
      .sink_ready(weights0_sink_TREADY)
  );
  wire [127:0] weights1_source_TDATA;
  wire weights1_source_TVALID;
  wire weights1_source_TREADY;
  wire [127:0] weights1_sink_TDATA;
  wire weights1_sink_TVALID;
  wire weights1_sink_TREADY;
  stream_channel #(.BITS(128), .DEPTH(4)) fifo_weights1 (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(weights1_source_TDATA),
      .source_valid(weights1_source_TVALID),
      .source_ready(weights1_source_TREADY),
      .sink_data(weights1_sink_TDATA),
      .sink_valid(weights1_sink_TVALID),
      .sink_ready(weights1_sink_TREADY)
  );
  wire [127:0] weights2_source_TDATA;
  wire weights2_source_TVALID;
  wire weights2_source_TREADY;
  wire [127:0] weights2_sink_TDATA;
  wire weights2_sink_TVALID;
  wire weights2_sink_TREADY;
  stream_channel #(.BITS(128), .DEPTH(4)) fifo_weights2 (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(weights2_source_TDATA),
      .source_valid(weights2_source_TVALID),
      .source_ready(weights2_source_TREADY),
      .sink_data(weights2_sink_TDATA),
      .sink_valid(weights2_sink_TVALID),
      .sink_ready(weights2_sink_TREADY)
  );
  wire [127:0] weights3_source_TDATA;
  wire weights3_source_TVALID;
  wire weights3_source_TREADY;
  wire [127:0] weights3_sink_TDATA;
  wire weights3_sink_TVALID;
  wire weights3_sink_TREADY;
  stream_channel #(.BITS(128), .DEPTH(4)) fifo_weights3 (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(weights3_source_TDATA),
      .source_valid(weights3_source_TVALID),
      .source_ready(weights3_source_TREADY),
      .sink_data(weights3_sink_TDATA),
      .sink_valid(weights3_sink_TVALID),
      .sink_ready(weights3_sink_TREADY)
  );
  wire [127:0] rows0_source_TDATA;
  wire rows0_source_TVALID;
  wire rows0_source_TREADY;
  wire [127:0] rows0_sink_TDATA;
  wire rows0_sink_TVALID;
  wire rows0_sink_TREADY;
  stream_channel #(.BITS(128), .DEPTH(4)) fifo_rows0 (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(rows0_source_TDATA),
      .source_valid(rows0_source_TVALID),
      .source_ready(rows0_source_TREADY),
      .sink_data(rows0_sink_TDATA),
      .sink_valid(rows0_sink_TVALID),
      .sink_ready(rows0_sink_TREADY)
  );
  wire [127:0] rows1_source_TDATA;
  wire rows1_source_TVALID;
  wire rows1_source_TREADY;
  wire [127:0] rows1_sink_TDATA;
  wire rows1_sink_TVALID;
  wire rows1_sink_TREADY;
  stream_channel #(.BITS(128), .DEPTH(4)) fifo_rows1 (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(rows1_source_TDATA),
      .source_valid(rows1_source_TVALID),
      .source_ready(rows1_source_TREADY),
      .sink_data(rows1_sink_TDATA),
      .sink_valid(rows1_sink_TVALID),
      .sink_ready(rows1_sink_TREADY)
  );
  wire [127:0] rows2_source_TDATA;
  wire rows2_source_TVALID;
  wire rows2_source_TREADY;
  wire [127:0] rows2_sink_TDATA;
  wire rows2_sink_TVALID;
  wire rows2_sink_TREADY;
  stream_channel #(.BITS(128), .DEPTH(4)) fifo_rows2 (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(rows2_source_TDATA),
      .source_valid(rows2_source_TVALID),
      .source_ready(rows2_source_TREADY),
      .sink_data(rows2_sink_TDATA),
      .sink_valid(rows2_sink_TVALID),
      .sink_ready(rows2_sink_TREADY)
  );
  wire [127:0] rows3_source_TDATA;
  wire rows3_source_TVALID;
  wire rows3_source_TREADY;
  wire [127:0] rows3_sink_TDATA;
  wire rows3_sink_TVALID;
  wire rows3_sink_TREADY;
  stream_channel #(.BITS(128), .DEPTH(4)) fifo_rows3 (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(rows3_source_TDATA),
      .source_valid(rows3_source_TVALID),
      .source_ready(rows3_source_TREADY),
      .sink_data(rows3_sink_TDATA),
      .sink_valid(rows3_sink_TVALID),
      .sink_ready(rows3_sink_TREADY)
  );
  wire [127:0] stores0_source_TDATA;
  wire stores0_source_TVALID;
  wire stores0_source_TREADY;
  wire [127:0] stores0_sink_TDATA;
  wire stores0_sink_TVALID;
  wire stores0_sink_TREADY;
  stream_channel #(.BITS(128), .DEPTH(4)) fifo_stores0 (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(stores0_source_TDATA),
      .source_valid(stores0_source_TVALID),
      .source_ready(stores0_source_TREADY),
      .sink_data(stores0_sink_TDATA),
      .sink_valid(stores0_sink_TVALID),
      .sink_ready(stores0_sink_TREADY)
  );
  wire [127:0] stores1_source_TDATA;
  wire stores1_source_TVALID;
  wire stores1_source_TREADY;
  wire [127:0] stores1_sink_TDATA;
  wire stores1_sink_TVALID;
  wire stores1_sink_TREADY;
  stream_channel #(.BITS(128), .DEPTH(4)) fifo_stores1 (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(stores1_source_TDATA),
      .source_valid(stores1_source_TVALID),
      .source_ready(stores1_source_TREADY),
      .sink_data(stores1_sink_TDATA),
      .sink_valid(stores1_sink_TVALID),
      .sink_ready(stores1_sink_TREADY)
  );
  wire [127:0] stores2_source_TDATA;
  wire stores2_source_TVALID;
  wire stores2_source_TREADY;
  wire [127:0] stores2_sink_TDATA;
  wire stores2_sink_TVALID;
  wire stores2_sink_TREADY;
  stream_channel #(.BITS(128), .DEPTH(4)) fifo_stores2 (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(stores2_source_TDATA),
      .source_valid(stores2_source_TVALID),
      .source_ready(stores2_source_TREADY),
      .sink_data(stores2_sink_TDATA),
      .sink_valid(stores2_sink_TVALID),
      .sink_ready(stores2_sink_TREADY)
  );
  wire [127:0] stores3_source_TDATA;
  wire stores3_source_TVALID;
  wire stores3_source_TREADY;
  wire [127:0] stores3_sink_TDATA;
  wire stores3_sink_TVALID;
  wire stores3_sink_TREADY;
  stream_channel #(.BITS(128), .DEPTH(4)) fifo_stores3 (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(stores3_source_TDATA),
      .source_valid(stores3_source_TVALID),
      .source_ready(stores3_source_TREADY),
      .sink_data(stores3_sink_TDATA),
      .sink_valid(stores3_sink_TVALID),
      .sink_ready(stores3_sink_TREADY)
  );
  wire [511:0] gelu_rows_source_TDATA;
  wire gelu_rows_source_TVALID;
  wire gelu_rows_source_TREADY;
  wire [511:0] gelu_rows_sink_TDATA;
  wire gelu_rows_sink_TVALID;
  wire gelu_rows_sink_TREADY;
  stream_channel #(.BITS(512), .DEPTH(4)) fifo_gelu_rows (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(gelu_rows_source_TDATA),
      .source_valid(gelu_rows_source_TVALID),
      .source_ready(gelu_rows_source_TREADY),
      .sink_data(gelu_rows_sink_TDATA),
      .sink_valid(gelu_rows_sink_TVALID),
      .sink_ready(gelu_rows_sink_TREADY)
  );
  wire [511:0] gelu_results_source_TDATA;
  wire gelu_results_source_TVALID;
  wire gelu_results_source_TREADY;
  wire [511:0] gelu_results_sink_TDATA;
  wire gelu_results_sink_TVALID;
  wire gelu_results_sink_TREADY;
  stream_channel #(.BITS(512), .DEPTH(4)) fifo_gelu_results (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(gelu_results_source_TDATA),
      .source_valid(gelu_results_source_TVALID),
      .source_ready(gelu_results_source_TREADY),
      .sink_data(gelu_results_sink_TDATA),
      .sink_valid(gelu_results_sink_TVALID),
      .sink_ready(gelu_results_sink_TREADY)
  );
  wire [511:0] softmax_scores_source_TDATA;
  wire softmax_scores_source_TVALID;
  wire softmax_scores_source_TREADY;
  wire [511:0] softmax_scores_sink_TDATA;
  wire softmax_scores_sink_TVALID;
  wire softmax_scores_sink_TREADY;
  stream_channel #(.BITS(512), .DEPTH(4)) fifo_softmax_scores (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(softmax_scores_source_TDATA),
      .source_valid(softmax_scores_source_TVALID),
      .source_ready(softmax_scores_source_TREADY),
      .sink_data(softmax_scores_sink_TDATA),
      .sink_valid(softmax_scores_sink_TVALID),
      .sink_ready(softmax_scores_sink_TREADY)
  );
  wire [255:0] softmax_results_source_TDATA;
  wire softmax_results_source_TVALID;
  wire softmax_results_source_TREADY;
  wire [255:0] softmax_results_sink_TDATA;
  wire softmax_results_sink_TVALID;
  wire softmax_results_sink_TREADY;
  stream_channel #(.BITS(256), .DEPTH(4)) fifo_softmax_results (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(softmax_results_source_TDATA),
      .source_valid(softmax_results_source_TVALID),
      .source_ready(softmax_results_source_TREADY),
      .sink_data(softmax_results_sink_TDATA),
      .sink_valid(softmax_results_sink_TVALID),
      .sink_ready(softmax_results_sink_TREADY)
  );
  wire [127:0] softmax_cls_source_TDATA;
  wire softmax_cls_source_TVALID;
  wire softmax_cls_source_TREADY;
  wire [127:0] softmax_cls_sink_TDATA;
  wire softmax_cls_sink_TVALID;
  wire softmax_cls_sink_TREADY;
  stream_channel #(.BITS(128), .DEPTH(4)) fifo_softmax_cls (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(softmax_cls_source_TDATA),
      .source_valid(softmax_cls_source_TVALID),
      .source_ready(softmax_cls_source_TREADY),
      .sink_data(softmax_cls_sink_TDATA),
      .sink_valid(softmax_cls_sink_TVALID),
      .sink_ready(softmax_cls_sink_TREADY)
  );
  wire [271:0] softmax_all_source_TDATA;
  wire softmax_all_source_TVALID;
  wire softmax_all_source_TREADY;
  wire [271:0] softmax_all_sink_TDATA;
  wire softmax_all_sink_TVALID;
  wire softmax_all_sink_TREADY;
  stream_channel #(.BITS(272), .DEPTH(4)) fifo_softmax_all (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(softmax_all_source_TDATA),
      .source_valid(softmax_all_source_TVALID),
      .source_ready(softmax_all_source_TREADY),
      .sink_data(softmax_all_sink_TDATA),
      .sink_valid(softmax_all_sink_TVALID),
      .sink_ready(softmax_all_sink_TREADY)
  );
  wire [31:0] connections_open_source_TDATA;
  wire connections_open_source_TVALID;
  wire connections_open_source_TREADY;
  wire [31:0] connections_open_sink_TDATA;
  wire connections_open_sink_TVALID;
  wire connections_open_sink_TREADY;
  stream_channel #(.BITS(32), .DEPTH(4)) fifo_connections_open (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(connections_open_source_TDATA),
      .source_valid(connections_open_source_TVALID),
      .source_ready(connections_open_source_TREADY),
      .sink_data(connections_open_sink_TDATA),
      .sink_valid(connections_open_sink_TVALID),
      .sink_ready(connections_open_sink_TREADY)
  );
  wire [7:0] select_kept_source_TDATA;
  wire select_kept_source_TVALID;
  wire select_kept_source_TREADY;
  wire [7:0] select_kept_sink_TDATA;
  wire select_kept_sink_TVALID;
  wire select_kept_sink_TREADY;
  stream_channel #(.BITS(8), .DEPTH(32)) fifo_select_kept (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(select_kept_source_TDATA),
      .source_valid(select_kept_source_TVALID),
      .source_ready(select_kept_source_TREADY),
      .sink_data(select_kept_sink_TDATA),
      .sink_valid(select_kept_sink_TVALID),
      .sink_ready(select_kept_sink_TREADY)
  );
  wire [127:0] select_lists_source_TDATA;
  wire select_lists_source_TVALID;
  wire select_lists_source_TREADY;
  wire [127:0] select_lists_sink_TDATA;
  wire select_lists_sink_TVALID;
  wire select_lists_sink_TREADY;
  stream_channel #(.BITS(128), .DEPTH(4)) fifo_select_lists (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(select_lists_source_TDATA),
      .source_valid(select_lists_source_TVALID),
      .source_ready(select_lists_source_TREADY),
      .sink_data(select_lists_sink_TDATA),
      .sink_valid(select_lists_sink_TVALID),
      .sink_ready(select_lists_sink_TREADY)
  );
  wire [255:0] normalise_rows_source_TDATA;
  wire normalise_rows_source_TVALID;
  wire normalise_rows_source_TREADY;
  wire [255:0] normalise_rows_sink_TDATA;
  wire normalise_rows_sink_TVALID;
  wire normalise_rows_sink_TREADY;
  stream_channel #(.BITS(256), .DEPTH(4)) fifo_normalise_rows (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(normalise_rows_source_TDATA),
      .source_valid(normalise_rows_source_TVALID),
      .source_ready(normalise_rows_source_TREADY),
      .sink_data(normalise_rows_sink_TDATA),
      .sink_valid(normalise_rows_sink_TVALID),
      .sink_ready(normalise_rows_sink_TREADY)
  );
  wire [255:0] normalise_vectors_source_TDATA;
  wire normalise_vectors_source_TVALID;
  wire normalise_vectors_source_TREADY;
  wire [255:0] normalise_vectors_sink_TDATA;
  wire normalise_vectors_sink_TVALID;
  wire normalise_vectors_sink_TREADY;
  stream_channel #(.BITS(256), .DEPTH(4)) fifo_normalise_vectors (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(normalise_vectors_source_TDATA),
      .source_valid(normalise_vectors_source_TVALID),
      .source_ready(normalise_vectors_source_TREADY),
      .sink_data(normalise_vectors_sink_TDATA),
      .sink_valid(normalise_vectors_sink_TVALID),
      .sink_ready(normalise_vectors_sink_TREADY)
  );
  wire [255:0] normalise_results_source_TDATA;
  wire normalise_results_source_TVALID;
  wire normalise_results_source_TREADY;
  wire [255:0] normalise_results_sink_TDATA;
  wire normalise_results_sink_TVALID;
  wire normalise_results_sink_TREADY;
  stream_channel #(.BITS(256), .DEPTH(4)) fifo_normalise_results (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(normalise_results_source_TDATA),
      .source_valid(normalise_results_source_TVALID),
      .source_ready(normalise_results_source_TREADY),
      .sink_data(normalise_results_sink_TDATA),
      .sink_valid(normalise_results_sink_TVALID),
      .sink_ready(normalise_results_sink_TREADY)
  );
  wire [63:0] gelu_reports_source_TDATA;
  wire gelu_reports_source_TVALID;
  wire gelu_reports_source_TREADY;
  wire [63:0] gelu_reports_sink_TDATA;
  wire gelu_reports_sink_TVALID;
  wire gelu_reports_sink_TREADY;
  stream_channel #(.BITS(64), .DEPTH(4)) fifo_gelu_reports (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(gelu_reports_source_TDATA),
      .source_valid(gelu_reports_source_TVALID),
      .source_ready(gelu_reports_source_TREADY),
      .sink_data(gelu_reports_sink_TDATA),
      .sink_valid(gelu_reports_sink_TVALID),
      .sink_ready(gelu_reports_sink_TREADY)
  );
  wire [63:0] softmax_reports_source_TDATA;
  wire softmax_reports_source_TVALID;
  wire softmax_reports_source_TREADY;
  wire [63:0] softmax_reports_sink_TDATA;
  wire softmax_reports_sink_TVALID;
  wire softmax_reports_sink_TREADY;
  stream_channel #(.BITS(64), .DEPTH(4)) fifo_softmax_reports (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(softmax_reports_source_TDATA),
      .source_valid(softmax_reports_source_TVALID),
      .source_ready(softmax_reports_source_TREADY),
      .sink_data(softmax_reports_sink_TDATA),
      .sink_valid(softmax_reports_sink_TVALID),
      .sink_ready(softmax_reports_sink_TREADY)
  );
  wire [63:0] normalise_reports_source_TDATA;
  wire normalise_reports_source_TVALID;
  wire normalise_reports_source_TREADY;
  wire [63:0] normalise_reports_sink_TDATA;
  wire normalise_reports_sink_TVALID;
  wire normalise_reports_sink_TREADY;
  stream_channel #(.BITS(64), .DEPTH(4)) fifo_normalise_reports (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(normalise_reports_source_TDATA),
      .source_valid(normalise_reports_source_TVALID),
      .source_ready(normalise_reports_source_TREADY),
      .sink_data(normalise_reports_sink_TDATA),
      .sink_valid(normalise_reports_sink_TVALID),
      .sink_ready(normalise_reports_sink_TREADY)
  );
  wire [63:0] select_reports_source_TDATA;
  wire select_reports_source_TVALID;
  wire select_reports_source_TREADY;
  wire [63:0] select_reports_sink_TDATA;
  wire select_reports_sink_TVALID;
  wire select_reports_sink_TREADY;
  stream_channel #(.BITS(64), .DEPTH(4)) fifo_select_reports (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(select_reports_source_TDATA),
      .source_valid(select_reports_source_TVALID),
      .source_ready(select_reports_source_TREADY),
      .sink_data(select_reports_sink_TDATA),
      .sink_valid(select_reports_sink_TVALID),
      .sink_ready(select_reports_sink_TREADY)
  );
  wire [63:0] connections_reports_source_TDATA;
  wire connections_reports_source_TVALID;
  wire connections_reports_source_TREADY;
  wire [63:0] connections_reports_sink_TDATA;
  wire connections_reports_sink_TVALID;
  wire connections_reports_sink_TREADY;
  stream_channel #(.BITS(64), .DEPTH(4)) fifo_connections_reports (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(connections_reports_source_TDATA),
      .source_valid(connections_reports_source_TVALID),
      .source_ready(connections_reports_source_TREADY),
      .sink_data(connections_reports_sink_TDATA),
      .sink_valid(connections_reports_sink_TVALID),
      .sink_ready(connections_reports_sink_TREADY)
  );
  wire [255:0] gelu_backward_source_TDATA;
  wire gelu_backward_source_TVALID;
  wire gelu_backward_source_TREADY;
  wire [255:0] gelu_backward_sink_TDATA;
  wire gelu_backward_sink_TVALID;
  wire gelu_backward_sink_TREADY;
  stream_channel #(.BITS(256), .DEPTH(4)) fifo_gelu_backward (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(gelu_backward_source_TDATA),
      .source_valid(gelu_backward_source_TVALID),
      .source_ready(gelu_backward_source_TREADY),
      .sink_data(gelu_backward_sink_TDATA),
      .sink_valid(gelu_backward_sink_TVALID),
      .sink_ready(gelu_backward_sink_TREADY)
  );
  wire [255:0] softmax_backward_source_TDATA;
  wire softmax_backward_source_TVALID;
  wire softmax_backward_source_TREADY;
  wire [255:0] softmax_backward_sink_TDATA;
  wire softmax_backward_sink_TVALID;
  wire softmax_backward_sink_TREADY;
  stream_channel #(.BITS(256), .DEPTH(4)) fifo_softmax_backward (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(softmax_backward_source_TDATA),
      .source_valid(softmax_backward_source_TVALID),
      .source_ready(softmax_backward_source_TREADY),
      .sink_data(softmax_backward_sink_TDATA),
      .sink_valid(softmax_backward_sink_TVALID),
      .sink_ready(softmax_backward_sink_TREADY)
  );
  wire [255:0] cross_entropy_source_TDATA;
  wire cross_entropy_source_TVALID;
  wire cross_entropy_source_TREADY;
  wire [255:0] cross_entropy_sink_TDATA;
  wire cross_entropy_sink_TVALID;
  wire cross_entropy_sink_TREADY;
  stream_channel #(.BITS(256), .DEPTH(4)) fifo_cross_entropy (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(cross_entropy_source_TDATA),
      .source_valid(cross_entropy_source_TVALID),
      .source_ready(cross_entropy_source_TREADY),
      .sink_data(cross_entropy_sink_TDATA),
      .sink_valid(cross_entropy_sink_TVALID),
      .sink_ready(cross_entropy_sink_TREADY)
  );
  wire [255:0] normalise_backward_source_TDATA;
  wire normalise_backward_source_TVALID;
  wire normalise_backward_source_TREADY;
  wire [255:0] normalise_backward_sink_TDATA;
  wire normalise_backward_sink_TVALID;
  wire normalise_backward_sink_TREADY;
  stream_channel #(.BITS(256), .DEPTH(4)) fifo_normalise_backward (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(normalise_backward_source_TDATA),
      .source_valid(normalise_backward_source_TVALID),
      .source_ready(normalise_backward_source_TREADY),
      .sink_data(normalise_backward_sink_TDATA),
      .sink_valid(normalise_backward_sink_TVALID),
      .sink_ready(normalise_backward_sink_TREADY)
  );
  wire [255:0] update_source_TDATA;
  wire update_source_TVALID;
  wire update_source_TREADY;
  wire [255:0] update_sink_TDATA;
  wire update_sink_TVALID;
  wire update_sink_TREADY;
  stream_channel #(.BITS(256), .DEPTH(4)) fifo_update (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(update_source_TDATA),
      .source_valid(update_source_TVALID),
      .source_ready(update_source_TREADY),
      .sink_data(update_sink_TDATA),
      .sink_valid(update_sink_TVALID),
      .sink_ready(update_sink_TREADY)
  );
  wire [511:0] gelu_backward_rows_source_TDATA;
  wire gelu_backward_rows_source_TVALID;
  wire gelu_backward_rows_source_TREADY;
  wire [511:0] gelu_backward_rows_sink_TDATA;
  wire gelu_backward_rows_sink_TVALID;
  wire gelu_backward_rows_sink_TREADY;
  stream_channel #(.BITS(512), .DEPTH(4)) fifo_gelu_backward_rows (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(gelu_backward_rows_source_TDATA),
      .source_valid(gelu_backward_rows_source_TVALID),
      .source_ready(gelu_backward_rows_source_TREADY),
      .sink_data(gelu_backward_rows_sink_TDATA),
      .sink_valid(gelu_backward_rows_sink_TVALID),
      .sink_ready(gelu_backward_rows_sink_TREADY)
  );
  wire [511:0] gelu_backward_partners_source_TDATA;
  wire gelu_backward_partners_source_TVALID;
  wire gelu_backward_partners_source_TREADY;
  wire [511:0] gelu_backward_partners_sink_TDATA;
  wire gelu_backward_partners_sink_TVALID;
  wire gelu_backward_partners_sink_TREADY;
  stream_channel #(.BITS(512), .DEPTH(4)) fifo_gelu_backward_partners (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(gelu_backward_partners_source_TDATA),
      .source_valid(gelu_backward_partners_source_TVALID),
      .source_ready(gelu_backward_partners_source_TREADY),
      .sink_data(gelu_backward_partners_sink_TDATA),
      .sink_valid(gelu_backward_partners_sink_TVALID),
      .sink_ready(gelu_backward_partners_sink_TREADY)
  );
  wire [511:0] gelu_backward_results_source_TDATA;
  wire gelu_backward_results_source_TVALID;
  wire gelu_backward_results_source_TREADY;
  wire [511:0] gelu_backward_results_sink_TDATA;
  wire gelu_backward_results_sink_TVALID;
  wire gelu_backward_results_sink_TREADY;
  stream_channel #(.BITS(512), .DEPTH(4)) fifo_gelu_backward_results (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(gelu_backward_results_source_TDATA),
      .source_valid(gelu_backward_results_source_TVALID),
      .source_ready(gelu_backward_results_source_TREADY),
      .sink_data(gelu_backward_results_sink_TDATA),
      .sink_valid(gelu_backward_results_sink_TVALID),
      .sink_ready(gelu_backward_results_sink_TREADY)
  );
  wire [511:0] softmax_backward_rows_source_TDATA;
  wire softmax_backward_rows_source_TVALID;
  wire softmax_backward_rows_source_TREADY;
  wire [511:0] softmax_backward_rows_sink_TDATA;
  wire softmax_backward_rows_sink_TVALID;
  wire softmax_backward_rows_sink_TREADY;
  stream_channel #(.BITS(512), .DEPTH(4)) fifo_softmax_backward_rows (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(softmax_backward_rows_source_TDATA),
      .source_valid(softmax_backward_rows_source_TVALID),
      .source_ready(softmax_backward_rows_source_TREADY),
      .sink_data(softmax_backward_rows_sink_TDATA),
      .sink_valid(softmax_backward_rows_sink_TVALID),
      .sink_ready(softmax_backward_rows_sink_TREADY)
  );
  wire [511:0] softmax_backward_partners_source_TDATA;
  wire softmax_backward_partners_source_TVALID;
  wire softmax_backward_partners_source_TREADY;
  wire [511:0] softmax_backward_partners_sink_TDATA;
  wire softmax_backward_partners_sink_TVALID;
  wire softmax_backward_partners_sink_TREADY;
  stream_channel #(.BITS(512), .DEPTH(4)) fifo_softmax_backward_partners (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(softmax_backward_partners_source_TDATA),
      .source_valid(softmax_backward_partners_source_TVALID),
      .source_ready(softmax_backward_partners_source_TREADY),
      .sink_data(softmax_backward_partners_sink_TDATA),
      .sink_valid(softmax_backward_partners_sink_TVALID),
      .sink_ready(softmax_backward_partners_sink_TREADY)
  );
  wire [511:0] softmax_backward_results_source_TDATA;
  wire softmax_backward_results_source_TVALID;
  wire softmax_backward_results_source_TREADY;
  wire [511:0] softmax_backward_results_sink_TDATA;
  wire softmax_backward_results_sink_TVALID;
  wire softmax_backward_results_sink_TREADY;
  stream_channel #(.BITS(512), .DEPTH(4)) fifo_softmax_backward_results (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(softmax_backward_results_source_TDATA),
      .source_valid(softmax_backward_results_source_TVALID),
      .source_ready(softmax_backward_results_source_TREADY),
      .sink_data(softmax_backward_results_sink_TDATA),
      .sink_valid(softmax_backward_results_sink_TVALID),
      .sink_ready(softmax_backward_results_sink_TREADY)
  );
  wire [511:0] cross_entropy_logits_source_TDATA;
  wire cross_entropy_logits_source_TVALID;
  wire cross_entropy_logits_source_TREADY;
  wire [511:0] cross_entropy_logits_sink_TDATA;
  wire cross_entropy_logits_sink_TVALID;
  wire cross_entropy_logits_sink_TREADY;
  stream_channel #(.BITS(512), .DEPTH(4)) fifo_cross_entropy_logits (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(cross_entropy_logits_source_TDATA),
      .source_valid(cross_entropy_logits_source_TVALID),
      .source_ready(cross_entropy_logits_source_TREADY),
      .sink_data(cross_entropy_logits_sink_TDATA),
      .sink_valid(cross_entropy_logits_sink_TVALID),
      .sink_ready(cross_entropy_logits_sink_TREADY)
  );
  wire [511:0] cross_entropy_targets_source_TDATA;
  wire cross_entropy_targets_source_TVALID;
  wire cross_entropy_targets_source_TREADY;
  wire [511:0] cross_entropy_targets_sink_TDATA;
  wire cross_entropy_targets_sink_TVALID;
  wire cross_entropy_targets_sink_TREADY;
  stream_channel #(.BITS(512), .DEPTH(4)) fifo_cross_entropy_targets (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(cross_entropy_targets_source_TDATA),
      .source_valid(cross_entropy_targets_source_TVALID),
      .source_ready(cross_entropy_targets_source_TREADY),
      .sink_data(cross_entropy_targets_sink_TDATA),
      .sink_valid(cross_entropy_targets_sink_TVALID),
      .sink_ready(cross_entropy_targets_sink_TREADY)
  );
  wire [511:0] cross_entropy_results_source_TDATA;
  wire cross_entropy_results_source_TVALID;
  wire cross_entropy_results_source_TREADY;
  wire [511:0] cross_entropy_results_sink_TDATA;
  wire cross_entropy_results_sink_TVALID;
  wire cross_entropy_results_sink_TREADY;
  stream_channel #(.BITS(512), .DEPTH(4)) fifo_cross_entropy_results (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(cross_entropy_results_source_TDATA),
      .source_valid(cross_entropy_results_source_TVALID),
      .source_ready(cross_entropy_results_source_TREADY),
      .sink_data(cross_entropy_results_sink_TDATA),
      .sink_valid(cross_entropy_results_sink_TVALID),
      .sink_ready(cross_entropy_results_sink_TREADY)
  );
  wire [255:0] normalise_backward_rows_source_TDATA;
  wire normalise_backward_rows_source_TVALID;
  wire normalise_backward_rows_source_TREADY;
  wire [255:0] normalise_backward_rows_sink_TDATA;
  wire normalise_backward_rows_sink_TVALID;
  wire normalise_backward_rows_sink_TREADY;
  stream_channel #(.BITS(256), .DEPTH(4)) fifo_normalise_backward_rows (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(normalise_backward_rows_source_TDATA),
      .source_valid(normalise_backward_rows_source_TVALID),
      .source_ready(normalise_backward_rows_source_TREADY),
      .sink_data(normalise_backward_rows_sink_TDATA),
      .sink_valid(normalise_backward_rows_sink_TVALID),
      .sink_ready(normalise_backward_rows_sink_TREADY)
  );
  wire [255:0] normalise_backward_vectors_source_TDATA;
  wire normalise_backward_vectors_source_TVALID;
  wire normalise_backward_vectors_source_TREADY;
  wire [255:0] normalise_backward_vectors_sink_TDATA;
  wire normalise_backward_vectors_sink_TVALID;
  wire normalise_backward_vectors_sink_TREADY;
  stream_channel #(.BITS(256), .DEPTH(4)) fifo_normalise_backward_vectors (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(normalise_backward_vectors_source_TDATA),
      .source_valid(normalise_backward_vectors_source_TVALID),
      .source_ready(normalise_backward_vectors_source_TREADY),
      .sink_data(normalise_backward_vectors_sink_TDATA),
      .sink_valid(normalise_backward_vectors_sink_TVALID),
      .sink_ready(normalise_backward_vectors_sink_TREADY)
  );
  wire [255:0] normalise_backward_results_source_TDATA;
  wire normalise_backward_results_source_TVALID;
  wire normalise_backward_results_source_TREADY;
  wire [255:0] normalise_backward_results_sink_TDATA;
  wire normalise_backward_results_sink_TVALID;
  wire normalise_backward_results_sink_TREADY;
  stream_channel #(.BITS(256), .DEPTH(4)) fifo_normalise_backward_results (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(normalise_backward_results_source_TDATA),
      .source_valid(normalise_backward_results_source_TVALID),
      .source_ready(normalise_backward_results_source_TREADY),
      .sink_data(normalise_backward_results_sink_TDATA),
      .sink_valid(normalise_backward_results_sink_TVALID),
      .sink_ready(normalise_backward_results_sink_TREADY)
  );
  wire [127:0] update_words0_source_TDATA;
  wire update_words0_source_TVALID;
  wire update_words0_source_TREADY;
  wire [127:0] update_words0_sink_TDATA;
  wire update_words0_sink_TVALID;
  wire update_words0_sink_TREADY;
  stream_channel #(.BITS(128), .DEPTH(4)) fifo_update_words0 (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(update_words0_source_TDATA),
      .source_valid(update_words0_source_TVALID),
      .source_ready(update_words0_source_TREADY),
      .sink_data(update_words0_sink_TDATA),
      .sink_valid(update_words0_sink_TVALID),
      .sink_ready(update_words0_sink_TREADY)
  );
  wire [127:0] update_words1_source_TDATA;
  wire update_words1_source_TVALID;
  wire update_words1_source_TREADY;
  wire [127:0] update_words1_sink_TDATA;
  wire update_words1_sink_TVALID;
  wire update_words1_sink_TREADY;
  stream_channel #(.BITS(128), .DEPTH(4)) fifo_update_words1 (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(update_words1_source_TDATA),
      .source_valid(update_words1_source_TVALID),
      .source_ready(update_words1_source_TREADY),
      .sink_data(update_words1_sink_TDATA),
      .sink_valid(update_words1_sink_TVALID),
      .sink_ready(update_words1_sink_TREADY)
  );
  wire [127:0] update_words2_source_TDATA;
  wire update_words2_source_TVALID;
  wire update_words2_source_TREADY;
  wire [127:0] update_words2_sink_TDATA;
  wire update_words2_sink_TVALID;
  wire update_words2_sink_TREADY;
  stream_channel #(.BITS(128), .DEPTH(4)) fifo_update_words2 (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(update_words2_source_TDATA),
      .source_valid(update_words2_source_TVALID),
      .source_ready(update_words2_source_TREADY),
      .sink_data(update_words2_sink_TDATA),
      .sink_valid(update_words2_sink_TVALID),
      .sink_ready(update_words2_sink_TREADY)
  );
  wire [127:0] update_words3_source_TDATA;
  wire update_words3_source_TVALID;
  wire update_words3_source_TREADY;
  wire [127:0] update_words3_sink_TDATA;
  wire update_words3_sink_TVALID;
  wire update_words3_sink_TREADY;
  stream_channel #(.BITS(128), .DEPTH(4)) fifo_update_words3 (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(update_words3_source_TDATA),
      .source_valid(update_words3_source_TVALID),
      .source_ready(update_words3_source_TREADY),
      .sink_data(update_words3_sink_TDATA),
      .sink_valid(update_words3_sink_TVALID),
      .sink_ready(update_words3_sink_TREADY)
  );
  wire [127:0] update_results0_source_TDATA;
  wire update_results0_source_TVALID;
  wire update_results0_source_TREADY;
  wire [127:0] update_results0_sink_TDATA;
  wire update_results0_sink_TVALID;
  wire update_results0_sink_TREADY;
  stream_channel #(.BITS(128), .DEPTH(4)) fifo_update_results0 (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(update_results0_source_TDATA),
      .source_valid(update_results0_source_TVALID),
      .source_ready(update_results0_source_TREADY),
      .sink_data(update_results0_sink_TDATA),
      .sink_valid(update_results0_sink_TVALID),
      .sink_ready(update_results0_sink_TREADY)
  );
  wire [127:0] update_results1_source_TDATA;
  wire update_results1_source_TVALID;
  wire update_results1_source_TREADY;
  wire [127:0] update_results1_sink_TDATA;
  wire update_results1_sink_TVALID;
  wire update_results1_sink_TREADY;
  stream_channel #(.BITS(128), .DEPTH(4)) fifo_update_results1 (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(update_results1_source_TDATA),
      .source_valid(update_results1_source_TVALID),
      .source_ready(update_results1_source_TREADY),
      .sink_data(update_results1_sink_TDATA),
      .sink_valid(update_results1_sink_TVALID),
      .sink_ready(update_results1_sink_TREADY)
  );
  wire [127:0] update_results2_source_TDATA;
  wire update_results2_source_TVALID;
  wire update_results2_source_TREADY;
  wire [127:0] update_results2_sink_TDATA;
  wire update_results2_sink_TVALID;
  wire update_results2_sink_TREADY;
  stream_channel #(.BITS(128), .DEPTH(4)) fifo_update_results2 (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(update_results2_source_TDATA),
      .source_valid(update_results2_source_TVALID),
      .source_ready(update_results2_source_TREADY),
      .sink_data(update_results2_sink_TDATA),
      .sink_valid(update_results2_sink_TVALID),
      .sink_ready(update_results2_sink_TREADY)
  );
  wire [127:0] update_results3_source_TDATA;
  wire update_results3_source_TVALID;
  wire update_results3_source_TREADY;
  wire [127:0] update_results3_sink_TDATA;
  wire update_results3_sink_TVALID;
  wire update_results3_sink_TREADY;
  stream_channel #(.BITS(128), .DEPTH(4)) fifo_update_results3 (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(update_results3_source_TDATA),
      .source_valid(update_results3_source_TVALID),
      .source_ready(update_results3_source_TREADY),
      .sink_data(update_results3_sink_TDATA),
      .sink_valid(update_results3_sink_TVALID),
      .sink_ready(update_results3_sink_TREADY)
  );
  wire [63:0] gelu_backward_reports_source_TDATA;
  wire gelu_backward_reports_source_TVALID;
  wire gelu_backward_reports_source_TREADY;
  wire [63:0] gelu_backward_reports_sink_TDATA;
  wire gelu_backward_reports_sink_TVALID;
  wire gelu_backward_reports_sink_TREADY;
  stream_channel #(.BITS(64), .DEPTH(4)) fifo_gelu_backward_reports (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(gelu_backward_reports_source_TDATA),
      .source_valid(gelu_backward_reports_source_TVALID),
      .source_ready(gelu_backward_reports_source_TREADY),
      .sink_data(gelu_backward_reports_sink_TDATA),
      .sink_valid(gelu_backward_reports_sink_TVALID),
      .sink_ready(gelu_backward_reports_sink_TREADY)
  );
  wire [63:0] softmax_backward_reports_source_TDATA;
  wire softmax_backward_reports_source_TVALID;
  wire softmax_backward_reports_source_TREADY;
  wire [63:0] softmax_backward_reports_sink_TDATA;
  wire softmax_backward_reports_sink_TVALID;
  wire softmax_backward_reports_sink_TREADY;
  stream_channel #(.BITS(64), .DEPTH(4)) fifo_softmax_backward_reports (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(softmax_backward_reports_source_TDATA),
      .source_valid(softmax_backward_reports_source_TVALID),
      .source_ready(softmax_backward_reports_source_TREADY),
      .sink_data(softmax_backward_reports_sink_TDATA),
      .sink_valid(softmax_backward_reports_sink_TVALID),
      .sink_ready(softmax_backward_reports_sink_TREADY)
  );
  wire [63:0] cross_entropy_reports_source_TDATA;
  wire cross_entropy_reports_source_TVALID;
  wire cross_entropy_reports_source_TREADY;
  wire [63:0] cross_entropy_reports_sink_TDATA;
  wire cross_entropy_reports_sink_TVALID;
  wire cross_entropy_reports_sink_TREADY;
  stream_channel #(.BITS(64), .DEPTH(4)) fifo_cross_entropy_reports (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(cross_entropy_reports_source_TDATA),
      .source_valid(cross_entropy_reports_source_TVALID),
      .source_ready(cross_entropy_reports_source_TREADY),
      .sink_data(cross_entropy_reports_sink_TDATA),
      .sink_valid(cross_entropy_reports_sink_TVALID),
      .sink_ready(cross_entropy_reports_sink_TREADY)
  );
  wire [63:0] normalise_backward_reports_source_TDATA;
  wire normalise_backward_reports_source_TVALID;
  wire normalise_backward_reports_source_TREADY;
  wire [63:0] normalise_backward_reports_sink_TDATA;
  wire normalise_backward_reports_sink_TVALID;
  wire normalise_backward_reports_sink_TREADY;
  stream_channel #(.BITS(64), .DEPTH(4)) fifo_normalise_backward_reports (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(normalise_backward_reports_source_TDATA),
      .source_valid(normalise_backward_reports_source_TVALID),
      .source_ready(normalise_backward_reports_source_TREADY),
      .sink_data(normalise_backward_reports_sink_TDATA),
      .sink_valid(normalise_backward_reports_sink_TVALID),
      .sink_ready(normalise_backward_reports_sink_TREADY)
  );
  wire [63:0] update_reports_source_TDATA;
  wire update_reports_source_TVALID;
  wire update_reports_source_TREADY;
  wire [63:0] update_reports_sink_TDATA;
  wire update_reports_sink_TVALID;
  wire update_reports_sink_TREADY;
  stream_channel #(.BITS(64), .DEPTH(4)) fifo_update_reports (
      .clk(ap_clk),
      .resetn(blocks_rst_n),
      .source_data(update_reports_source_TDATA),
      .source_valid(update_reports_source_TVALID),
      .source_ready(update_reports_source_TREADY),
      .sink_data(update_reports_sink_TDATA),
      .sink_valid(update_reports_sink_TVALID),
      .sink_ready(update_reports_sink_TREADY)
  );
  trivit_training_top trivit (
      .ap_clk(ap_clk),
      .ap_rst_n(ap_rst_n),
      .blocks_rst_n(blocks_rst_n),
      .interrupt(interrupt),
      .s_axi_control_AWADDR(s_axi_control_AWADDR),
      .s_axi_control_AWVALID(s_axi_control_AWVALID),
      .s_axi_control_AWREADY(s_axi_control_AWREADY),
      .s_axi_control_WDATA(s_axi_control_WDATA),
      .s_axi_control_WSTRB(s_axi_control_WSTRB),
      .s_axi_control_WVALID(s_axi_control_WVALID),
      .s_axi_control_WREADY(s_axi_control_WREADY),
      .s_axi_control_BRESP(s_axi_control_BRESP),
      .s_axi_control_BVALID(s_axi_control_BVALID),
      .s_axi_control_BREADY(s_axi_control_BREADY),
      .s_axi_control_ARADDR(s_axi_control_ARADDR),
      .s_axi_control_ARVALID(s_axi_control_ARVALID),
      .s_axi_control_ARREADY(s_axi_control_ARREADY),
      .s_axi_control_RDATA(s_axi_control_RDATA),
      .s_axi_control_RRESP(s_axi_control_RRESP),
      .s_axi_control_RVALID(s_axi_control_RVALID),
      .s_axi_control_RREADY(s_axi_control_RREADY),
      .m_axi_gmem0_ARADDR(m_axi_gmem0_ARADDR),
      .m_axi_gmem0_ARLEN(m_axi_gmem0_ARLEN),
      .m_axi_gmem0_ARSIZE(m_axi_gmem0_ARSIZE),
      .m_axi_gmem0_ARBURST(m_axi_gmem0_ARBURST),
      .m_axi_gmem0_ARID(m_axi_gmem0_ARID),
      .m_axi_gmem0_ARLOCK(m_axi_gmem0_ARLOCK),
      .m_axi_gmem0_ARCACHE(m_axi_gmem0_ARCACHE),
      .m_axi_gmem0_ARPROT(m_axi_gmem0_ARPROT),
      .m_axi_gmem0_ARQOS(m_axi_gmem0_ARQOS),
      .m_axi_gmem0_ARREGION(m_axi_gmem0_ARREGION),
      .m_axi_gmem0_ARVALID(m_axi_gmem0_ARVALID),
      .m_axi_gmem0_ARREADY(m_axi_gmem0_ARREADY),
      .m_axi_gmem0_AWADDR(m_axi_gmem0_AWADDR),
      .m_axi_gmem0_AWLEN(m_axi_gmem0_AWLEN),
      .m_axi_gmem0_AWSIZE(m_axi_gmem0_AWSIZE),
      .m_axi_gmem0_AWBURST(m_axi_gmem0_AWBURST),
      .m_axi_gmem0_AWID(m_axi_gmem0_AWID),
      .m_axi_gmem0_AWLOCK(m_axi_gmem0_AWLOCK),
      .m_axi_gmem0_AWCACHE(m_axi_gmem0_AWCACHE),
      .m_axi_gmem0_AWPROT(m_axi_gmem0_AWPROT),
      .m_axi_gmem0_AWQOS(m_axi_gmem0_AWQOS),
      .m_axi_gmem0_AWREGION(m_axi_gmem0_AWREGION),
      .m_axi_gmem0_AWVALID(m_axi_gmem0_AWVALID),
      .m_axi_gmem0_AWREADY(m_axi_gmem0_AWREADY),
      .m_axi_gmem0_RID(m_axi_gmem0_RID),
      .m_axi_gmem0_RDATA(m_axi_gmem0_RDATA),
      .m_axi_gmem0_RRESP(m_axi_gmem0_RRESP),
      .m_axi_gmem0_RLAST(m_axi_gmem0_RLAST),
      .m_axi_gmem0_RVALID(m_axi_gmem0_RVALID),
      .m_axi_gmem0_RREADY(m_axi_gmem0_RREADY),
      .m_axi_gmem0_WDATA(m_axi_gmem0_WDATA),
      .m_axi_gmem0_WSTRB(m_axi_gmem0_WSTRB),
      .m_axi_gmem0_WLAST(m_axi_gmem0_WLAST),
      .m_axi_gmem0_WVALID(m_axi_gmem0_WVALID),
      .m_axi_gmem0_WREADY(m_axi_gmem0_WREADY),
      .m_axi_gmem0_BID(m_axi_gmem0_BID),
      .m_axi_gmem0_BRESP(m_axi_gmem0_BRESP),
      .m_axi_gmem0_BVALID(m_axi_gmem0_BVALID),
      .m_axi_gmem0_BREADY(m_axi_gmem0_BREADY),
      .m_axi_gmem1_ARADDR(m_axi_gmem1_ARADDR),
      .m_axi_gmem1_ARLEN(m_axi_gmem1_ARLEN),
      .m_axi_gmem1_ARSIZE(m_axi_gmem1_ARSIZE),
      .m_axi_gmem1_ARBURST(m_axi_gmem1_ARBURST),
      .m_axi_gmem1_ARID(m_axi_gmem1_ARID),
      .m_axi_gmem1_ARLOCK(m_axi_gmem1_ARLOCK),
      .m_axi_gmem1_ARCACHE(m_axi_gmem1_ARCACHE),
      .m_axi_gmem1_ARPROT(m_axi_gmem1_ARPROT),
      .m_axi_gmem1_ARQOS(m_axi_gmem1_ARQOS),
      .m_axi_gmem1_ARREGION(m_axi_gmem1_ARREGION),
      .m_axi_gmem1_ARVALID(m_axi_gmem1_ARVALID),
      .m_axi_gmem1_ARREADY(m_axi_gmem1_ARREADY),
      .m_axi_gmem1_AWADDR(m_axi_gmem1_AWADDR),
      .m_axi_gmem1_AWLEN(m_axi_gmem1_AWLEN),
      .m_axi_gmem1_AWSIZE(m_axi_gmem1_AWSIZE),
      .m_axi_gmem1_AWBURST(m_axi_gmem1_AWBURST),
      .m_axi_gmem1_AWID(m_axi_gmem1_AWID),
      .m_axi_gmem1_AWLOCK(m_axi_gmem1_AWLOCK),
      .m_axi_gmem1_AWCACHE(m_axi_gmem1_AWCACHE),
      .m_axi_gmem1_AWPROT(m_axi_gmem1_AWPROT),
      .m_axi_gmem1_AWQOS(m_axi_gmem1_AWQOS),
      .m_axi_gmem1_AWREGION(m_axi_gmem1_AWREGION),
      .m_axi_gmem1_AWVALID(m_axi_gmem1_AWVALID),
      .m_axi_gmem1_AWREADY(m_axi_gmem1_AWREADY),
      .m_axi_gmem1_RID(m_axi_gmem1_RID),
      .m_axi_gmem1_RDATA(m_axi_gmem1_RDATA),
      .m_axi_gmem1_RRESP(m_axi_gmem1_RRESP),
      .m_axi_gmem1_RLAST(m_axi_gmem1_RLAST),
      .m_axi_gmem1_RVALID(m_axi_gmem1_RVALID),
      .m_axi_gmem1_RREADY(m_axi_gmem1_RREADY),
      .m_axi_gmem1_WDATA(m_axi_gmem1_WDATA),
      .m_axi_gmem1_WSTRB(m_axi_gmem1_WSTRB),
      .m_axi_gmem1_WLAST(m_axi_gmem1_WLAST),
      .m_axi_gmem1_WVALID(m_axi_gmem1_WVALID),
      .m_axi_gmem1_WREADY(m_axi_gmem1_WREADY),
      .m_axi_gmem1_BID(m_axi_gmem1_BID),
      .m_axi_gmem1_BRESP(m_axi_gmem1_BRESP),
      .m_axi_gmem1_BVALID(m_axi_gmem1_BVALID),
      .m_axi_gmem1_BREADY(m_axi_gmem1_BREADY),
      .m_axi_gmem2_ARADDR(m_axi_gmem2_ARADDR),
      .m_axi_gmem2_ARLEN(m_axi_gmem2_ARLEN),
      .m_axi_gmem2_ARSIZE(m_axi_gmem2_ARSIZE),
      .m_axi_gmem2_ARBURST(m_axi_gmem2_ARBURST),
      .m_axi_gmem2_ARID(m_axi_gmem2_ARID),
      .m_axi_gmem2_ARLOCK(m_axi_gmem2_ARLOCK),
      .m_axi_gmem2_ARCACHE(m_axi_gmem2_ARCACHE),
      .m_axi_gmem2_ARPROT(m_axi_gmem2_ARPROT),
      .m_axi_gmem2_ARQOS(m_axi_gmem2_ARQOS),
      .m_axi_gmem2_ARREGION(m_axi_gmem2_ARREGION),
      .m_axi_gmem2_ARVALID(m_axi_gmem2_ARVALID),
      .m_axi_gmem2_ARREADY(m_axi_gmem2_ARREADY),
      .m_axi_gmem2_AWADDR(m_axi_gmem2_AWADDR),
      .m_axi_gmem2_AWLEN(m_axi_gmem2_AWLEN),
      .m_axi_gmem2_AWSIZE(m_axi_gmem2_AWSIZE),
      .m_axi_gmem2_AWBURST(m_axi_gmem2_AWBURST),
      .m_axi_gmem2_AWID(m_axi_gmem2_AWID),
      .m_axi_gmem2_AWLOCK(m_axi_gmem2_AWLOCK),
      .m_axi_gmem2_AWCACHE(m_axi_gmem2_AWCACHE),
      .m_axi_gmem2_AWPROT(m_axi_gmem2_AWPROT),
      .m_axi_gmem2_AWQOS(m_axi_gmem2_AWQOS),
      .m_axi_gmem2_AWREGION(m_axi_gmem2_AWREGION),
      .m_axi_gmem2_AWVALID(m_axi_gmem2_AWVALID),
      .m_axi_gmem2_AWREADY(m_axi_gmem2_AWREADY),
      .m_axi_gmem2_RID(m_axi_gmem2_RID),
      .m_axi_gmem2_RDATA(m_axi_gmem2_RDATA),
      .m_axi_gmem2_RRESP(m_axi_gmem2_RRESP),
      .m_axi_gmem2_RLAST(m_axi_gmem2_RLAST),
      .m_axi_gmem2_RVALID(m_axi_gmem2_RVALID),
      .m_axi_gmem2_RREADY(m_axi_gmem2_RREADY),
      .m_axi_gmem2_WDATA(m_axi_gmem2_WDATA),
      .m_axi_gmem2_WSTRB(m_axi_gmem2_WSTRB),
      .m_axi_gmem2_WLAST(m_axi_gmem2_WLAST),
      .m_axi_gmem2_WVALID(m_axi_gmem2_WVALID),
      .m_axi_gmem2_WREADY(m_axi_gmem2_WREADY),
      .m_axi_gmem2_BID(m_axi_gmem2_BID),
      .m_axi_gmem2_BRESP(m_axi_gmem2_BRESP),
      .m_axi_gmem2_BVALID(m_axi_gmem2_BVALID),
      .m_axi_gmem2_BREADY(m_axi_gmem2_BREADY),
      .m_axi_gmem3_ARADDR(m_axi_gmem3_ARADDR),
      .m_axi_gmem3_ARLEN(m_axi_gmem3_ARLEN),
      .m_axi_gmem3_ARSIZE(m_axi_gmem3_ARSIZE),
      .m_axi_gmem3_ARBURST(m_axi_gmem3_ARBURST),
      .m_axi_gmem3_ARID(m_axi_gmem3_ARID),
      .m_axi_gmem3_ARLOCK(m_axi_gmem3_ARLOCK),
      .m_axi_gmem3_ARCACHE(m_axi_gmem3_ARCACHE),
      .m_axi_gmem3_ARPROT(m_axi_gmem3_ARPROT),
      .m_axi_gmem3_ARQOS(m_axi_gmem3_ARQOS),
      .m_axi_gmem3_ARREGION(m_axi_gmem3_ARREGION),
      .m_axi_gmem3_ARVALID(m_axi_gmem3_ARVALID),
      .m_axi_gmem3_ARREADY(m_axi_gmem3_ARREADY),
      .m_axi_gmem3_AWADDR(m_axi_gmem3_AWADDR),
      .m_axi_gmem3_AWLEN(m_axi_gmem3_AWLEN),
      .m_axi_gmem3_AWSIZE(m_axi_gmem3_AWSIZE),
      .m_axi_gmem3_AWBURST(m_axi_gmem3_AWBURST),
      .m_axi_gmem3_AWID(m_axi_gmem3_AWID),
      .m_axi_gmem3_AWLOCK(m_axi_gmem3_AWLOCK),
      .m_axi_gmem3_AWCACHE(m_axi_gmem3_AWCACHE),
      .m_axi_gmem3_AWPROT(m_axi_gmem3_AWPROT),
      .m_axi_gmem3_AWQOS(m_axi_gmem3_AWQOS),
      .m_axi_gmem3_AWREGION(m_axi_gmem3_AWREGION),
      .m_axi_gmem3_AWVALID(m_axi_gmem3_AWVALID),
      .m_axi_gmem3_AWREADY(m_axi_gmem3_AWREADY),
      .m_axi_gmem3_RID(m_axi_gmem3_RID),
      .m_axi_gmem3_RDATA(m_axi_gmem3_RDATA),
      .m_axi_gmem3_RRESP(m_axi_gmem3_RRESP),
      .m_axi_gmem3_RLAST(m_axi_gmem3_RLAST),
      .m_axi_gmem3_RVALID(m_axi_gmem3_RVALID),
      .m_axi_gmem3_RREADY(m_axi_gmem3_RREADY),
      .m_axi_gmem3_WDATA(m_axi_gmem3_WDATA),
      .m_axi_gmem3_WSTRB(m_axi_gmem3_WSTRB),
      .m_axi_gmem3_WLAST(m_axi_gmem3_WLAST),
      .m_axi_gmem3_WVALID(m_axi_gmem3_WVALID),
      .m_axi_gmem3_WREADY(m_axi_gmem3_WREADY),
      .m_axi_gmem3_BID(m_axi_gmem3_BID),
      .m_axi_gmem3_BRESP(m_axi_gmem3_BRESP),
      .m_axi_gmem3_BVALID(m_axi_gmem3_BVALID),
      .m_axi_gmem3_BREADY(m_axi_gmem3_BREADY),
      .m_axi_gmem4_ARADDR(m_axi_gmem4_ARADDR),
      .m_axi_gmem4_ARLEN(m_axi_gmem4_ARLEN),
      .m_axi_gmem4_ARSIZE(m_axi_gmem4_ARSIZE),
      .m_axi_gmem4_ARBURST(m_axi_gmem4_ARBURST),
      .m_axi_gmem4_ARID(m_axi_gmem4_ARID),
      .m_axi_gmem4_ARLOCK(m_axi_gmem4_ARLOCK),
      .m_axi_gmem4_ARCACHE(m_axi_gmem4_ARCACHE),
      .m_axi_gmem4_ARPROT(m_axi_gmem4_ARPROT),
      .m_axi_gmem4_ARQOS(m_axi_gmem4_ARQOS),
      .m_axi_gmem4_ARREGION(m_axi_gmem4_ARREGION),
      .m_axi_gmem4_ARVALID(m_axi_gmem4_ARVALID),
      .m_axi_gmem4_ARREADY(m_axi_gmem4_ARREADY),
      .m_axi_gmem4_AWADDR(m_axi_gmem4_AWADDR),
      .m_axi_gmem4_AWLEN(m_axi_gmem4_AWLEN),
      .m_axi_gmem4_AWSIZE(m_axi_gmem4_AWSIZE),
      .m_axi_gmem4_AWBURST(m_axi_gmem4_AWBURST),
      .m_axi_gmem4_AWID(m_axi_gmem4_AWID),
      .m_axi_gmem4_AWLOCK(m_axi_gmem4_AWLOCK),
      .m_axi_gmem4_AWCACHE(m_axi_gmem4_AWCACHE),
      .m_axi_gmem4_AWPROT(m_axi_gmem4_AWPROT),
      .m_axi_gmem4_AWQOS(m_axi_gmem4_AWQOS),
      .m_axi_gmem4_AWREGION(m_axi_gmem4_AWREGION),
      .m_axi_gmem4_AWVALID(m_axi_gmem4_AWVALID),
      .m_axi_gmem4_AWREADY(m_axi_gmem4_AWREADY),
      .m_axi_gmem4_RID(m_axi_gmem4_RID),
      .m_axi_gmem4_RDATA(m_axi_gmem4_RDATA),
      .m_axi_gmem4_RRESP(m_axi_gmem4_RRESP),
      .m_axi_gmem4_RLAST(m_axi_gmem4_RLAST),
      .m_axi_gmem4_RVALID(m_axi_gmem4_RVALID),
      .m_axi_gmem4_RREADY(m_axi_gmem4_RREADY),
      .m_axi_gmem4_WDATA(m_axi_gmem4_WDATA),
      .m_axi_gmem4_WSTRB(m_axi_gmem4_WSTRB),
      .m_axi_gmem4_WLAST(m_axi_gmem4_WLAST),
      .m_axi_gmem4_WVALID(m_axi_gmem4_WVALID),
      .m_axi_gmem4_WREADY(m_axi_gmem4_WREADY),
      .m_axi_gmem4_BID(m_axi_gmem4_BID),
      .m_axi_gmem4_BRESP(m_axi_gmem4_BRESP),
      .m_axi_gmem4_BVALID(m_axi_gmem4_BVALID),
      .m_axi_gmem4_BREADY(m_axi_gmem4_BREADY),
      .jobs_TDATA(jobs_source_TDATA),
      .jobs_TVALID(jobs_source_TVALID),
      .jobs_TREADY(jobs_source_TREADY),
      .descriptors_TDATA(descriptors_source_TDATA),
      .descriptors_TVALID(descriptors_source_TVALID),
      .descriptors_TREADY(descriptors_source_TREADY),
      .program_end_TDATA(program_end_sink_TDATA),
      .program_end_TVALID(program_end_sink_TVALID),
      .program_end_TREADY(program_end_sink_TREADY),
      .engine_TDATA(engine_sink_TDATA),
      .engine_TVALID(engine_sink_TVALID),
      .engine_TREADY(engine_sink_TREADY),
      .row_writer_TDATA(row_writer_sink_TDATA),
      .row_writer_TVALID(row_writer_sink_TVALID),
      .row_writer_TREADY(row_writer_sink_TREADY),
      .softmax_writer_TDATA(softmax_writer_sink_TDATA),
      .softmax_writer_TVALID(softmax_writer_sink_TVALID),
      .softmax_writer_TREADY(softmax_writer_sink_TREADY),
      .norm_writer_TDATA(norm_writer_sink_TDATA),
      .norm_writer_TVALID(norm_writer_sink_TVALID),
      .norm_writer_TREADY(norm_writer_sink_TREADY),
      .row_reader_TDATA(row_reader_sink_TDATA),
      .row_reader_TVALID(row_reader_sink_TVALID),
      .row_reader_TREADY(row_reader_sink_TREADY),
      .load_TDATA(load_sink_TDATA),
      .load_TVALID(load_sink_TVALID),
      .load_TREADY(load_sink_TREADY),
      .store_TDATA(store_sink_TDATA),
      .store_TVALID(store_sink_TVALID),
      .store_TREADY(store_sink_TREADY),
      .training_TDATA(training_sink_TDATA),
      .training_TVALID(training_sink_TVALID),
      .training_TREADY(training_sink_TREADY),
      .weights0_TDATA(weights0_sink_TDATA),
      .weights0_TVALID(weights0_sink_TVALID),
      .weights0_TREADY(weights0_sink_TREADY),
      .weights1_TDATA(weights1_sink_TDATA),
      .weights1_TVALID(weights1_sink_TVALID),
      .weights1_TREADY(weights1_sink_TREADY),
      .weights2_TDATA(weights2_sink_TDATA),
      .weights2_TVALID(weights2_sink_TVALID),
      .weights2_TREADY(weights2_sink_TREADY),
      .weights3_TDATA(weights3_sink_TDATA),
      .weights3_TVALID(weights3_sink_TVALID),
      .weights3_TREADY(weights3_sink_TREADY),
      .rows0_TDATA(rows0_sink_TDATA),
      .rows0_TVALID(rows0_sink_TVALID),
      .rows0_TREADY(rows0_sink_TREADY),
      .rows1_TDATA(rows1_sink_TDATA),
      .rows1_TVALID(rows1_sink_TVALID),
      .rows1_TREADY(rows1_sink_TREADY),
      .rows2_TDATA(rows2_sink_TDATA),
      .rows2_TVALID(rows2_sink_TVALID),
      .rows2_TREADY(rows2_sink_TREADY),
      .rows3_TDATA(rows3_sink_TDATA),
      .rows3_TVALID(rows3_sink_TVALID),
      .rows3_TREADY(rows3_sink_TREADY),
      .stores0_TDATA(stores0_sink_TDATA),
      .stores0_TVALID(stores0_sink_TVALID),
      .stores0_TREADY(stores0_sink_TREADY),
      .stores1_TDATA(stores1_sink_TDATA),
      .stores1_TVALID(stores1_sink_TVALID),
      .stores1_TREADY(stores1_sink_TREADY),
      .stores2_TDATA(stores2_sink_TDATA),
      .stores2_TVALID(stores2_sink_TVALID),
      .stores2_TREADY(stores2_sink_TREADY),
      .stores3_TDATA(stores3_sink_TDATA),
      .stores3_TVALID(stores3_sink_TVALID),
      .stores3_TREADY(stores3_sink_TREADY),
      .gelu_rows_TDATA(gelu_rows_source_TDATA),
      .gelu_rows_TVALID(gelu_rows_source_TVALID),
      .gelu_rows_TREADY(gelu_rows_source_TREADY),
      .gelu_results_TDATA(gelu_results_sink_TDATA),
      .gelu_results_TVALID(gelu_results_sink_TVALID),
      .gelu_results_TREADY(gelu_results_sink_TREADY),
      .softmax_scores_TDATA(softmax_scores_source_TDATA),
      .softmax_scores_TVALID(softmax_scores_source_TVALID),
      .softmax_scores_TREADY(softmax_scores_source_TREADY),
      .softmax_results_TDATA(softmax_results_sink_TDATA),
      .softmax_results_TVALID(softmax_results_sink_TVALID),
      .softmax_results_TREADY(softmax_results_sink_TREADY),
      .select_lists_TDATA(select_lists_sink_TDATA),
      .select_lists_TVALID(select_lists_sink_TVALID),
      .select_lists_TREADY(select_lists_sink_TREADY),
      .normalise_rows_TDATA(normalise_rows_source_TDATA),
      .normalise_rows_TVALID(normalise_rows_source_TVALID),
      .normalise_rows_TREADY(normalise_rows_source_TREADY),
      .normalise_vectors_TDATA(normalise_vectors_source_TDATA),
      .normalise_vectors_TVALID(normalise_vectors_source_TVALID),
      .normalise_vectors_TREADY(normalise_vectors_source_TREADY),
      .normalise_results_TDATA(normalise_results_sink_TDATA),
      .normalise_results_TVALID(normalise_results_sink_TVALID),
      .normalise_results_TREADY(normalise_results_sink_TREADY),
      .gelu_reports_TDATA(gelu_reports_sink_TDATA),
      .gelu_reports_TVALID(gelu_reports_sink_TVALID),
      .gelu_reports_TREADY(gelu_reports_sink_TREADY),
      .softmax_reports_TDATA(softmax_reports_sink_TDATA),
      .softmax_reports_TVALID(softmax_reports_sink_TVALID),
      .softmax_reports_TREADY(softmax_reports_sink_TREADY),
      .normalise_reports_TDATA(normalise_reports_sink_TDATA),
      .normalise_reports_TVALID(normalise_reports_sink_TVALID),
      .normalise_reports_TREADY(normalise_reports_sink_TREADY),
      .select_reports_TDATA(select_reports_sink_TDATA),
      .select_reports_TVALID(select_reports_sink_TVALID),
      .select_reports_TREADY(select_reports_sink_TREADY),
      .connections_reports_TDATA(connections_reports_sink_TDATA),
      .connections_reports_TVALID(connections_reports_sink_TVALID),
      .connections_reports_TREADY(connections_reports_sink_TREADY),
      .gelu_backward_TDATA(gelu_backward_source_TDATA),
      .gelu_backward_TVALID(gelu_backward_source_TVALID),
      .gelu_backward_TREADY(gelu_backward_source_TREADY),
      .softmax_backward_TDATA(softmax_backward_source_TDATA),
      .softmax_backward_TVALID(softmax_backward_source_TVALID),
      .softmax_backward_TREADY(softmax_backward_source_TREADY),
      .cross_entropy_TDATA(cross_entropy_source_TDATA),
      .cross_entropy_TVALID(cross_entropy_source_TVALID),
      .cross_entropy_TREADY(cross_entropy_source_TREADY),
      .normalise_backward_TDATA(normalise_backward_source_TDATA),
      .normalise_backward_TVALID(normalise_backward_source_TVALID),
      .normalise_backward_TREADY(normalise_backward_source_TREADY),
      .update_TDATA(update_source_TDATA),
      .update_TVALID(update_source_TVALID),
      .update_TREADY(update_source_TREADY),
      .gelu_backward_rows_TDATA(gelu_backward_rows_source_TDATA),
      .gelu_backward_rows_TVALID(gelu_backward_rows_source_TVALID),
      .gelu_backward_rows_TREADY(gelu_backward_rows_source_TREADY),
      .gelu_backward_partners_TDATA(gelu_backward_partners_source_TDATA),
      .gelu_backward_partners_TVALID(gelu_backward_partners_source_TVALID),
      .gelu_backward_partners_TREADY(gelu_backward_partners_source_TREADY),
      .gelu_backward_results_TDATA(gelu_backward_results_sink_TDATA),
      .gelu_backward_results_TVALID(gelu_backward_results_sink_TVALID),
      .gelu_backward_results_TREADY(gelu_backward_results_sink_TREADY),
      .softmax_backward_rows_TDATA(softmax_backward_rows_source_TDATA),
      .softmax_backward_rows_TVALID(softmax_backward_rows_source_TVALID),
      .softmax_backward_rows_TREADY(softmax_backward_rows_source_TREADY),
      .softmax_backward_partners_TDATA(softmax_backward_partners_source_TDATA),
      .softmax_backward_partners_TVALID(softmax_backward_partners_source_TVALID),
      .softmax_backward_partners_TREADY(softmax_backward_partners_source_TREADY),
      .softmax_backward_results_TDATA(softmax_backward_results_sink_TDATA),
      .softmax_backward_results_TVALID(softmax_backward_results_sink_TVALID),
      .softmax_backward_results_TREADY(softmax_backward_results_sink_TREADY),
      .cross_entropy_logits_TDATA(cross_entropy_logits_source_TDATA),
      .cross_entropy_logits_TVALID(cross_entropy_logits_source_TVALID),
      .cross_entropy_logits_TREADY(cross_entropy_logits_source_TREADY),
      .cross_entropy_targets_TDATA(cross_entropy_targets_source_TDATA),
      .cross_entropy_targets_TVALID(cross_entropy_targets_source_TVALID),
      .cross_entropy_targets_TREADY(cross_entropy_targets_source_TREADY),
      .cross_entropy_results_TDATA(cross_entropy_results_sink_TDATA),
      .cross_entropy_results_TVALID(cross_entropy_results_sink_TVALID),
      .cross_entropy_results_TREADY(cross_entropy_results_sink_TREADY),
      .normalise_backward_rows_TDATA(normalise_backward_rows_source_TDATA),
      .normalise_backward_rows_TVALID(normalise_backward_rows_source_TVALID),
      .normalise_backward_rows_TREADY(normalise_backward_rows_source_TREADY),
      .normalise_backward_vectors_TDATA(normalise_backward_vectors_source_TDATA),
      .normalise_backward_vectors_TVALID(normalise_backward_vectors_source_TVALID),
      .normalise_backward_vectors_TREADY(normalise_backward_vectors_source_TREADY),
      .normalise_backward_results_TDATA(normalise_backward_results_sink_TDATA),
      .normalise_backward_results_TVALID(normalise_backward_results_sink_TVALID),
      .normalise_backward_results_TREADY(normalise_backward_results_sink_TREADY),
      .update_words0_TDATA(update_words0_source_TDATA),
      .update_words0_TVALID(update_words0_source_TVALID),
      .update_words0_TREADY(update_words0_source_TREADY),
      .update_words1_TDATA(update_words1_source_TDATA),
      .update_words1_TVALID(update_words1_source_TVALID),
      .update_words1_TREADY(update_words1_source_TREADY),
      .update_words2_TDATA(update_words2_source_TDATA),
      .update_words2_TVALID(update_words2_source_TVALID),
      .update_words2_TREADY(update_words2_source_TREADY),
      .update_words3_TDATA(update_words3_source_TDATA),
      .update_words3_TVALID(update_words3_source_TVALID),
      .update_words3_TREADY(update_words3_source_TREADY),
      .update_results0_TDATA(update_results0_sink_TDATA),
      .update_results0_TVALID(update_results0_sink_TVALID),
      .update_results0_TREADY(update_results0_sink_TREADY),
      .update_results1_TDATA(update_results1_sink_TDATA),
      .update_results1_TVALID(update_results1_sink_TVALID),
      .update_results1_TREADY(update_results1_sink_TREADY),
      .update_results2_TDATA(update_results2_sink_TDATA),
      .update_results2_TVALID(update_results2_sink_TVALID),
      .update_results2_TREADY(update_results2_sink_TREADY),
      .update_results3_TDATA(update_results3_sink_TDATA),
      .update_results3_TVALID(update_results3_sink_TVALID),
      .update_results3_TREADY(update_results3_sink_TREADY),
      .gelu_backward_reports_TDATA(gelu_backward_reports_sink_TDATA),
      .gelu_backward_reports_TVALID(gelu_backward_reports_sink_TVALID),
      .gelu_backward_reports_TREADY(gelu_backward_reports_sink_TREADY),
      .softmax_backward_reports_TDATA(softmax_backward_reports_sink_TDATA),
      .softmax_backward_reports_TVALID(softmax_backward_reports_sink_TVALID),
      .softmax_backward_reports_TREADY(softmax_backward_reports_sink_TREADY),
      .cross_entropy_reports_TDATA(cross_entropy_reports_sink_TDATA),
      .cross_entropy_reports_TVALID(cross_entropy_reports_sink_TVALID),
      .cross_entropy_reports_TREADY(cross_entropy_reports_sink_TREADY),
      .normalise_backward_reports_TDATA(normalise_backward_reports_sink_TDATA),
      .normalise_backward_reports_TVALID(normalise_backward_reports_sink_TVALID),
      .normalise_backward_reports_TREADY(normalise_backward_reports_sink_TREADY),
      .update_reports_TDATA(update_reports_sink_TDATA),
      .update_reports_TVALID(update_reports_sink_TVALID),
      .update_reports_TREADY(update_reports_sink_TREADY)
  );
  trivit_sequencer sequencer (
      .ap_clk(ap_clk),
      .ap_rst_n(blocks_rst_n),
      .jobs_TDATA(jobs_sink_TDATA),
      .jobs_TVALID(jobs_sink_TVALID),
      .jobs_TREADY(jobs_sink_TREADY),
      .descriptors_TDATA(descriptors_sink_TDATA),
      .descriptors_TVALID(descriptors_sink_TVALID),
      .descriptors_TREADY(descriptors_sink_TREADY),
      .program_end_TDATA(program_end_source_TDATA),
      .program_end_TVALID(program_end_source_TVALID),
      .program_end_TREADY(program_end_source_TREADY),
      .engine_TDATA(engine_source_TDATA),
      .engine_TVALID(engine_source_TVALID),
      .engine_TREADY(engine_source_TREADY),
      .row_writer_TDATA(row_writer_source_TDATA),
      .row_writer_TVALID(row_writer_source_TVALID),
      .row_writer_TREADY(row_writer_source_TREADY),
      .softmax_writer_TDATA(softmax_writer_source_TDATA),
      .softmax_writer_TVALID(softmax_writer_source_TVALID),
      .softmax_writer_TREADY(softmax_writer_source_TREADY),
      .norm_writer_TDATA(norm_writer_source_TDATA),
      .norm_writer_TVALID(norm_writer_source_TVALID),
      .norm_writer_TREADY(norm_writer_source_TREADY),
      .row_reader_TDATA(row_reader_source_TDATA),
      .row_reader_TVALID(row_reader_source_TVALID),
      .row_reader_TREADY(row_reader_source_TREADY),
      .load_TDATA(load_source_TDATA),
      .load_TVALID(load_source_TVALID),
      .load_TREADY(load_source_TREADY),
      .store_TDATA(store_source_TDATA),
      .store_TVALID(store_source_TVALID),
      .store_TREADY(store_source_TREADY),
      .gelu_TDATA(gelu_source_TDATA),
      .gelu_TVALID(gelu_source_TVALID),
      .gelu_TREADY(gelu_source_TREADY),
      .softmax_TDATA(softmax_source_TDATA),
      .softmax_TVALID(softmax_source_TVALID),
      .softmax_TREADY(softmax_source_TREADY),
      .normalise_TDATA(normalise_source_TDATA),
      .normalise_TVALID(normalise_source_TVALID),
      .normalise_TREADY(normalise_source_TREADY),
      .select_TDATA(select_source_TDATA),
      .select_TVALID(select_source_TVALID),
      .select_TREADY(select_source_TREADY),
      .connections_TDATA(connections_source_TDATA),
      .connections_TVALID(connections_source_TVALID),
      .connections_TREADY(connections_source_TREADY),
      .training_TDATA(training_source_TDATA),
      .training_TVALID(training_source_TVALID),
      .training_TREADY(training_source_TREADY),
      .weights0_TDATA(weights0_source_TDATA),
      .weights0_TVALID(weights0_source_TVALID),
      .weights0_TREADY(weights0_source_TREADY),
      .weights1_TDATA(weights1_source_TDATA),
      .weights1_TVALID(weights1_source_TVALID),
      .weights1_TREADY(weights1_source_TREADY),
      .weights2_TDATA(weights2_source_TDATA),
      .weights2_TVALID(weights2_source_TVALID),
      .weights2_TREADY(weights2_source_TREADY),
      .weights3_TDATA(weights3_source_TDATA),
      .weights3_TVALID(weights3_source_TVALID),
      .weights3_TREADY(weights3_source_TREADY),
      .rows0_TDATA(rows0_source_TDATA),
      .rows0_TVALID(rows0_source_TVALID),
      .rows0_TREADY(rows0_source_TREADY),
      .rows1_TDATA(rows1_source_TDATA),
      .rows1_TVALID(rows1_source_TVALID),
      .rows1_TREADY(rows1_source_TREADY),
      .rows2_TDATA(rows2_source_TDATA),
      .rows2_TVALID(rows2_source_TVALID),
      .rows2_TREADY(rows2_source_TREADY),
      .rows3_TDATA(rows3_source_TDATA),
      .rows3_TVALID(rows3_source_TVALID),
      .rows3_TREADY(rows3_source_TREADY),
      .stores0_TDATA(stores0_source_TDATA),
      .stores0_TVALID(stores0_source_TVALID),
      .stores0_TREADY(stores0_source_TREADY),
      .stores1_TDATA(stores1_source_TDATA),
      .stores1_TVALID(stores1_source_TVALID),
      .stores1_TREADY(stores1_source_TREADY),
      .stores2_TDATA(stores2_source_TDATA),
      .stores2_TVALID(stores2_source_TVALID),
      .stores2_TREADY(stores2_source_TREADY),
      .stores3_TDATA(stores3_source_TDATA),
      .stores3_TVALID(stores3_source_TVALID),
      .stores3_TREADY(stores3_source_TREADY)
  );
  trivit_gelu gelu (
      .ap_clk(ap_clk),
      .ap_rst_n(blocks_rst_n),
      .commands_TDATA(gelu_sink_TDATA),
      .commands_TVALID(gelu_sink_TVALID),
      .commands_TREADY(gelu_sink_TREADY),
      .rows_TDATA(gelu_rows_sink_TDATA),
      .rows_TVALID(gelu_rows_sink_TVALID),
      .rows_TREADY(gelu_rows_sink_TREADY),
      .results_TDATA(gelu_results_source_TDATA),
      .results_TVALID(gelu_results_source_TVALID),
      .results_TREADY(gelu_results_source_TREADY),
      .reports_TDATA(gelu_reports_source_TDATA),
      .reports_TVALID(gelu_reports_source_TVALID),
      .reports_TREADY(gelu_reports_source_TREADY)
  );
  trivit_softmax softmax (
      .ap_clk(ap_clk),
      .ap_rst_n(blocks_rst_n),
      .commands_TDATA(softmax_sink_TDATA),
      .commands_TVALID(softmax_sink_TVALID),
      .commands_TREADY(softmax_sink_TREADY),
      .scores_TDATA(softmax_scores_sink_TDATA),
      .scores_TVALID(softmax_scores_sink_TVALID),
      .scores_TREADY(softmax_scores_sink_TREADY),
      .results_TDATA(softmax_results_source_TDATA),
      .results_TVALID(softmax_results_source_TVALID),
      .results_TREADY(softmax_results_source_TREADY),
      .cls_TDATA(softmax_cls_source_TDATA),
      .cls_TVALID(softmax_cls_source_TVALID),
      .cls_TREADY(softmax_cls_source_TREADY),
      .all_TDATA(softmax_all_source_TDATA),
      .all_TVALID(softmax_all_source_TVALID),
      .all_TREADY(softmax_all_source_TREADY),
      .open_TDATA(connections_open_sink_TDATA),
      .open_TVALID(connections_open_sink_TVALID),
      .open_TREADY(connections_open_sink_TREADY),
      .reports_TDATA(softmax_reports_source_TDATA),
      .reports_TVALID(softmax_reports_source_TVALID),
      .reports_TREADY(softmax_reports_source_TREADY)
  );
  trivit_normalise normalise (
      .ap_clk(ap_clk),
      .ap_rst_n(blocks_rst_n),
      .commands_TDATA(normalise_sink_TDATA),
      .commands_TVALID(normalise_sink_TVALID),
      .commands_TREADY(normalise_sink_TREADY),
      .rows_TDATA(normalise_rows_sink_TDATA),
      .rows_TVALID(normalise_rows_sink_TVALID),
      .rows_TREADY(normalise_rows_sink_TREADY),
      .vectors_TDATA(normalise_vectors_sink_TDATA),
      .vectors_TVALID(normalise_vectors_sink_TVALID),
      .vectors_TREADY(normalise_vectors_sink_TREADY),
      .results_TDATA(normalise_results_source_TDATA),
      .results_TVALID(normalise_results_source_TVALID),
      .results_TREADY(normalise_results_source_TREADY),
      .reports_TDATA(normalise_reports_source_TDATA),
      .reports_TVALID(normalise_reports_source_TVALID),
      .reports_TREADY(normalise_reports_source_TREADY)
  );
  trivit_select select (
      .ap_clk(ap_clk),
      .ap_rst_n(blocks_rst_n),
      .commands_TDATA(select_sink_TDATA),
      .commands_TVALID(select_sink_TVALID),
      .commands_TREADY(select_sink_TREADY),
      .cls_TDATA(softmax_cls_sink_TDATA),
      .cls_TVALID(softmax_cls_sink_TVALID),
      .cls_TREADY(softmax_cls_sink_TREADY),
      .kept_TDATA(select_kept_source_TDATA),
      .kept_TVALID(select_kept_source_TVALID),
      .kept_TREADY(select_kept_source_TREADY),
      .lists_TDATA(select_lists_source_TDATA),
      .lists_TVALID(select_lists_source_TVALID),
      .lists_TREADY(select_lists_source_TREADY),
      .reports_TDATA(select_reports_source_TDATA),
      .reports_TVALID(select_reports_source_TVALID),
      .reports_TREADY(select_reports_source_TREADY)
  );
  trivit_connections connections (
      .ap_clk(ap_clk),
      .ap_rst_n(blocks_rst_n),
      .commands_TDATA(connections_sink_TDATA),
      .commands_TVALID(connections_sink_TVALID),
      .commands_TREADY(connections_sink_TREADY),
      .all_TDATA(softmax_all_sink_TDATA),
      .all_TVALID(softmax_all_sink_TVALID),
      .all_TREADY(softmax_all_sink_TREADY),
      .open_TDATA(connections_open_source_TDATA),
      .open_TVALID(connections_open_source_TVALID),
      .open_TREADY(connections_open_source_TREADY),
      .kept_TDATA(select_kept_sink_TDATA),
      .kept_TVALID(select_kept_sink_TVALID),
      .kept_TREADY(select_kept_sink_TREADY),
      .reports_TDATA(connections_reports_source_TDATA),
      .reports_TVALID(connections_reports_source_TVALID),
      .reports_TREADY(connections_reports_source_TREADY)
  );
  trivit_gelu_backward gelu_backward (
      .ap_clk(ap_clk),
      .ap_rst_n(blocks_rst_n),
      .commands_TDATA(gelu_backward_sink_TDATA),
      .commands_TVALID(gelu_backward_sink_TVALID),
      .commands_TREADY(gelu_backward_sink_TREADY),
      .rows_TDATA(gelu_backward_rows_sink_TDATA),
      .rows_TVALID(gelu_backward_rows_sink_TVALID),
      .rows_TREADY(gelu_backward_rows_sink_TREADY),
      .partners_TDATA(gelu_backward_partners_sink_TDATA),
      .partners_TVALID(gelu_backward_partners_sink_TVALID),
      .partners_TREADY(gelu_backward_partners_sink_TREADY),
      .results_TDATA(gelu_backward_results_source_TDATA),
      .results_TVALID(gelu_backward_results_source_TVALID),
      .results_TREADY(gelu_backward_results_source_TREADY),
      .reports_TDATA(gelu_backward_reports_source_TDATA),
      .reports_TVALID(gelu_backward_reports_source_TVALID),
      .reports_TREADY(gelu_backward_reports_source_TREADY)
  );
  trivit_softmax_backward softmax_backward (
      .ap_clk(ap_clk),
      .ap_rst_n(blocks_rst_n),
      .commands_TDATA(softmax_backward_sink_TDATA),
      .commands_TVALID(softmax_backward_sink_TVALID),
      .commands_TREADY(softmax_backward_sink_TREADY),
      .rows_TDATA(softmax_backward_rows_sink_TDATA),
      .rows_TVALID(softmax_backward_rows_sink_TVALID),
      .rows_TREADY(softmax_backward_rows_sink_TREADY),
      .partners_TDATA(softmax_backward_partners_sink_TDATA),
      .partners_TVALID(softmax_backward_partners_sink_TVALID),
      .partners_TREADY(softmax_backward_partners_sink_TREADY),
      .results_TDATA(softmax_backward_results_source_TDATA),
      .results_TVALID(softmax_backward_results_source_TVALID),
      .results_TREADY(softmax_backward_results_source_TREADY),
      .reports_TDATA(softmax_backward_reports_source_TDATA),
      .reports_TVALID(softmax_backward_reports_source_TVALID),
      .reports_TREADY(softmax_backward_reports_source_TREADY)
  );
  trivit_cross_entropy cross_entropy (
      .ap_clk(ap_clk),
      .ap_rst_n(blocks_rst_n),
      .commands_TDATA(cross_entropy_sink_TDATA),
      .commands_TVALID(cross_entropy_sink_TVALID),
      .commands_TREADY(cross_entropy_sink_TREADY),
      .logits_TDATA(cross_entropy_logits_sink_TDATA),
      .logits_TVALID(cross_entropy_logits_sink_TVALID),
      .logits_TREADY(cross_entropy_logits_sink_TREADY),
      .targets_TDATA(cross_entropy_targets_sink_TDATA),
      .targets_TVALID(cross_entropy_targets_sink_TVALID),
      .targets_TREADY(cross_entropy_targets_sink_TREADY),
      .results_TDATA(cross_entropy_results_source_TDATA),
      .results_TVALID(cross_entropy_results_source_TVALID),
      .results_TREADY(cross_entropy_results_source_TREADY),
      .reports_TDATA(cross_entropy_reports_source_TDATA),
      .reports_TVALID(cross_entropy_reports_source_TVALID),
      .reports_TREADY(cross_entropy_reports_source_TREADY)
  );
  trivit_normalise_backward normalise_backward (
      .ap_clk(ap_clk),
      .ap_rst_n(blocks_rst_n),
      .commands_TDATA(normalise_backward_sink_TDATA),
      .commands_TVALID(normalise_backward_sink_TVALID),
      .commands_TREADY(normalise_backward_sink_TREADY),
      .rows_TDATA(normalise_backward_rows_sink_TDATA),
      .rows_TVALID(normalise_backward_rows_sink_TVALID),
      .rows_TREADY(normalise_backward_rows_sink_TREADY),
      .vectors_TDATA(normalise_backward_vectors_sink_TDATA),
      .vectors_TVALID(normalise_backward_vectors_sink_TVALID),
      .vectors_TREADY(normalise_backward_vectors_sink_TREADY),
      .results_TDATA(normalise_backward_results_source_TDATA),
      .results_TVALID(normalise_backward_results_source_TVALID),
      .results_TREADY(normalise_backward_results_source_TREADY),
      .reports_TDATA(normalise_backward_reports_source_TDATA),
      .reports_TVALID(normalise_backward_reports_source_TVALID),
      .reports_TREADY(normalise_backward_reports_source_TREADY)
  );
  trivit_update update (
      .ap_clk(ap_clk),
      .ap_rst_n(blocks_rst_n),
      .commands_TDATA(update_sink_TDATA),
      .commands_TVALID(update_sink_TVALID),
      .commands_TREADY(update_sink_TREADY),
      .words0_TDATA(update_words0_sink_TDATA),
      .words0_TVALID(update_words0_sink_TVALID),
      .words0_TREADY(update_words0_sink_TREADY),
      .words1_TDATA(update_words1_sink_TDATA),
      .words1_TVALID(update_words1_sink_TVALID),
      .words1_TREADY(update_words1_sink_TREADY),
      .words2_TDATA(update_words2_sink_TDATA),
      .words2_TVALID(update_words2_sink_TVALID),
      .words2_TREADY(update_words2_sink_TREADY),
      .words3_TDATA(update_words3_sink_TDATA),
      .words3_TVALID(update_words3_sink_TVALID),
      .words3_TREADY(update_words3_sink_TREADY),
      .results0_TDATA(update_results0_source_TDATA),
      .results0_TVALID(update_results0_source_TVALID),
      .results0_TREADY(update_results0_source_TREADY),
      .results1_TDATA(update_results1_source_TDATA),
      .results1_TVALID(update_results1_source_TVALID),
      .results1_TREADY(update_results1_source_TREADY),
      .results2_TDATA(update_results2_source_TDATA),
      .results2_TVALID(update_results2_source_TVALID),
      .results2_TREADY(update_results2_source_TREADY),
      .results3_TDATA(update_results3_source_TDATA),
      .results3_TVALID(update_results3_source_TVALID),
      .results3_TREADY(update_results3_source_TREADY),
      .reports_TDATA(update_reports_source_TDATA),
      .reports_TVALID(update_reports_source_TVALID),
      .reports_TREADY(update_reports_source_TREADY)
  );
endmodule
