"""How much the demo does, in full and in miniature."""

from dataclasses import dataclass, field
from pathlib import Path

from trivit.tools.demo.requirements import Requirements
from trivit.tools.errors import ToolsError

CONFIG = Path("configs/fashion_mnist_micro.yaml")

_CHECKOUT = Path(__file__).resolve().parents[2]

_QUICK = (
    "data.dataset=synthetic",
    "data.train_images=1000",
    "data.test_images=200",
    "training.epochs=6",
    "training.learning_rate=5e-3",
    "training.batch_size=50",
    "training.timing_rounds=1",
    "model.embed_dim=32",
    "model.depth=4",
)


@dataclass(frozen=True, kw_only=True)
class DemoSettings:
    """One run of the demo.

    Attributes:
        config: experiment to train.
        overrides: changes to it, ``key=value``.
        out: run folder.
        emulator_images: test images through the emulator; more follow while
            ``emulator_seconds`` lasts.
        emulator_seconds: budget for all test images.
        reference_images: test images compared tensor by tensor with the oracle.
        drawn_images: test images in the picture.
        requirements: what must hold at the end.
    """

    config: Path
    overrides: tuple[str, ...] = ()
    out: Path
    emulator_images: int = 2000
    emulator_seconds: float = 60.0
    reference_images: int = 64
    drawn_images: int = 10
    requirements: Requirements = field(default_factory=Requirements)


def full_settings(out: Path, config: Path | None = None) -> DemoSettings:
    """Return the settings of ``make demo``.

    Raises:
        ToolsError: no config is given and the default one is not at hand.
    """
    return DemoSettings(config=config or _default_config(), out=out)


def quick_settings(out: Path, config: Path | None = None) -> DemoSettings:
    """Return the settings of the miniature: a smaller model, synthetic images, weaker bounds.

    Raises:
        ToolsError: no config is given and the default one is not at hand.
    """
    return DemoSettings(
        config=config or _default_config(),
        overrides=_QUICK,
        out=out,
        emulator_images=100,
        emulator_seconds=5.0,
        reference_images=8,
        drawn_images=4,
        # Chance is 10 %; one image is a point of 100, and a tiny model is less sure of its classes.
        requirements=Requirements(
            float_top1=25.0,
            accuracy_loss=3.0,
            agreement=98.0,
            reference_images=8,
            emulator_images=100,
        ),
    )


def _default_config() -> Path:
    for folder in (Path(), _CHECKOUT):
        if (folder / CONFIG).is_file():
            return folder / CONFIG
    raise ToolsError(f"{CONFIG} is not here: run in a checkout of trivit or name one with --config")
