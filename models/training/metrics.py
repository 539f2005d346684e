"""``metrics.jsonl``: one JSON object a line, in the order of training."""

import json
from pathlib import Path
from typing import Any

from trivit.models.files import atomic_write, named


class Metrics:
    """Appends records to a file and forgets those that a resumed run will write again."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def keep_until(self, epoch: int) -> None:
        """Drop the records of epochs after ``epoch``, and a last line that was cut off."""
        kept = [record for record in self._read() if record["epoch"] <= epoch]
        with atomic_write(self.path) as temporary:
            temporary.write_text("".join(json.dumps(record) + "\n" for record in kept))

    def append(self, record: dict[str, Any]) -> None:
        """Add one record; it needs an ``epoch``."""
        with named(self.path), self.path.open("a") as file:
            file.write(json.dumps(record) + "\n")

    def _read(self) -> list[dict[str, Any]]:
        records: list[dict[str, Any]] = []
        if not self.path.is_file():
            return records
        for line in self.path.read_text().splitlines():
            try:
                records.append(json.loads(line))
            except ValueError:
                break
        return records
