"""Multiply-accumulates of a whole training: an image's, summed over the steps as they run."""

from collections import Counter
from dataclasses import dataclass

from trivit.models.accounting import image_macs
from trivit.models.experiment.config import ExperimentConfig
from trivit.models.experiment.schedules import epoch_ratios, run_ratios
from trivit.models.model_config import ModelConfig
from trivit.models.topology import DENSE, KeepRatios, Passage, passages


@dataclass(frozen=True)
class TrainingMacs:
    """Multiply-accumulates of a whole training, forward and backward.

    Attributes:
        steps: optimizer steps.
        macs: with the schedules and the example level.
        dense_macs: the same epochs over all examples, patches, tokens and connections.
    """

    steps: int
    macs: int
    dense_macs: int

    @property
    def saved_percent(self) -> float:
        """Part of the dense training that is left out."""
        return 100.0 * (1 - self.macs / self.dense_macs)


def _work(model: ModelConfig, ratios: Counter[KeepRatios]) -> int:
    """Return the work on one image in each of the steps that run with ``ratios``.

    While ratios move with every step, many of them ask for the same computation.
    """
    known: dict[tuple[Passage, ...], int] = {}
    total = 0
    for entry, count in ratios.items():
        passed = passages(model, entry)
        if passed not in known:
            known[passed] = image_macs(model, entry).training
        total += count * known[passed]
    return total


def epoch_macs(config: ExperimentConfig, train_images: int, epoch: int) -> TrainingMacs:
    """Return the work of ``epoch`` (0-based); arguments as for ``training_macs``."""
    ratios = epoch_ratios(config, train_images, epoch)
    return _macs(config, ratios, train_images // config.training.batch_size)


def training_macs(config: ExperimentConfig, train_images: int) -> TrainingMacs:
    """Integrate the work over every step of the training that ``config`` describes.

    Every step counts with the keep ratios that it runs with: those of the selectors while they
    warm up, of the patch schedule, and an epoch's steps by the examples in play. Repeated
    augmentation changes which images a step shows, not how many.

    Args:
        config: the experiment.
        train_images: size of its full training set.
    """
    dense = config.training.epochs * (train_images // config.training.batch_size)
    return _macs(config, run_ratios(config, train_images), dense)


def _macs(config: ExperimentConfig, ratios: Counter[KeepRatios], dense_steps: int) -> TrainingMacs:
    vit, batch = config.model, config.training.batch_size
    dense = image_macs(vit, DENSE).training * dense_steps
    return TrainingMacs(ratios.total(), _work(vit, ratios) * batch, dense * batch)


@dataclass(frozen=True)
class Savings:
    """What each method leaves out of the work that it finds when it is the only one, in percent.

    They do not add up: together, each works on what the others leave.

    Attributes:
        examples: steps that are not made.
        tokens, attention, patches: work of the steps that are made.
        shapes: numbers of tokens, through the model, that occur: what a compiler has to meet.
    """

    examples: float
    tokens: float
    attention: float
    patches: float
    shapes: int


def savings(config: ExperimentConfig, train_images: int) -> Savings:
    """Return what each method saves by itself; arguments as for ``training_macs``."""
    vit = config.model
    ratios = run_ratios(config, train_images)
    steps = ratios.total()
    all_steps = config.training.epochs * (train_images // config.training.batch_size)
    dense = image_macs(vit, DENSE).training * steps

    def saved(level: str) -> float:
        alone: Counter[KeepRatios] = Counter()
        for entry, count in ratios.items():
            alone[DENSE._replace(**{level: getattr(entry, level)})] += count
        return 100.0 * (1 - _work(vit, alone) / dense)

    # The kept connections are a mask: they change no shape.
    shapes = {
        tuple(passed.left for passed in passages(vit, entry._replace(attention=1.0)))
        for entry in ratios
    }
    return Savings(
        examples=100.0 * (1 - steps / all_steps),
        tokens=saved("token"),
        attention=saved("attention"),
        patches=saved("patch"),
        shapes=len(shapes),
    )
