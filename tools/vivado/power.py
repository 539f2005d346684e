"""Vivado's ``report_power``: an estimate from default activities, not a measurement."""

from dataclasses import dataclass
from pathlib import Path

from trivit.tools.errors import ToolsError
from trivit.tools.vivado.tables import number, read_report, section, table_rows


@dataclass(frozen=True, kw_only=True)
class Power:
    """Watts of the chip, and of each kind of thing on it; ``confidence`` is Vivado's word."""

    total_w: float
    dynamic_w: float
    static_w: float
    junction_c: float
    confidence: str
    on_chip_w: dict[str, float]


def read_power(path: Path) -> Power:
    """Read a power report.

    Raises:
        ToolsError: it is another report, or a figure is missing.
    """
    text = read_report(path)
    summary = {row[0].strip(): row[1].strip() for row in table_rows(section(text, "Summary", path))}

    def value(name: str) -> float:
        if name not in summary:
            raise ToolsError(f"{path}: the summary has no '{name}'")
        return number(summary[name], path)

    parts = [*table_rows(section(text, "On-Chip Components", path))][1:]
    return Power(
        total_w=value("Total On-Chip Power (W)"),
        dynamic_w=value("Dynamic (W)"),
        static_w=value("Device Static (W)"),
        junction_c=value("Junction Temperature (C)"),
        confidence=summary.get("Confidence Level", ""),
        on_chip_w={
            row[0].strip(): number(row[1], path) for row in parts if not row[0].startswith(" ")
        },
    )
