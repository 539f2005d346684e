"""The accelerator on a board through PYNQ: bitstream, registers, memory, recovery.

Nothing here imports pynq before a board is opened, so that every module loads on any machine.
"""
