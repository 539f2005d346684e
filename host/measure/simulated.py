"""Cycles that this project simulated.

Generated from docs/benchmarks/accelerator.json by `python -m trivit.tools.document`; do not edit.
"""

#: When, and at what clock in MHz.
DATE = "2026-11-28"
CLOCK_MHZ = 150.0
#: Cycles of an image, by model, token keep ratio and attention keep ratio.
CYCLES = {
    ("deit_tiny", 1.0, 1.0): 632303,
    ("deit_tiny", 0.9, 0.2): 555256,
    ("deit_tiny", 0.8, 0.2): 470690,
    ("deit_tiny", 0.7, 0.2): 420747,
    ("deit_small", 1.0, 1.0): 2302948,
    ("deit_small", 0.9, 0.2): 2031458,
    ("deit_small", 0.8, 0.2): 1721589,
    ("deit_small", 0.7, 0.2): 1529971,
    ("deit_tiny", 0.7, 1.0): 420747,
}
