"""Latency by program as an SVG: this report's figures beside those of other kinds."""

import math
from html import escape

from trivit.host.measure.report import Report
from trivit.host.measure.tables import own_kind

_COLOURS = ("#1b6ca8", "#b9bec4", "#7fb37f", "#d99a4e")
_BAR, _GAP, _LEFT, _TOP, _HEIGHT = 34, 30, 64, 64, 240
_LEGEND = 20
_STEPS = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 11)
_FONT = 'font-family="sans-serif" font-size="12" fill="#222"'


def latency_picture(report: Report, *, standalone: bool = True) -> str:
    """Return bars of milliseconds for each program, one for each kind of figure.

    ``standalone`` adds the namespace that a file needs and a part of a page does not.
    """
    series = _series(report)
    programs = report.latency.programs
    group = _BAR * len(series) + _GAP
    width = max(_LEFT + group * len(programs) + _GAP, 560)
    height = _TOP + _HEIGHT + 60 + _LEGEND * len(series)
    top = _scale(max(value for values in series.values() for value in values.values()))
    parts = [f'<rect width="{width}" height="{height}" fill="#fff"/>']
    title = f"{report.bundle['model']}: latency of one image"
    parts.append(_text(_LEFT, 24, title, size=15, anchor="start"))
    parts.append(_text(_LEFT, 44, "milliseconds", anchor="start"))
    for step in range(6):
        value = top * step / 5
        y = _y(value, top)
        parts.append(f'<line x1="{_LEFT}" x2="{width - 10}" y1="{y}" y2="{y}" stroke="#ddd"/>')
        parts.append(_text(_LEFT - 8, y + 4, f"{value:g}", anchor="end"))
    for place, program in enumerate(programs):
        left = _LEFT + _GAP / 2 + group * place
        for number, values in enumerate(series.values()):
            if program.name in values:
                parts += _bar(left + _BAR * number, values[program.name], top, number)
        middle = left + _BAR * len(series) / 2
        label = f"token keep {program.token_keep_ratio:g}"
        parts.append(_text(middle, _TOP + _HEIGHT + 18, program.name))
        parts.append(_text(middle, _TOP + _HEIGHT + 34, label))
    for number, kind in enumerate(series):
        y = _TOP + _HEIGHT + 54 + _LEGEND * number
        parts.append(
            f'<rect x="{_LEFT}" y="{y}" width="12" height="12" fill="{_COLOURS[number % 4]}"/>'
        )
        parts.append(_text(_LEFT + 20, y + 11, kind, anchor="start"))
    space = ' xmlns="http://www.w3.org/2000/svg"' if standalone else ""
    body = "\n".join(parts)
    return (
        f'<svg{space} width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img" aria-label="{escape(title)}">\n{body}\n</svg>\n'
    )


def _series(report: Report) -> dict[str, dict[str, float]]:
    """Return milliseconds by kind of figure and program, the report's own first."""
    latency = report.latency
    own = {program.name: latency.kernel_ms(program).median for program in latency.programs}
    series = {own_kind(report): own}
    for figure in report.beside:
        series.setdefault(figure.kind, {})[figure.program] = figure.latency_ms
    return series


def _bar(x: float, value: float, top: float, number: int) -> list[str]:
    y = _y(value, top)
    return [
        f'<rect x="{x + 2:g}" y="{y}" width="{_BAR - 4}" height="{round(_TOP + _HEIGHT - y, 1):g}" '
        f'fill="{_COLOURS[number % 4]}"/>',
        _text(x + _BAR / 2, y - 4, f"{value:.2f}", size=10),
    ]


def _text(x: float, y: float, text: str, *, size: int = 12, anchor: str = "middle") -> str:
    font = _FONT.replace('"12"', f'"{size}"')
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" {font}>{escape(text)}</text>'


def _y(value: float, top: float) -> float:
    return round(_TOP + _HEIGHT * (1 - value / top), 1)


def _scale(most: float) -> float:
    """Return where the axis ends: a round number, not below ``most`` (above 0)."""
    power = 10.0 ** math.floor(math.log10(most))
    return next(power * step for step in _STEPS if power * step >= most)
