"""Vitis HLS and Vivado: run the scripts of hls/tcl, read what the tools report.

``python -m trivit.tools.vivado hls|bitstream|reports`` (`make hls`, `make bitstream`,
`make reports`); docs/vitis.md says what to expect.
"""
