"""TensorBoard events, through a writer that records what it is given."""

import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from trivit.models.errors import ModelsError
from trivit.models.training import ExperimentConfig, train

from .conftest import records

Everything = Callable[..., ExperimentConfig]
ON = "training.tensorboard=true"


class Writer:
    """Stands in for ``SummaryWriter``."""

    opened: ClassVar[list["Writer"]] = []

    def __init__(self, folder: str, purge_step: int) -> None:
        self.folder, self.purge_step = folder, purge_step
        self.scalars: dict[tuple[str, int], float] = {}
        self.flushed = self.closed = 0
        self.opened.append(self)

    def add_scalar(self, name: str, value: float, step: int) -> None:
        self.scalars[name, step] = value

    def flush(self) -> None:
        self.flushed += 1

    def close(self) -> None:
        self.closed += 1


def install(monkeypatch: pytest.MonkeyPatch, module: Any) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)


def test_events_say_what_the_records_say(
    everything: Everything, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = types.ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = Writer  # type: ignore[attr-defined]
    install(monkeypatch, module)
    monkeypatch.setattr(Writer, "opened", [])
    train(everything(ON, "training.epochs=2"), tmp_path)
    (writer,) = Writer.opened
    assert writer.folder == str(tmp_path / "tensorboard")
    assert (writer.purge_step, writer.flushed, writer.closed) == (9, 2, 1)
    for record in records(tmp_path):
        step = record["step"]
        for name in ("loss", "float_top1", "model_top1", "examples_updated"):
            assert writer.scalars[name, step] == record[name]
        part = record["step_seconds_by_part"]["forward"]
        assert writer.scalars["step_seconds_by_part/forward", step] == part


def test_the_missing_package_is_named(
    everything: Everything, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, None)
    with pytest.raises(ModelsError, match=r"pip install 'trivit\[tensorboard\]'") as caught:
        train(everything(ON), tmp_path / "run")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_a_real_writer_writes_events(everything: Everything, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="the package tensorboard is not installed")
    train(everything(ON, "training.epochs=1"), tmp_path)
    assert list((tmp_path / "tensorboard").glob("events.out.*"))
