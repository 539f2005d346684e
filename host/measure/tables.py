"""A report's figures as tables of text, which terminal and page share."""

from collections.abc import Sequence
from dataclasses import dataclass

from trivit.host.backends.session import CycleSource
from trivit.host.measure.latency import ProgramLatency
from trivit.host.measure.power import PowerFigures
from trivit.host.measure.report import Report

#: What a report's own times are called, by the source of its cycles.
KINDS = {
    CycleSource.device: "measured here",
    CycleSource.simulated: "simulated here",
    CycleSource.modelled: "modelled here",
}
_NONE = "-"


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of text under columns; the title says of what kind the figures are."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def text(self) -> str:
        """Return lines for a terminal, columns aligned: the first to the left, others right."""
        lines = [self.columns, *self.rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        aligned = [
            "  ".join(
                cell.ljust(width) if place == 0 else cell.rjust(width)
                for place, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        ]
        return "\n".join([self.title, *aligned])


def own_kind(report: Report) -> str:
    """Return what the report's own times are, with the clock."""
    latency = report.latency
    return f"{KINDS[latency.source]} at {latency.clock_mhz:g} MHz"


def tables(report: Report, *, rails: bool = False) -> list[Table]:
    """Return the tables of a report; with ``rails``, power rail by rail as well."""
    found = [_kernel(report)]
    latency = report.latency
    if latency.wall_counts:
        found.append(_jobs(report))
        if any(program.batches for program in latency.programs):
            found.append(_batches(latency.programs))
        if any(program.stream for program in latency.programs):
            found.append(_streams(latency.programs))
    powers = [(program.name, program.power) for program in latency.programs if program.power]
    if powers:
        found.append(_power(powers))
        if rails:
            found += [_rails(name, power) for name, power in powers]
    return [*found, _checks(latency.programs)]


def _kernel(report: Report) -> Table:
    latency = report.latency
    kinds = list(dict.fromkeys(figure.kind for figure in report.beside))
    rows = []
    for program in latency.programs:
        cycles, ms = program.cycles, latency.kernel_ms(program)
        others = {f.kind: f.latency_ms for f in report.beside if f.program == program.name}
        rows.append(
            (
                program.name,
                f"{program.token_keep_ratio:g}",
                f"{program.attention_keep_ratio:g}",
                str(cycles.count),
                *(f"{value:,.0f}" for value in (cycles.least, cycles.median, cycles.p99)),
                f"{ms.median:.3f}",
                *(f"{others[kind]:.3f}" if kind in others else _NONE for kind in kinds),
            )
        )
    return Table(
        title=f"kernel, one image: cycles {latency.source.value}, no transfer, no host",
        columns=(
            "program",
            "token keep",
            "attention keep",
            "jobs",
            "cycles min",
            "median",
            "p99",
            f"ms, {own_kind(report)}",
            *(f"ms, {kind}" for kind in kinds),
        ),
        rows=tuple(rows),
    )


def _jobs(report: Report) -> Table:
    rows = []
    for program in report.latency.programs:
        wall, ms = program.wall_ms, report.latency.kernel_ms(program)
        figures = (wall.least, wall.median, wall.p99, wall.median - ms.median)
        rows.append((program.name, str(wall.count), *(f"{value:.3f}" for value in figures)))
    return Table(
        title="job: wall time from the start until its end was seen, ms (measured here)",
        columns=("program", "jobs", "min", "median", "p99", "median beyond the kernel"),
        rows=tuple(rows),
    )


def _batches(programs: Sequence[ProgramLatency]) -> Table:
    return Table(
        title="batch: wall time from the first preprocessing to the last end, ms (measured here)",
        columns=("program", "batch", "batches", "min", "median", "p99", "images/s"),
        rows=tuple(
            (
                program.name,
                str(batch.size),
                str(batch.wall_ms.count),
                f"{batch.wall_ms.least:.3f}",
                f"{batch.wall_ms.median:.3f}",
                f"{batch.wall_ms.p99:.3f}",
                f"{batch.images_per_second:.1f}",
            )
            for program in programs
            for batch in program.batches
        ),
    )


def _streams(programs: Sequence[ProgramLatency]) -> Table:
    return Table(
        title="stream: preprocessing, transfer and jobs of many images (measured here)",
        columns=(
            "program",
            "images",
            "images/s serial",
            "images/s overlapped",
            "gain",
            "kernel works",
        ),
        rows=tuple(
            (
                program.name,
                str(stream.images),
                f"{stream.serial_images_per_second:.1f}",
                f"{stream.images_per_second:.1f}",
                f"{stream.gain:.2f}x",
                f"{100 * stream.busy_share:.1f} %",
            )
            for program in programs
            if (stream := program.stream)
        ),
    )


def _power(powers: Sequence[tuple[str, PowerFigures]]) -> Table:
    rows = []
    for name, power in powers:
        for group in (*power.groups(), None):
            idle, busy = power.watts(group)
            count = sum(group in (None, rail.group) for rail in power.rails)
            rows.append(
                (
                    name,
                    f"{group or 'all'} ({count} rails)",
                    f"{idle:.3f}",
                    f"{busy:.3f}",
                    f"{power.energy_mj(group):.3f}",
                    f"{power.energy_mj(group, above_idle=True):.3f}",
                )
            )
    return Table(
        title="power while images stream, and energy for an image (measured here)",
        columns=("program", "rails", "idle, W", "busy, W", "mJ/image", "mJ/image above idle"),
        rows=tuple(rows),
    )


def _rails(program: str, power: PowerFigures) -> Table:
    return Table(
        title=(
            f"rails by {power.source}, {program}: {power.images} images in {power.seconds:.2f} s, "
            f"{power.sample_hz:.1f} readings a second (measured here)"
        ),
        columns=("rail", "group", "averaged over, ms", "samples", "idle, W", "busy, W"),
        rows=tuple(
            (
                rail.name,
                rail.group,
                "not told" if rail.averaging_ms is None else f"{rail.averaging_ms:g}",
                f"{len(rail.idle_samples)} + {len(rail.busy_samples)}",
                f"{rail.idle_watts:.3f}",
                f"{rail.busy_watts:.3f}",
            )
            for rail in power.rails
        ),
    )


def _checks(programs: Sequence[ProgramLatency]) -> Table:
    return Table(
        title="outputs, compared before any figure",
        columns=(
            "program",
            "first image equals",
            "later runs of an image, all equal",
            "cycles of one image differ by",
        ),
        rows=tuple(
            (
                program.name,
                program.check.against,
                str(program.check.repeats),
                str(program.check.cycle_spread),
            )
            for program in programs
        ),
    )
