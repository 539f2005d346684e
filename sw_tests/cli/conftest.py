"""The real command line, run in this process, and folders for it to work on."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from trivit.tools.cli import main

CONFIG = Path(__file__).parents[2] / "configs" / "fashion_mnist_micro.yaml"

TINY = (
    "data.dataset=synthetic",
    "data.train_images=100",
    "data.test_images=20",
    "training.epochs=1",
    "sparsity.warmup.end_epoch=1",
    "training.batch_size=20",
    "training.timing_rounds=0",
    "model.embed_dim=16",
    "model.depth=4",
)


@dataclass(frozen=True)
class Outcome:
    """What a person sees of a command."""

    status: int
    out: str
    err: str

    def refused(self, *words: str) -> None:
        """Check for exit status 2 and one line on stderr that holds all ``words``."""
        assert self.status == 2, self.err
        assert self.err.startswith("trivit: ")
        assert self.err.count("\n") == 1, self.err
        assert "Traceback" not in self.err + self.out
        for word in words:
            assert word in self.err


Trivit = Callable[..., Outcome]


@pytest.fixture
def trivit(capsys: pytest.CaptureFixture[str]) -> Trivit:
    """Run ``trivit ARGUMENTS`` and return its outcome."""

    def run(*arguments: object) -> Outcome:
        capsys.readouterr()
        status = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Outcome(status, captured.out, captured.err)

    return run


def tiny_settings() -> list[str]:
    """Options that make the training a matter of a second."""
    return [word for setting in TINY for word in ("--set", setting)]


def files_in(folder: Path) -> dict[str, bytes]:
    """Every file below ``folder`` with its contents, temporary ones included."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained, quantized and compiled run of a tiny model; tests work on copies of it."""
    run = tmp_path_factory.mktemp("finished") / "run"
    assert main(["train", str(CONFIG), *tiny_settings(), "--out", str(run)]) == 0
    assert main(["quantize", str(run), *few_images()]) == 0
    assert main(["compile", str(run)]) == 0
    return run


@pytest.fixture
def run_copy(finished_run: Path, tmp_path: Path) -> Path:
    """A copy of `finished_run` that the test may damage."""
    return Path(shutil.copytree(finished_run, tmp_path / "run"))


def few_images() -> list[str]:
    """Options that keep quantization short."""
    return [
        "--set",
        "calibration_images=20",
        "--set",
        "reference_images=1",
        "--set",
        "qonnx_images=1",
    ]
