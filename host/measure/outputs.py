"""The files of a report: written beside their places, then renamed."""

import os
from pathlib import Path

from trivit.host.errors import HostError
from trivit.host.measure.page import html_page
from trivit.host.measure.picture import latency_picture
from trivit.host.measure.report import Report

NAMES = ("latency.json", "latency.svg", "latency.html")


def check_folder(folder: Path) -> None:
    """Refuse a folder that cannot be written, before anything is measured.

    Raises:
        HostError: it is a file, or it (or the folder above that would hold it) is read-only.
    """
    place = folder
    while not place.exists():
        place = place.parent
    if not place.is_dir():
        raise HostError(f"--out {folder}: {place} is no folder; choose another one")
    if not os.access(place, os.W_OK | os.X_OK):
        raise HostError(f"--out {folder}: {place} cannot be written; choose another one")


def write_report(report: Report, folder: Path) -> tuple[Path, ...]:
    """Write JSON, SVG and HTML into ``folder``; return their paths.

    Files of these names are replaced, all others stay. Either all three are new or none is.

    Raises:
        OSError: they cannot be written.
    """
    texts = (report.to_json(), latency_picture(report), html_page(report))
    paths = tuple(folder / name for name in NAMES)
    folder.mkdir(parents=True, exist_ok=True)
    temporaries = [path.with_name(f".{path.name}.{os.getpid()}") for path in paths]
    try:
        for temporary, text in zip(temporaries, texts, strict=True):
            temporary.write_text(text, "utf-8")
        for temporary, path in zip(temporaries, paths, strict=True):
            temporary.replace(path)
    finally:
        for temporary in temporaries:
            temporary.unlink(missing_ok=True)
    return paths
