"""The host's table of simulated cycles, from docs/benchmarks/accelerator.json."""

import json
from typing import Any

from trivit.tools.kernel import ROOT

SOURCE = ROOT / "docs" / "benchmarks" / "accelerator.json"

_HEAD = '''"""Cycles that this project simulated.

Generated from docs/benchmarks/accelerator.json by `python -m trivit.tools.document`; do not edit.
"""

#: When, and at what clock in MHz.
DATE = "{date}"
CLOCK_MHZ = {clock}
#: Cycles of an image, by model, token keep ratio and attention keep ratio.
CYCLES = {{
{rows}}}
'''


def simulated_table() -> str:
    """Return the module that holds the cases of the usual settings."""
    report: dict[str, Any] = json.loads(SOURCE.read_text("utf-8"))
    usual = [case for case in report["cases"].values() if not case["settings"]]
    (clock,) = {case["clock_mhz"] for case in usual}
    rows = "".join(
        f'    ("{case["model"]}", {case["keep"]}, {case["attention_keep"]}): {case["cycles"]},\n'
        for case in usual
    )
    return _HEAD.format(date=report["date"], clock=clock, rows=rows)
