"""Training of a vision transformer with all three sparsity levels, on CPU or CUDA."""

import json
import math
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from torch import Tensor

from trivit.models.data import DatasetInfo, load_dataset
from trivit.models.data.batches import epoch_batches
from trivit.models.errors import ModelsError
from trivit.models.files import atomic_write
from trivit.models.sparsity.examples import ExampleSelector, examples_in_play
from trivit.models.sparsity.patches import PatchSampler, PatchSampling
from trivit.models.training.checkpoint import (
    Checkpoint,
    has_checkpoint,
    load_checkpoint,
    optimizer_tensors,
    restore_optimizer,
    save_checkpoint,
)
from trivit.models.training.config import ExperimentConfig, load_config, save_config
from trivit.models.training.device import choose_device, chosen_precision, describe, synchronise
from trivit.models.training.distributed import (
    all_sum,
    barrier,
    part_of_batch,
    process_group,
    shared_forward,
    world,
)
from trivit.models.training.evaluate import top1
from trivit.models.training.mapping import first_difference
from trivit.models.training.metrics import Metrics
from trivit.models.training.optimisation import learning_rate, make_optimizer
from trivit.models.training.progress import TrainingProgress
from trivit.models.training.schedules import keep_ratios
from trivit.models.training.seeds import derive_seed
from trivit.models.training.step import training_step
from trivit.models.training.timing import time_steps
from trivit.models.vision_transformer import VisionTransformer
from trivit.models.vit_config import ViTConfig


def train(
    config: ExperimentConfig,
    out: Path | str,
    resume: bool = False,
    *,
    console: Console | None = None,
) -> dict[str, Any]:
    """Train into the run folder ``out`` and return the summary that ``train.json`` holds.

    Started by torchrun, all processes train one model; the first one writes the folder.

    Args:
        config: the experiment.
        out: run folder; created when missing.
        resume: continue from the folder's checkpoint, if it has one; a finished run returns its
            summary at once. Without it the folder must hold no checkpoint.
        console: where progress is shown (default: standard error), on terminals only.

    Raises:
        ModelsError: the folder holds another run, the dataset is missing, or it does not fit the
            model. Nothing is written then.
    """
    out = Path(out)
    with process_group(config.training.device):
        _check_folder(out, config, resume)
        trainer = Trainer(config, out)
        if resume and has_checkpoint(out / "checkpoint"):
            trainer.restore()
        barrier()  # nobody writes before all have looked
        return trainer.run(console)


def _check_folder(out: Path, config: ExperimentConfig, resume: bool) -> None:
    if not has_checkpoint(out / "checkpoint"):
        return
    if not resume:
        raise ModelsError(
            f"{out} already holds a run: continue it with --resume, or name another folder"
        )
    saved = load_config(out / "config.yaml")
    # A run may move to another machine; everything else makes it another run.
    difference = first_difference(saved, config, ignore=("training.device",))
    if difference:
        raise ModelsError(
            f"cannot resume {out}, which was started with other settings: {difference}"
        )


def _check_fit(vit: ViTConfig, info: DatasetInfo) -> None:
    shape = (info.channels, info.height, info.width)
    wanted = (vit.in_channels, vit.image_size, vit.image_size)
    if shape != wanted:
        raise ModelsError(
            f"dataset {info.name} has images of shape {shape} and the model takes {wanted}: "
            "choose a matching model"
        )
    if len(info.class_names) != vit.num_classes:
        raise ModelsError(
            f"dataset {info.name} has {len(info.class_names)} classes and the model "
            f"{vit.num_classes}: set model.num_classes"
        )


class Trainer:
    """The state of one training run; ``train`` is the function to call."""

    def __init__(self, config: ExperimentConfig, out: Path) -> None:
        self.config = config
        self.out = out
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.part = part_of_batch(config.training.batch_size)
        self.first = world().rank == 0
        self.device = choose_device(config.training.device)
        self.precision = chosen_precision(config.training, self.device)
        with self._clock("load_data"):
            dataset = load_dataset(config.data)
            self.info = dataset.info
            _check_fit(config.model.vit, self.info)
            self.train_images = dataset.train.to(self.device)
            self.test_images = dataset.test.to(self.device)
        torch.manual_seed(derive_seed(config.seed, "model"))
        self.model = VisionTransformer(config.model.vit).to(self.device)
        self.forward = shared_forward(self.model, self.device)
        self.optimizer = make_optimizer(self.model, config.training)
        self.names: dict[Tensor, str] = {p: name for name, p in self.model.named_parameters()}
        self.examples = ExampleSelector(
            config.sparsity.examples,
            len(self.train_images),
            derive_seed(config.seed, "examples"),
            self.device,
            config.sparsity.compat,
            labels=self.train_images.labels,
            by_variance=config.sparsity.variance_block is not None,
        )
        self.patches = PatchSampler(config.patch_schedule, self.device)
        if self._steps(config.training.epochs - 1) == 0:
            kept = self._in_play(config.training.epochs - 1)
            raise ModelsError(
                f"training.batch_size is {config.training.batch_size}: "
                f"only {kept} training examples are in play"
            )
        self.epochs_done = 0
        self.images_seen = 0
        self.float_top1: float | None = None
        self.metrics = Metrics(out / "metrics.jsonl")

    @contextmanager
    def _clock(self, part: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        synchronise(self.device)
        self.seconds[part] += time.perf_counter() - started

    def _in_play(self, epoch: int) -> int:
        return examples_in_play(self.config.sparsity.examples, len(self.train_images), epoch)

    def _steps(self, epoch: int) -> int:
        """Return the steps of ``epoch`` (0-based)."""
        return self._in_play(epoch) // self.config.training.batch_size

    def _steps_until(self, epoch: int) -> int:
        """Return the steps before ``epoch`` (0-based) starts."""
        return sum(map(self._steps, range(epoch)))

    def run(self, console: Console | None = None) -> dict[str, Any]:
        """Train the epochs that are left; return the summary and write it to ``train.json``."""
        epochs, summary_path = self.config.training.epochs, self.out / "train.json"
        if self.epochs_done == epochs and summary_path.is_file():
            return json.loads(summary_path.read_text())
        if self.first:
            self.out.mkdir(parents=True, exist_ok=True)
            save_config(self.config, self.out / "config.yaml")
            self.metrics.keep_until(self.epochs_done)
        elif console is None:
            console = Console(quiet=True, force_terminal=False)
        total, done = self._steps_until(epochs), self._steps_until(self.epochs_done)
        with TrainingProgress(total, done, console) as progress:
            while self.epochs_done < epochs:
                record = self._run_epoch(progress)
                with self._clock("checkpoint"):
                    if self.first:
                        self.metrics.append(record)
                        self._save()
                    barrier()
                progress.epoch(record)
        summary = self._summarise()
        if self.first:
            with atomic_write(summary_path) as temporary:
                temporary.write_text(json.dumps(summary, indent=2) + "\n")
        barrier()
        return summary

    def _run_epoch(self, progress: TrainingProgress) -> dict[str, Any]:
        config, epoch = self.config.training, self.epochs_done
        updated = self.examples.start_epoch(epoch)
        steps = self._steps(epoch)
        loss_sum = torch.zeros((), device=self.device)
        correct_sum = torch.zeros((), dtype=torch.int64, device=self.device)
        patch_ratio_sum = 0.0
        before = self.seconds["train"]
        with self._clock("train"):
            torch.manual_seed(derive_seed(self.config.seed, "epoch", epoch))
            self.patches.start_epoch(derive_seed(self.config.seed, "patches", epoch))
            self.model.train()
            batches = epoch_batches(
                self.train_images,
                self.info,
                self.config.data,
                self.examples.examples(),
                config.batch_size,
                derive_seed(self.config.seed, "order", epoch),
                self.part,
            )
            for index, batch in enumerate(batches):
                self._set_schedules(epoch, index, steps)
                result = training_step(
                    self.model,
                    self.optimizer,
                    batch,
                    self.config,
                    self.precision,
                    self.examples,
                    self.patches.random_scores(
                        self.model.patch_sampling.keep_ratio,
                        config.batch_size,
                        self.config.model.vit.num_patches,
                        self.part,
                    ),
                    self.forward if world().size > 1 else None,
                )
                patch_ratio_sum += self.model.patch_sampling.keep_ratio
                loss_sum += result.loss
                correct_sum += result.correct
                progress.advance()
        loss = float(all_sum(loss_sum)) / (steps * world().size)
        if not math.isfinite(loss):
            raise ModelsError(
                f"the loss of epoch {epoch + 1} is {loss}: lower training.learning_rate "
                f"({config.learning_rate}) or set training.gradient_clip"
            )
        self.epochs_done += 1
        images = steps * config.batch_size
        self.images_seen += images
        record = {
            "epoch": self.epochs_done,
            "step": self._steps_until(self.epochs_done),
            "loss": loss,
            "train_top1": 100.0 * int(all_sum(correct_sum)) / images,
            "learning_rate": self.optimizer.param_groups[0]["lr"],
            "token_keep_ratio": self.model.token_keep_ratio,
            "attention_keep_ratio": self.model.attention_keep_ratio,
            "mean_patch_keep_ratio": patch_ratio_sum / steps,
            "examples_in_play": self._in_play(epoch),
            "examples_updated": updated,
            "seconds": self.seconds["train"] - before,
        }
        if self.epochs_done % config.evaluate_every == 0 or self.epochs_done == config.epochs:
            with self._clock("evaluate"):
                self._use_final_ratios()
                self.float_top1 = record["float_top1"] = top1(
                    self.model,
                    self.test_images,
                    self.info,
                    config.evaluation_batch_size,
                )
        return record

    def _set_schedules(self, epoch: int, index: int, steps: int) -> None:
        """Set what step ``index`` of ``steps`` of ``epoch`` runs with.

        Schedules count in epochs: a method that shortens them does not shift what comes later.
        """
        rate = learning_rate(self.config.training, epoch * steps + index, steps)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        ratios = keep_ratios(self.config, epoch + index / steps)
        self.model.set_keep_ratios(token=ratios.token, attention=ratios.attention)
        self.model.set_patch_sampling(self.patches.sampling(ratios.patch))

    def _use_final_ratios(self) -> None:
        vit = self.config.model.vit
        self.model.set_keep_ratios(token=vit.token_keep_ratio, attention=vit.attention_keep_ratio)
        self.model.set_patch_sampling(PatchSampling())

    def _save(self) -> None:
        examples = {f"examples/{k}": v for k, v in self.examples.state_dict().items()}
        state = {
            "epoch": self.epochs_done,
            "images_seen": self.images_seen,
            "float_top1": self.float_top1,
            "seconds": dict(self.seconds),
            "torch": torch.__version__,
        }
        tensors = {**optimizer_tensors(self.optimizer, self.names), **examples}
        save_checkpoint(
            self.out / "checkpoint", Checkpoint(state, self.model.state_dict(), tensors)
        )

    def restore(self) -> None:
        """Continue from the checkpoint of the run folder.

        Raises:
            ModelsError: it is missing, damaged, or of another model.
        """
        checkpoint = load_checkpoint(self.out / "checkpoint")
        prefix = "examples/"
        try:
            self.model.load_state_dict(checkpoint.model)
            restore_optimizer(self.optimizer, self.names, checkpoint.training)
            self.examples.load_state_dict(
                {
                    name.removeprefix(prefix): tensor
                    for name, tensor in checkpoint.training.items()
                    if name.startswith(prefix)
                }
            )
            self.epochs_done = int(checkpoint.state["epoch"])
            self.images_seen = int(checkpoint.state["images_seen"])
            self.float_top1 = checkpoint.state["float_top1"]
            self.seconds.update(checkpoint.state["seconds"])
        except (KeyError, RuntimeError):
            raise ModelsError(
                f"{self.out}: the checkpoint does not fit config.yaml: train again"
            ) from None

    def _summarise(self) -> dict[str, Any]:
        # Here, as accounting itself imports this package's configuration.
        from trivit.models.accounting import training_macs

        macs = training_macs(self.config, len(self.train_images))
        timing: dict[str, float] = {}
        if self.config.training.timing_rounds and self.first:
            with self._clock("timing"):
                batch = next(
                    epoch_batches(
                        self.train_images,
                        self.info,
                        self.config.data,
                        self.examples.examples(),
                        self.config.training.batch_size,
                        derive_seed(self.config.seed, "timing"),
                    )
                )
                rounds = self.config.training.timing_rounds
                timing = time_steps(self.model, self.config, batch, rounds)
        vit = self.config.model.vit
        return {
            "model": self.config.model.name,
            "dataset": self.info.name,
            "float_top1": self.float_top1,
            "test_images": len(self.test_images),
            "epochs": self.epochs_done,
            "images_seen": self.images_seen,
            "images_per_second": self.images_seen / self.seconds["train"],
            "seconds": sum(self.seconds.values()),
            "seconds_by_part": {part: round(s, 3) for part, s in self.seconds.items()},
            **timing,
            "token_keep_ratio": vit.token_keep_ratio,
            "attention_keep_ratio": vit.attention_keep_ratio,
            "example_keep_ratio": self.config.sparsity.examples.keep_ratio,
            "example_updates": self.examples.updates_done,
            "training_macs": macs.macs,
            "training_macs_saved_percent": macs.saved_percent,
            "seed": self.config.seed,
            "precision": self.precision,
            "processes": world().size,
            **describe(self.device),
        }
