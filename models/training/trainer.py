"""Training of a vision transformer with all three sparsity levels, on CPU or CUDA."""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from torch import Tensor

from trivit.models.clock import PartClock
from trivit.models.data import load_dataset
from trivit.models.errors import ModelsError
from trivit.models.experiment.config import ExperimentConfig
from trivit.models.experiment.config_files import save_config
from trivit.models.experiment.schedules import examples_in_epoch, keep_ratios, left_out
from trivit.models.file_lock import run_lock
from trivit.models.files import atomic_write
from trivit.models.progress import ProgressBars
from trivit.models.runs.checkpoint import has_checkpoint, load_checkpoint, save_checkpoint
from trivit.models.runs.images import check_fit, check_shift, check_unchanged, fingerprint
from trivit.models.training.accuracy import top1
from trivit.models.training.device import choose_device, chosen_precision
from trivit.models.training.distributed import (
    all_or_none,
    all_sum,
    barrier,
    process_group,
    told_when_others_stop,
    world,
)
from trivit.models.training.initial_weights import load_initial_weights
from trivit.models.training.loop import TrainingLoop, use_final_ratios
from trivit.models.training.reporting import (
    EventWriter,
    Metrics,
    divergence,
    epoch_costs,
    epoch_line,
    run_summary,
    worse_export,
)
from trivit.models.training.resume import check_folder
from trivit.models.training.run_state import RunState
from trivit.models.training.timing import time_steps

AfterEpoch = Callable[[Mapping[str, Any]], None]


def train(
    config: ExperimentConfig,
    out: Path | str,
    resume: bool = False,
    *,
    console: Console | None = None,
    after_epoch: AfterEpoch | None = None,
) -> dict[str, Any]:
    """Train into the run folder ``out`` and return the summary that ``train.json`` holds.

    Started by torchrun, all processes train one model; the first one writes the folder. An error
    in one of them ends all.

    Args:
        config: the experiment.
        out: run folder; created when missing.
        resume: continue from the folder's checkpoint, if it has one; a finished run returns its
            summary at once. Without it the folder must hold no checkpoint.
        console: where progress is shown (default: standard error), on terminals only.
        after_epoch: called with the record of each epoch once it is saved. What it raises ends the
            run, which resumes there; of several processes all must raise it.

    Raises:
        ModelsError: the folder holds another run, another process works in it, or the dataset is
            missing, changed, or does not fit the model. Nothing is written then.
    """
    out = Path(out)
    group = process_group(config.training.device)
    with group, told_when_others_stop(), ExitStack() as held:
        with all_or_none():  # nobody writes before all have looked
            if world().rank == 0:
                held.enter_context(run_lock(out))
            changes = check_folder(out, config, resume)
            trainer = Trainer(config, out)
            if has_checkpoint(out / "checkpoint"):
                trainer.restore()
                trainer.tell(changes, console)
            else:
                trainer.tell(left_out(config), console)
                trainer.tell(load_initial_weights(trainer.state, config.training), console)
        return trainer.run(console, after_epoch)


class Trainer:
    """One training run; ``train`` is the function to call."""

    def __init__(self, config: ExperimentConfig, out: Path) -> None:
        self.config = config
        self.out = out
        self.first = world().rank == 0
        self.device = choose_device(config.training.device)
        seconds: dict[str, float] = {}
        with PartClock(seconds, self.device).part("load_data"):
            dataset = load_dataset(config.data)
            self.info = dataset.info
            check_fit(config.model, self.info)
            check_shift(config.data.shift, self.info)
            self.dataset = fingerprint(dataset)
            train_images = dataset.train.to(self.device)
            self.test_images = dataset.test.to(self.device)
        self.precision = chosen_precision(config.training, self.device)
        self.state = RunState(config, train_images, self.device)
        self.state.seconds = seconds
        self.clock = PartClock(seconds, self.device)
        self.loop = TrainingLoop(config, self.state, train_images, self.info, self.precision)
        if self.loop.steps(config.training.epochs - 1) == 0:
            kept = examples_in_epoch(config, len(train_images), config.training.epochs - 1)
            raise ModelsError(
                f"training.batch_size is {config.training.batch_size}: "
                f"only {kept} training examples are in play"
            )
        self.metrics = Metrics(out / "metrics.jsonl")
        self.events: EventWriter | None = None
        if config.training.tensorboard and self.first:
            self.events = EventWriter(out / "tensorboard")

    @property
    def epochs_done(self) -> int:
        """Epochs completed."""
        return self.state.epochs_done

    def tell(self, lines: list[str], console: Console | None = None) -> None:
        """Print ``lines`` once, on terminals or not, to ``console`` (default: standard error)."""
        if self.first and lines:
            console = console or Console(stderr=True)
            for line in lines:
                console.print(line, markup=False, highlight=False, soft_wrap=True)

    def restore(self) -> None:
        """Continue from the checkpoint of the run folder.

        Raises:
            ModelsError: it is missing, damaged, or of another model, or the images changed.
        """
        checkpoint = load_checkpoint(self.out / "checkpoint")
        try:
            check_unchanged(checkpoint.state["dataset"], self.dataset)
            self.state.restore(checkpoint, first=self.first)
        except (KeyError, RuntimeError):
            raise ModelsError(
                f"{self.out}: the checkpoint does not fit config.yaml: train again"
            ) from None

    def run(
        self, console: Console | None = None, after_epoch: AfterEpoch | None = None
    ) -> dict[str, Any]:
        """Train the epochs that are left; return the summary and write it to ``train.json``.

        Arguments as for ``train``.
        """
        epochs, summary_path = self.config.training.epochs, self.out / "train.json"
        if self.epochs_done == epochs and summary_path.is_file():
            with all_or_none():
                if self.first:  # its images may have moved
                    save_config(self.config, self.out / "config.yaml")
            return json.loads(summary_path.read_text())
        with all_or_none():
            if self.first:
                self.out.mkdir(parents=True, exist_ok=True)
                save_config(self.config, self.out / "config.yaml")
                summary_path.unlink(missing_ok=True)  # of a run that goes on for more epochs
                self.metrics.keep_until(self.epochs_done)
            elif console is None:
                console = Console(quiet=True, force_terminal=False)
        with self.clock.part("prepare"):
            self.loop.connect()
        self.tell(self.loop.notes, console)
        total = self.loop.steps_until(epochs)
        done = self.loop.steps_until(self.epochs_done) + self.state.epoch.step
        with ProgressBars(console) as progress:
            progress.start("train", total, done)
            while self.epochs_done < epochs:
                record = self._run_epoch(progress)
                self._save(record)
                progress.print(epoch_line(record))
                if after_epoch is not None:
                    after_epoch(record)
        summary = self._summarise()
        with all_or_none():
            if self.first:
                self.tell(worse_export(self.state.accuracies), console)
                with atomic_write(summary_path) as temporary:
                    temporary.write_text(json.dumps(summary, indent=2) + "\n")
                if self.events is not None:
                    self.events.close()
        barrier()
        return summary

    def _run_epoch(self, progress: ProgressBars) -> dict[str, Any]:
        """Train what is left of an epoch and evaluate; return its record."""
        config, state, loop = self.config.training, self.state, self.loop
        steps = loop.steps(state.epochs_done)
        every = config.checkpoint_every_steps or steps
        if state.epoch.step == 0:
            with self._part_of_epoch():
                loop.update_examples()
        batches = loop.batches(state.epochs_done, state.epoch.step)
        while state.epoch.step < steps:
            end = min(steps, (state.epoch.step // every + 1) * every)
            with self._part_of_epoch():
                loop.run(batches, end, progress.advance)
            sums = self._checked_sums()
            if end < steps:
                self._save(None, sums)
        return self._finish_epoch(sums)

    @contextmanager
    def _part_of_epoch(self) -> Iterator[None]:
        """Count the time of the body as training, of the run and of the epoch under way."""
        state = self.state
        before = {"train": state.seconds.get("train", 0.0), **state.step_seconds}
        with self.clock.part("train"):
            yield
        after = {"train": state.seconds["train"], **state.step_seconds}
        for part, seconds in after.items():
            state.epoch.seconds[part] = state.epoch.seconds.get(part, 0.0) + seconds - before[part]

    def _checked_sums(self) -> Tensor:
        """Return the epoch's sums over all processes, unless training has diverged."""
        progress = self.state.epoch
        broken = self.state.is_finite().logical_not().double().view(1)
        loss, correct, broken_in = all_sum(torch.cat([progress.sums, broken]))
        mean = float(loss) / progress.step
        if not math.isfinite(mean) or float(broken_in):
            raise ModelsError(divergence(self.config, self.out, self.epochs_done + 1, mean))
        return torch.stack([loss, correct])

    def _finish_epoch(self, sums: Tensor) -> dict[str, Any]:
        """Evaluate if that is due; return the record of the epoch and begin the next one."""
        config, state = self.config.training, self.state
        epoch, progress = state.epochs_done, state.epoch
        images = progress.step * config.batch_size
        ratios = keep_ratios(self.config, epoch + (progress.step - 1) / progress.step)
        state.epochs_done += 1
        state.images_seen += images
        record = {
            "epoch": state.epochs_done,
            "step": self.loop.steps_until(state.epochs_done),
            "loss": float(sums[0]) / progress.step,
            "train_top1": 100.0 * int(sums[1]) / images,
            "learning_rate": state.weights.learning_rate,
            "token_keep_ratio": ratios.token,
            "attention_keep_ratio": ratios.attention,
            "mean_patch_keep_ratio": progress.patch_ratio / progress.step,
            "examples_in_play": examples_in_epoch(self.config, len(state.examples.in_play), epoch),
            "examples_updated": progress.updated,
            **epoch_costs(self.config, state, epoch, images),
        }
        state.start_epoch()
        if state.epochs_done % config.evaluate_every == 0 or state.epochs_done == config.epochs:
            with self.clock.part("evaluate"):
                state.accuracies = self._evaluate()
            record |= state.accuracies
        return record

    def _evaluate(self) -> dict[str, float]:
        """Return the accuracies on the test images: of the exported weights, and all others."""
        models = {"float_top1": self.state.model}
        if self.state.average is not None:
            models = {"float_top1": self.state.average.model, "model_top1": self.state.model}
        accuracies: dict[str, float] = {}
        for name, model in models.items():
            use_final_ratios(model)
            batch_size = self.config.training.evaluation_batch_size
            accuracies[name] = top1(model, self.test_images, self.info, batch_size)
        return accuracies

    def _save(self, record: dict[str, Any] | None, sums: Tensor | None = None) -> None:
        """Save the checkpoint, and the record of an epoch that ended with it.

        Args:
            record: of the epoch; ``None`` within one.
            sums: those of the epoch under way, over all processes.
        """
        with self.clock.part("checkpoint"), all_or_none():
            if not self.first:
                return
            if record is not None:
                self.metrics.append(record)
                if self.events is not None:
                    self.events.add(record)
            total = self.state.epoch.sums if sums is None else sums
            save_checkpoint(self.out / "checkpoint", self.state.checkpoint(self.dataset, total))

    def _summarise(self) -> dict[str, Any]:
        timing: dict[str, float] = {}
        rounds = self.config.training.timing_rounds
        if rounds and self.first:
            with self.clock.part("timing"):
                recorder, batch = self.loop.release(), self.loop.sample_batch()
                timing = time_steps(self.state.model, self.config, batch, rounds, recorder)
        return run_summary(
            self.config,
            self.state,
            self.info,
            train_images=len(self.loop.images),
            test_images=len(self.test_images),
            precision=self.precision,
            compiled_shapes=self.loop.compiled_shapes,
            cuda_graphs=self.loop.cuda_graphs,
            waits=self.metrics.totals("data_seconds_by_cause"),
            timing=timing,
        )
