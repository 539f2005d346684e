"""An experiment's settings, and which of them contradict each other."""

import math
from dataclasses import dataclass, field
from typing import Literal

from trivit.models.augmentation.config import AugmentationConfig
from trivit.models.data.config import DataConfig
from trivit.models.errors import ModelsError
from trivit.models.families import parse_model
from trivit.models.methods.config import SparsityConfig
from trivit.models.methods.patches.schedule import PatchScheduleConfig, parse_schedule
from trivit.models.model_config import ModelConfig


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """Optimisation: AdamW, linear warm-up, then a cosine to ``min_learning_rate``, per step.

    Attributes:
        epochs: passes over the training examples in play.
        scale_schedules: where ``--set``, or a file over its base, changes ``epochs``, scale all
            lengths that count in epochs and that it does not give itself in proportion.
        batch_size: images per step, over all processes; the last incomplete batch of an epoch is
            left out.
        learning_rate: highest rate, used as it stands: DeiT's recipe is 5e-4 * batch_size / 512.
        min_learning_rate: rate at the end.
        warmup_epochs: length of the linear warm-up; fractions are allowed.
        weight_decay: AdamW's, on matrices only (not on biases, norms, [CLS] and positions).
        beta2: AdamW's decay of the squared gradients; short trainings want less than 0.999.
        label_smoothing: of the cross entropy.
        gradient_clip: largest gradient norm (``None``: no limit).
        ema_decay: keep an exponential moving average of the weights with this decay per step
            (DeiT: 0.99996), warmed up over the first steps; it is evaluated, saved, and what a run
            exports (``None``: none).
        init_from: file of weights to start from, as timm or DeiT save them, or a run folder
            (``None``: random).
        init_weights: which of that file's weights: ``model``, their average (``ema``), or the first
            that is there (``auto``), as ``trivit.models.pretrained.read_weights`` says.
        init_grid: rows and columns of patches that its position embeddings are for (``None``: as
            their number says).
        evaluate_every: epochs between evaluations on the test set; the last epoch always is one.
        evaluation_batch_size: images per evaluation batch.
        checkpoint_every_steps: also save within epochs, after so many steps each (``None``: only
            at their ends).
        device: ``auto`` takes CUDA when it is there.
        precision: ``auto`` is bfloat16 autocast on CUDA and float32 on the CPU.
        compile: compile the forward and backward pass with torch.compile, once for each of the
            keep ratios that the schedules visit, before training starts.
        cuda_graphs: on CUDA replay each step as one graph, recorded for each of these keep ratios
            before training starts; else the host launches its kernels one by one.
        attention: ``auto`` computes attention by the Triton kernels of ``models/layers`` where they
            serve (half precision, on CUDA) and PyTorch has no fast way: with a relative position
            bias, a connection mask, or something to rank by; ``triton``: wherever they serve, and
            training is refused where they do not; ``torch``: never.
        tensorboard: write the metrics as TensorBoard events as well, to ``RUN/tensorboard``.
        timing_rounds: sparse and dense steps that are timed against each other at the end
            (0: none).

    Raises:
        ModelsError: a value out of its range.
    """

    epochs: int = 300
    scale_schedules: bool = False
    batch_size: int = 512
    learning_rate: float = 5e-4
    min_learning_rate: float = 1e-5
    warmup_epochs: float = 5.0
    weight_decay: float = 0.05
    beta2: float = 0.999
    label_smoothing: float = 0.1
    gradient_clip: float | None = None
    ema_decay: float | None = None
    init_from: str | None = None
    init_weights: Literal["auto", "ema", "model"] = "auto"
    init_grid: tuple[int, ...] | None = None
    evaluate_every: int = 1
    evaluation_batch_size: int = 500
    checkpoint_every_steps: int | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    compile: bool = False
    cuda_graphs: bool = True
    attention: Literal["auto", "triton", "torch"] = "auto"
    tensorboard: bool = False
    timing_rounds: int = 7

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "evaluate_every", "evaluation_batch_size"):
            _require(getattr(self, name) >= 1, f"training.{name}", getattr(self, name), "1 or more")
        for name in ("min_learning_rate", "warmup_epochs", "weight_decay", "timing_rounds"):
            value = getattr(self, name)
            _require(value >= 0 and math.isfinite(value), f"training.{name}", value, "0 or more")
        rate = self.learning_rate
        _require(rate > 0 and math.isfinite(rate), "training.learning_rate", rate, "more than 0")
        lowest = self.min_learning_rate
        at_most = f"at most training.learning_rate, {rate}"
        _require(lowest <= rate, "training.min_learning_rate", lowest, at_most)
        smoothing = self.label_smoothing
        _require(0 <= smoothing < 1, "training.label_smoothing", smoothing, "0 up to below 1")
        _require(0 <= self.beta2 < 1, "training.beta2", self.beta2, "0 up to below 1")
        clip = self.gradient_clip
        _require(clip is None or clip > 0, "training.gradient_clip", clip, "more than 0, or null")
        decay = self.ema_decay
        holds = decay is None or 0 < decay < 1
        _require(holds, "training.ema_decay", decay, "more than 0 and below 1, or null")
        grid = self.init_grid
        holds = grid is None or (len(grid) == 2 and min(grid) >= 1)
        _require(holds, "training.init_grid", grid, "[ROWS, COLUMNS] of patches, or null")
        every = self.checkpoint_every_steps
        holds = every is None or every >= 1
        _require(holds, "training.checkpoint_every_steps", every, "1 or more, or null")


@dataclass(frozen=True, kw_only=True)
class ExperimentConfig:
    """Everything that one training run depends on."""

    seed: int = 0
    model: ModelConfig = field(metadata={"parse": parse_model})
    data: DataConfig = field(default_factory=DataConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    sparsity: SparsityConfig = field(default_factory=SparsityConfig)
    patch_schedule: PatchScheduleConfig = field(
        default_factory=PatchScheduleConfig, metadata={"parse": parse_schedule}
    )

    def __post_init__(self) -> None:
        _require(0 <= self.seed < 2**63, "seed", self.seed, "0 to 2^63 - 1")
        block, depth = self.sparsity.variance_block, len(self.model.blocks)
        holds = block is None or -depth <= block < depth
        _require(holds, "sparsity.variance_block", block, f"{-depth} to {depth - 1}, or null")
        if self.patch_schedule.samples and not self.model.offers_patch_sampling:
            raise ModelsError(
                f"patch_schedule.schedule is {self.patch_schedule.schedule}, and "
                f"{self.model.name} needs all patches: use none"
            )
        _check_lengths(self)


def _check_lengths(config: ExperimentConfig) -> None:
    """Check that every schedule that the experiment uses ends within it.

    The default number of example updates (``updates: null``) is what the run has room for.

    Raises:
        ModelsError: a schedule is longer than the run; the message names its setting.
    """
    epochs, vit, sparsity = config.training.epochs, config.model, config.sparsity
    remedy = ", or scale all schedules to the run: --set training.scale_schedules=true"
    if config.training.scale_schedules:
        remedy = ""
    most = f"at most the {epochs} epochs of the run{remedy}"
    warmup = config.training.warmup_epochs
    _require(warmup <= epochs, "training.warmup_epochs", warmup, most)
    if min(vit.token_keep_ratio, vit.attention_keep_ratio) < 1:
        end = sparsity.warmup.end_epoch
        _require(end <= epochs, "sparsity.warmup.end_epoch", end, most)
    cycle = config.patch_schedule.cycle_epochs
    _require(cycle is None or cycle <= epochs, "patch_schedule.cycle_epochs", cycle, most)
    cooldown = config.patch_schedule.cooldown
    fewer = f"fewer than the {epochs} epochs of the run{remedy}"
    _require(cooldown < epochs, "patch_schedule.cooldown_epochs", cooldown, fewer)
    examples = sparsity.examples
    if not examples.revises:
        return
    period, updates = examples.period_epochs, examples.updates
    _require(period <= epochs, "sparsity.examples.period_epochs", period, most)
    if examples.starts_whole:
        whole = (
            f"fewer than the {epochs} epochs of the run, which are all on the whole set otherwise"
        )
        _require(period < epochs, "sparsity.examples.period_epochs", period, whole)
    if updates:
        room = epochs // period
        allowed = f"at most {room}, as an update every {period} epochs leaves room for in {epochs}"
        _require(updates <= room, "sparsity.examples.updates", updates, f"{allowed} epochs{remedy}")


def _require(holds: bool, name: str, value: object, allowed: str) -> None:
    """Raise ModelsError, naming the setting and what it may be, unless ``holds``."""
    if not holds:
        raise ModelsError(f"{name} is {value!r}: use {allowed}")
