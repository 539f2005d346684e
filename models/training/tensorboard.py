"""Metrics as TensorBoard events, for those who want curves while a run goes on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trivit.models.errors import ModelsError
from trivit.models.files import named


class EventWriter:
    """Writes the numbers of metrics records, each under its name, against the step."""

    def __init__(self, folder: Path) -> None:
        """Check that events can be written; ``folder`` is made with the first record.

        Raises:
            ModelsError: the package tensorboard is missing.
        """
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise ModelsError(
                "training.tensorboard needs the package tensorboard: "
                "pip install 'trivit[tensorboard]', or set it to false"
            ) from None
        self._folder = folder
        self._open = SummaryWriter
        self._writer: Any = None

    def add(self, record: Mapping[str, Any]) -> None:
        """Write one record; it needs a ``step``. Later steps of an earlier start are hidden."""
        step = int(record["step"])
        with named(self._folder):
            if self._writer is None:
                self._writer = self._open(str(self._folder), purge_step=step)
            for name, value in _numbers(record).items():
                self._writer.add_scalar(name, value, step)
            self._writer.flush()

    def close(self) -> None:
        """Finish the file."""
        if self._writer is not None:
            with named(self._folder):
                self._writer.close()


def _numbers(record: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    numbers: dict[str, float] = {}
    for name, value in record.items():
        if isinstance(value, Mapping):
            numbers |= _numbers(value, f"{prefix}{name}/")
        elif isinstance(value, int | float) and name != "step":
            numbers[prefix + name] = float(value)
    return numbers
