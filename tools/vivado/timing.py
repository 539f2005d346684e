"""Vivado's ``report_timing_summary``."""

import re
from dataclasses import dataclass
from pathlib import Path

from trivit.tools.errors import ToolsError
from trivit.tools.vivado.tables import number, read_report

_TITLE = "| Design Timing Summary"


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Worst slacks in ns of set-up, hold and pulse widths, paths that fail, clocks in MHz."""

    setup_ns: float
    hold_ns: float
    pulse_width_ns: float
    failing_paths: int
    clocks_mhz: dict[str, float]

    @property
    def slack_ns(self) -> float:
        """The worst of all."""
        return min(self.setup_ns, self.hold_ns, self.pulse_width_ns)

    def check(self) -> None:
        """Do nothing if timing is met.

        Raises:
            ToolsError: a slack is negative.
        """
        if self.slack_ns < 0:
            raise ToolsError(
                f"timing is not met: slack {self.slack_ns:g} ns, {self.failing_paths} paths fail "
                '(docs/vitis.md, "When timing fails")'
            )


def read_timing(path: Path) -> Timing:
    """Read a timing summary.

    Raises:
        ToolsError: it is another report, or no path has a constraint.
    """
    lines = read_report(path).splitlines()
    starts = [place for place, line in enumerate(lines) if line.strip() == _TITLE]
    if not starts:
        raise ToolsError(f"{path} has no Design Timing Summary: it is another report")
    rows = [line for line in lines[starts[0] + 1 :] if line.strip() and line[:1] in " \t"]
    if len(rows) < 3:
        raise ToolsError(f"{path} ends within its Design Timing Summary")
    heads = re.split(r"\s{2,}", rows[0].strip())
    cells = rows[2].split()
    if len(heads) != len(cells):
        raise ToolsError(f"{path}: {len(heads)} columns of slacks and {len(cells)} values")
    values = dict(zip(heads, cells, strict=True))
    slacks = [f"{name}(ns)" for name in ("WNS", "WHS", "WPWS")]
    for name in slacks:
        if values.get(name, "NA") == "NA":
            raise ToolsError(f"{path}: no {name}: nothing there has a clock")
    failing = [count for name, count in values.items() if name.endswith("Failing Endpoints")]
    setup, hold, pulse = (number(values[name], path) for name in slacks)
    return Timing(
        setup_ns=setup,
        hold_ns=hold,
        pulse_width_ns=pulse,
        failing_paths=sum(int(count) for count in failing),
        clocks_mhz=_clocks(lines),
    )


def _clocks(lines: list[str]) -> dict[str, float]:
    """Return name and frequency of each row ``clk_pl_0  {0.000 3.333}  6.667  149.999``."""
    row = re.compile(r"^\s*(\S+)\s+\{[-\d. ]+\}\s+([\d.]+)\s+([\d.]+)\s*$")
    found = filter(None, map(row.match, lines))
    return {match.group(1): float(match.group(3)) for match in found}
