"""Latency, throughput and power of a program bundle on a device (README.md)."""
