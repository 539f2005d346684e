"""Files generated from hls/kernel.yaml."""
