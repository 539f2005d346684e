"""A report as one HTML page that needs no network."""

from html import escape
from typing import Any

from trivit.host.measure.picture import latency_picture
from trivit.host.measure.report import Report
from trivit.host.measure.tables import Table, tables

_STYLE = """
body { font: 15px/1.5 sans-serif; color: #222; max-width: 70em; margin: 2em auto; padding: 0 1em; }
table { border-collapse: collapse; margin: 0 0 1.6em; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: bold; padding: 0.3em 0; }
th, td { text-align: right; padding: 0.2em 0.8em; border-bottom: 1px solid #ddd; }
th { vertical-align: bottom; max-width: 11em; font-weight: normal; background: #f4f5f6; }
th:first-child, td:first-child { text-align: left; }
.facts td { text-align: left; }
svg { max-width: 100%; height: auto; }
"""


def html_page(report: Report) -> str:
    """Return the page: picture, tables, what is left out, and how it was measured."""
    title = f"Latency of {report.bundle['model']} on {report.backend}"
    parts = [
        f"<h1>{escape(title)}</h1>",
        latency_picture(report, standalone=False),
        *(_table(table) for table in tables(report, rails=True)),
        *_sources(report),
        "<h2>Notes</h2>",
        "<ul>",
        *(f"<li>{escape(note)}</li>" for note in report.notes),
        "</ul>",
        "<h2>Measured with</h2>",
        _facts(report),
    ]
    body = "\n".join(parts)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def _table(table: Table) -> str:
    head = "".join(f"<th>{escape(column)}</th>" for column in table.columns)
    rows = "\n".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows
    )
    return f"<table>\n<caption>{escape(table.title)}</caption>\n<tr>{head}</tr>\n{rows}\n</table>"


def _sources(report: Report) -> list[str]:
    lines = dict.fromkeys(f"{figure.kind}: {figure.origin}" for figure in report.beside)
    if not lines:
        return []
    items = (f"<li>{escape(line)}</li>" for line in lines)
    return ["<h2>Figures of other kinds</h2>", "<ul>", *items, "</ul>"]


def _facts(report: Report) -> str:
    settings = report.latency.settings
    facts: dict[str, Any] = {
        "date": report.created,
        "backend": report.backend,
        "cycles": report.latency.source.value,
        "clock": f"{report.latency.clock_mhz:g} MHz",
        **report.machine,
        **report.versions,
        **{f"bundle: {name}": value for name, value in report.bundle.items()},
        **{f"images: {name}": value for name, value in report.images.items()},
        **{f"bitstream: {name}": value for name, value in (report.bitstream or {}).items()},
        "warm-up": settings.warm_up,
        "repetitions": settings.repetitions,
        "batches": ", ".join(map(str, settings.batches)) or "none",
        "stream": settings.stream or "none",
    }
    rows = "\n".join(
        f"<tr><td>{escape(name)}</td><td>{escape(str(value))}</td></tr>"
        for name, value in facts.items()
    )
    return f'<table class="facts">\n{rows}\n</table>'
