"""What a training run on a device does, and what a resumed one must share with the one before."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any, Literal

from trivit.host.training.bundle import TrainingBundle
from trivit.models.methods.examples.method import ExampleConfig
from trivit.models.settings import Compat
from trivit.tools.errors import ToolsError
from trivit.tools.training.epochs import Epochs
from trivit.tools.training.metrics import REPORT_EVERY

RateSchedule = Literal["cosine", "constant", "step"]
ClipName = Literal["fused", "unfused"]
#: Settings that a resumed run may change: they alter no weight.
_FREE = ("checkpoint_every", "largest_loss")
#: And those that do so where a run does not evaluate on its way.
_FREE_WITHOUT_EVALUATION = ("test_images",)


@dataclass(frozen=True, kw_only=True)
class LoopSettings:
    """What a run does.

    Attributes:
        steps: in all, an image each; with ``epochs`` as many as these take.
        epochs: over the examples in play; ``None``: ``steps`` decide.
        learning_rate: at its highest.
        warmup_steps: in which it rises from 0.
        rate_schedule: behind that a cosine to ``final_rate`` at the end, constant, or by
            ``rate_factor`` at each of the steps ``rate_drops``.
        clip: by the norm of the update before (fused), or by its own (unfused).
        accumulate: images whose mean gradient is one update; a step is an image.
        keep: token keep ratio of the program that the run ends with, and evaluates; the bundle's
            default if ``None``.
        keep_warmup: epochs before which the ratio is 1, and from which on it is ``keep``; a cosine
            between them, by the program that is nearest. ``None``: ``keep`` throughout.
        examples: the example level; ``None``: all examples, always.
        fixed_exponents: fraction lengths stay as they are found before the first step.
        train_images: the first so many training images stand for all; ``None``: all.
        compat: where paper and released code of the example level differ.
        evaluate_every: steps between evaluations on the test images; ``None``: at the end alone.
        evaluate_every_epochs: the same in epochs.
        test_images: to evaluate on, at most.

    Raises:
        ToolsError: a value outside its range, settings that contradict each other, or a checkpoint
            that would not stand at the end of a line of metrics, which judges the loss.
    """

    steps: int = 1000
    epochs: int | None = None
    learning_rate: float = 0.005
    warmup_steps: int = 100
    rate_schedule: RateSchedule = "cosine"
    rate_drops: tuple[int, ...] = ()
    rate_factor: float = 0.1
    final_rate: float = 0.0
    momentum: float = 0.9
    weight_decay: float = 0.0
    beta2: float = 0.999
    epsilon: float = 1e-8
    label_smoothing: float = 0.0
    clip_norm: float | None = None
    clip: ClipName = "fused"
    accumulate: int = 1
    stochastic: bool = True
    fixed_exponents: bool = False
    seed: int = 0
    keep: float | None = None
    keep_warmup: tuple[float, float] | None = None
    examples: ExampleConfig | None = None
    compat: Compat = "paper"
    largest_loss: float | None = None
    checkpoint_every: int = 1000
    train_images: int | None = None
    evaluate_every: int | None = None
    evaluate_every_epochs: int | None = None
    test_images: int = 1000

    def __post_init__(self) -> None:
        for name in ("learning_rate", "final_rate"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ToolsError(f"--{name.replace('_', '-')} {value:g}: use 0 or more")
        for name in ("clip_norm", "largest_loss", "rate_factor"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ToolsError(f"--{name.replace('_', '-')} {value:g}: use more than 0")
        if self.clip == "unfused" and self.clip_norm is None:
            raise ToolsError("--clip unfused has no norm to clip to: give --clip-norm too")
        if self.checkpoint_every % REPORT_EVERY:
            raise ToolsError(
                f"--checkpoint-every {self.checkpoint_every}: use a multiple of {REPORT_EVERY}, "
                "the steps after which the loss is judged"
            )
        self._check_rates()
        if self.keep_warmup is not None:
            start, end = self.keep_warmup
            if not 0 <= start <= end < math.inf:
                raise ToolsError(
                    f"--keep-warmup {start:g},{end:g}: use 0 <= START <= END, in epochs"
                )
        if self.evaluate_every and self.evaluate_every_epochs:
            raise ToolsError("--evaluate-every and --evaluate-every-epochs: give one of them")
        if self.evaluates and not self.test_images:
            raise ToolsError("a run that evaluates needs test images: --test-images 1 or more")

    def _check_rates(self) -> None:
        kind, drops = self.rate_schedule, self.rate_drops
        if (kind == "step") != bool(drops):
            raise ToolsError(
                "--rate-schedule step and --rate-drops belong together: give both, or none"
            )
        if self.final_rate and kind != "cosine":
            raise ToolsError(
                f"--final-rate is where a cosine ends, not --rate-schedule {kind}: leave it out"
            )
        if any(after <= before for before, after in pairwise((0, *drops))):
            named = ",".join(str(step) for step in drops)
            raise ToolsError(f"--rate-drops {named}: use steps that rise, such as 20000,25000")

    @property
    def evaluates(self) -> bool:
        """Whether a run evaluates on its way."""
        return bool(self.evaluate_every or self.evaluate_every_epochs)

    def rate(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0."""
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / self.warmup_steps
        if self.rate_schedule == "cosine":
            rest = max(self.steps - self.warmup_steps, 1)
            fall = 0.5 * (1 + math.cos(math.pi * (step - self.warmup_steps) / rest))
            return self.final_rate + (self.learning_rate - self.final_rate) * fall
        drops = sum(step >= drop for drop in self.rate_drops)
        return self.learning_rate * self.rate_factor**drops

    def over(self, examples: int) -> LoopSettings:
        """Return the settings of a run over so many training examples, its steps counted.

        Raises:
            ToolsError: epochs without steps, or a last update that would lack images.
        """
        epochs = Epochs(examples, self.examples)
        steps = self.steps if self.epochs is None else epochs.steps(self.epochs)
        if steps < 1:
            raise ToolsError(f"--epochs {self.epochs} of {examples} examples are no step: use more")
        if steps % self.accumulate:
            raise ToolsError(
                f"{steps} steps end within an update of --accumulate {self.accumulate} images: "
                f"use a multiple, such as --steps {-(-steps // self.accumulate) * self.accumulate}"
            )
        return replace(self, steps=steps)

    def identity(self, bundle: TrainingBundle, data: str) -> dict[str, Any]:
        """Return what a resumed run must share with the one before, as JSON values."""
        settings = asdict(self)
        examples = settings.pop("examples") or {"method": None}
        settings |= {f"examples.{name}": value for name, value in examples.items()}
        for name in _FREE if self.evaluates else (*_FREE, *_FREE_WITHOUT_EVALUATION):
            del settings[name]
        length = {name: settings.pop(name) for name in ("steps", "epochs")}
        if self.rate_schedule == "cosine":  # other rates do not depend on the end
            settings |= length
        first = {
            "optimizer": bundle.program.optimizer,
            "bundle": bundle.digest(),
            "data": data,
            "rate_schedule": self.rate_schedule,
        }
        return dict(json.loads(json.dumps({**first, **settings})))
