"""The simulator's trace: comma-separated lines, one for each product, command and process."""

from dataclasses import dataclass
from pathlib import Path

from trivit.tools.errors import ToolsError


@dataclass(frozen=True, kw_only=True)
class Span:
    """A product of the array or a command of a unit, from its first cycle to its last.

    ``clocks`` are cycles by what was done: of a product ``work`` and what the array waited for; of
    a unit ``work``, ``no_word`` (nothing to take) and ``no_room`` (nowhere to put). ``job`` is the
    number of the image, ``tag`` that of the instruction.
    """

    job: int
    tag: int
    unit: str
    begin: int
    end: int
    clocks: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class ProcessClocks:
    """Clocks of a process of an HLS block for one command, by what it did or waited for."""

    job: int
    tag: int
    unit: str
    process: str
    what: str
    clocks: int


@dataclass(frozen=True, kw_only=True)
class Trace:
    """All lines, in the order of the file: products in their order, then commands, processes."""

    products: tuple[Span, ...]
    commands: tuple[Span, ...]
    processes: tuple[ProcessClocks, ...]

    def of_job(self, job: int) -> "Trace":
        """Return the lines of one image."""
        return Trace(
            products=tuple(line for line in self.products if line.job == job),
            commands=tuple(line for line in self.commands if line.job == job),
            processes=tuple(line for line in self.processes if line.job == job),
        )


def read_trace(path: Path) -> Trace:
    """Read a trace that the simulator wrote.

    Raises:
        ToolsError: it cannot be read, or a line is none of a trace; the line is named.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text file"
        raise ToolsError(f"cannot read the trace {path}: {reason}") from error
    products, commands, processes = [], [], []
    for number, line in enumerate(lines, 1):
        kind, *values = line.split(",")
        try:
            if kind == "product":
                products.append(_span(values[:4], "engine", values[4:]))
            elif kind == "command":
                commands.append(_span(values[:4], values[4], values[5:]))
            elif kind == "process":
                job, tag, unit, process, what, clocks = values
                processes.append(
                    ProcessClocks(
                        job=int(job),
                        tag=int(tag),
                        unit=unit,
                        process=process,
                        what=what,
                        clocks=int(clocks),
                    )
                )
            else:
                raise ValueError(kind)
        except (ValueError, IndexError) as error:
            raise ToolsError(
                f"{path}, line {number} is no line of a trace: {line[:60]!r}"
            ) from error
    return Trace(products=tuple(products), commands=tuple(commands), processes=tuple(processes))


def _span(place: list[str], unit: str, clocks: list[str]) -> Span:
    job, tag, begin, end = map(int, place)
    pairs = [entry.split("=") for entry in clocks]
    return Span(
        job=job,
        tag=tag,
        unit=unit,
        begin=begin,
        end=end,
        clocks={name: int(count) for name, count in pairs if int(count)},
    )
