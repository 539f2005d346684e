"""Reports as files: what is read is what was written, pages refer to nothing, nothing is half."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from trivit.host.backends.session import CycleSource
from trivit.host.bundle import Bundle
from trivit.host.errors import HostError
from trivit.host.measure import outputs, paper, simulated
from trivit.host.measure.beside import SIMULATED, beside
from trivit.host.measure.latency import measure
from trivit.host.measure.outputs import NAMES, check_folder, write_report
from trivit.host.measure.page import html_page
from trivit.host.measure.picture import latency_picture
from trivit.host.measure.power import PowerMeter
from trivit.host.measure.rails import Rail, Rails
from trivit.host.measure.report import SCHEMA, Report, read_report
from trivit.host.measure.settings import Settings
from trivit.host.measure.tables import tables

from .fake_device import FakeBackend

_VOID = {"meta", "br", "hr"}


@pytest.fixture(scope="module")
def report(bundle: Bundle, images: NDArray[np.uint8]) -> Report:
    """Return a report with everything in it, of a model that the paper lists."""
    device = FakeBackend(bundle, images)
    rails = (
        Rail(name="VCCINT", group="PL", read=lambda: 2.0, averaging_ms=1.0),
        Rail(name="VCCPSAUX", group="PS", read=lambda: 1.0, averaging_ms=1.0),
    )
    meter = PowerMeter(
        rails=Rails(source="test", rails=rails, unreadable=(("VCCAUX", "gone"),)),
        idle_seconds=0.01,
        busy_seconds=0.02,
        period_s=0.002,
    )
    settings = Settings(warm_up=0, repetitions=3, batches=(2,), stream=4)
    return Report(
        created="2026-01-02T03:04:05+00:00",
        backend="fake",
        machine={"processor": "a <fast> board", "cores": 4},
        versions={"python": "3.10"},
        bitstream={"git_commit": "abc", "slack_ns": 0.12},
        bundle={"file": "program.trivit", "sha256": "00", "model": "deit_tiny"},
        images={"source": "noise", "count": 3, "first_sha256": "11"},
        latency=measure(device.open_session, bundle, images, settings, power=meter),
        beside=beside(bundle),
        notes=("One & only.",),
    )


def simulated_report(report: Report) -> Report:
    """Return it as a simulation's, which has no power."""
    programs = tuple(replace(program, power=None) for program in report.latency.programs)
    latency = replace(report.latency, source=CycleSource.simulated, programs=programs)
    return replace(report, latency=latency, backend="simulation")


def test_a_report_is_read_as_it_was_written(report: Report, tmp_path: Path) -> None:
    write_report(report, tmp_path)
    assert read_report(tmp_path / "latency.json") == report
    bare = replace(simulated_report(report), bitstream=None, beside=())
    write_report(bare, tmp_path)
    assert read_report(tmp_path / "latency.json") == bare
    entry = json.loads((tmp_path / "latency.json").read_text())
    assert entry["latency"]["wall_times_count"] is False


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (json.dumps({"schema": SCHEMA + 1}), f"has schema {SCHEMA + 1}"),
        (json.dumps({"schema": SCHEMA}), "is no latency report"),
        ("{", "is no latency report"),
        (None, "cannot read"),
    ],
)
def test_files_that_are_no_report(text: str | None, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "latency.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(HostError, match=reason) as error:
        read_report(path)
    assert "\n" not in str(error.value)


def test_figures_of_other_kinds(bundle: Bundle) -> None:
    figures = {(figure.program, figure.kind): figure for figure in beside(bundle)}
    assert figures["dense", paper.KIND].latency_ms == 10.91
    assert figures["sparse", paper.KIND].latency_ms == 7.36
    mine = figures["dense", SIMULATED]
    assert mine.cycles == simulated.CYCLES["deit_tiny", 1.0, 1.0]
    assert mine.latency_ms == pytest.approx(mine.cycles / 150e3)
    assert mine.clock_mhz == 150.0
    assert beside(replace(bundle, info={"model": "another"})) == ()
    half = replace(bundle.first, token_keep_ratio=0.5)
    assert beside(replace(bundle, programs=(half,))) == ()


def test_the_papers_table() -> None:
    """Table 3 of the Tri-Level paper, its last column."""
    found = {
        model: [row.latency_ms for row in paper.rows_of(model)]
        for model in ("deit_tiny", "deit_small")
    }
    assert found == {
        "deit_tiny": [10.91, 9.68, 8.50, 7.36],
        "deit_small": [25.68, 22.92, 20.25, 17.61],
    }
    assert [row.keep for row in paper.rows_of("deit_small")] == [1.0, 0.9, 0.8, 0.7]
    assert paper.rows_of("micro_28") == ()


def test_tables_say_what_kind_each_figure_is(report: Report) -> None:
    titles = [table.title for table in tables(report)]
    first = [title.replace(",", " ").replace(":", " ").split()[0] for title in titles]
    assert first == ["kernel", "job", "batch", "stream", "power", "outputs"]
    assert all("measured here" in title for title in titles[1:5])
    kernel = tables(report)[0]
    assert kernel.title.startswith("kernel, one image: cycles counted on the device")
    assert kernel.columns[-3:] == (
        "ms, measured here at 100 MHz",
        f"ms, {paper.KIND}",
        f"ms, {SIMULATED}",
    )
    assert kernel.rows[0][:4] == ("dense", "1", "1", "3")
    assert kernel.rows[0][-3:-1] == ("0.020", "10.910")
    power = next(table for table in tables(report) if table.title.startswith("power"))
    assert [row[:4] for row in power.rows[:3]] == [
        ("dense", "PL (1 rails)", "2.000", "2.000"),
        ("dense", "PS (1 rails)", "1.000", "1.000"),
        ("dense", "all (2 rails)", "3.000", "3.000"),
    ]
    assert len(tables(report, rails=True)) == len(titles) + 2
    for table in tables(report, rails=True):
        assert {len(row) for row in table.rows} == {len(table.columns)}


def test_a_simulation_has_no_wall_times_in_tables(report: Report) -> None:
    found = tables(simulated_report(report))
    assert [table.title.split(" ")[0] for table in found] == ["kernel,", "outputs,"]
    text = "\n".join(table.text() for table in found)
    assert "cycles simulated" in text and "simulated here at 100 MHz" in text
    assert "measured here" not in text + html_page(simulated_report(report))


def test_columns_are_aligned(report: Report) -> None:
    lines = tables(report)[0].text().splitlines()[1:]
    assert len({len(line) for line in lines}) == 1
    assert lines[0].startswith("program ")


class Page(HTMLParser):
    """Checks that elements nest, and collects what they refer to."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.references: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _VOID:
            self.open.append(tag)
        names = ("href", "src", "srcset", "action", "data", "poster", "xlink:href")
        self.references += [name for name, _ in attrs if name in names]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_the_page_needs_no_network(report: Report) -> None:
    text = html_page(report)
    page = Page()
    page.feed(text)
    page.close()
    assert page.open == [] and page.references == []
    assert not re.search(r"https?:|//|url\(|@import|<script|<link", text)
    said = " ".join(page.text)
    for wanted in (
        "a <fast> board",
        "One & only.",
        "VCCINT",
        "abc",
        paper.KIND,
        SIMULATED,
        "Tri-Level paper, Table 3, Dense",
    ):
        assert wanted in said


def test_the_picture_shows_every_figure(report: Report) -> None:
    root = ElementTree.fromstring(latency_picture(report))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    for wanted in ("dense", "sparse", "10.91", "7.36", "0.02", "measured here at 100 MHz"):
        assert wanted in texts
    bars = [e for e in root.iter("{http://www.w3.org/2000/svg}rect") if e.get("width") == "30"]
    assert len(bars) == 6  # of two programs: ours, the paper's, simulated
    heights = sorted(float(bar.get("height", "0")) for bar in bars)
    assert heights[-1] / heights[-2] == pytest.approx(10.91 / 7.36, rel=0.01)
    assert all(float(bar.get("y", "0")) >= 64 for bar in bars)


@pytest.mark.parametrize("cycles", [1, 999, 1_000_000, 10_999_999])
def test_bars_fit_whatever_they_show(
    cycles: int, report: Report, bundle: Bundle, images: NDArray[np.uint8]
) -> None:
    device = FakeBackend(bundle, images, cycles=lambda job: cycles)
    settings = Settings(warm_up=0, repetitions=1, batches=(), stream=0)
    latency = measure(device.open_session, bundle, images, settings)
    root = ElementTree.fromstring(latency_picture(replace(report, latency=latency, beside=())))
    bars = [e for e in root.iter("{http://www.w3.org/2000/svg}rect") if e.get("width") == "30"]
    assert [120 <= float(bar.get("height", "0")) <= 240 for bar in bars] == [True, True]


def test_only_files_of_the_same_names_are_replaced(report: Report, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "latency.svg").write_text("old")
    assert [path.name for path in write_report(report, tmp_path)] == list(NAMES)
    assert {path.name for path in tmp_path.iterdir()} == {*NAMES, "notes.txt"}
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert (tmp_path / "latency.svg").read_text().startswith("<svg")


@pytest.mark.parametrize("written", [0, 1, 2])
def test_nothing_is_left_half_written(
    written: int, report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C while the file of a number is written: what was there stays."""
    for name in NAMES:
        (tmp_path / name).write_text("old")
    real, count = Path.write_text, iter(range(10))

    def write_text(self: Path, *arguments: str) -> int:
        real(self, "half")
        if next(count) == written:
            raise KeyboardInterrupt
        return real(self, *arguments)

    monkeypatch.setattr(outputs.Path, "write_text", write_text)
    with pytest.raises(KeyboardInterrupt):
        write_report(report, tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == dict.fromkeys(
        NAMES, "old"
    )


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    check_folder(tmp_path / "a" / "b")
    assert not (tmp_path / "a").exists()
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(HostError, match="is no folder"):
            check_folder(place)
