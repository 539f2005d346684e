"""Vivado's ``report_utilization -hierarchical``."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from trivit.tools.errors import ToolsError
from trivit.tools.estimate.part import Resources
from trivit.tools.vivado.tables import number, read_report, section, table_rows

#: Column of the report: what it counts. DSPs have had two names.
_COLUMNS = {
    "Total LUTs": "lut",
    "FFs": "ff",
    "RAMB36": "ramb36",
    "RAMB18": "ramb18",
    "DSP Blocks": "dsp",
    "DSP48 Blocks": "dsp",
}


@dataclass
class Instance:
    """An instance with all below it; ``module`` as its source names it."""

    name: str
    module: str
    resources: Resources
    below: list["Instance"] = field(default_factory=list)

    def walk(self) -> Iterator["Instance"]:
        """Yield it and all instances below it."""
        yield self
        for instance in self.below:
            yield from instance.walk()

    def find(self, module: str) -> "Instance | None":
        """Return the first instance of a module."""
        return next((found for found in self.walk() if found.module == module), None)

    @property
    def own(self) -> Resources:
        """What is in no instance below it."""
        return sum((Resources() - i.resources for i in self.below), self.resources)


def read_utilisation(path: Path) -> Instance:
    """Read a report into the top instance.

    Raises:
        ToolsError: it is another report, lacks a column, or its rows are no tree.
    """
    rows = table_rows(section(read_report(path), "Utilization by Hierarchy", path))
    heads = [head.strip() for head in next(rows, [])]
    places = {_COLUMNS[head]: heads.index(head) for head in heads if head in _COLUMNS}
    missing = {*_COLUMNS.values()} - {*places}
    if missing or heads[:2] != ["Instance", "Module"]:
        raise ToolsError(f"{path}: no column of {', '.join(sorted(missing)) or 'instances'}")
    path_above: list[tuple[int, Instance]] = []
    top: Instance | None = None
    for cells in rows:
        name = cells[0].strip()
        if name.startswith("("):  # what is in the instance itself: the rest of its sum
            continue
        counts = {what: number(cells[place], path) for what, place in places.items()}
        instance = Instance(name, _module(cells[1]), _resources(counts))
        indent = len(cells[0]) - len(cells[0].lstrip())
        while path_above and path_above[-1][0] >= indent:
            path_above.pop()
        if path_above:
            path_above[-1][1].below.append(instance)
        elif top is None:
            top = instance
        else:
            raise ToolsError(f"{path}: '{name}' stands beside the top '{top.name}'")
        path_above.append((indent, instance))
    if top is None:
        raise ToolsError(f"{path}: the table of instances is empty")
    return top


def _resources(counts: dict[str, float]) -> Resources:
    return Resources(
        lut=int(counts["lut"]),
        ff=int(counts["ff"]),
        dsp=int(counts["dsp"]),
        bram36=counts["ramb36"] + counts["ramb18"] / 2,
    )


def _module(cell: str) -> str:
    """Return a module's name without what Vivado appends where parameters or places differ."""
    return re.sub(r"(__parameterized\d+|__xdcDup__\d+|__GB[M]?\d*|_\d+)+$", "", cell.strip())
