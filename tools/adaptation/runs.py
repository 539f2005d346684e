"""The trainings of an adaptation, one by one; what is finished is not done again."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trivit.host.backends import open_backend
from trivit.host.bundle import Bundle
from trivit.host.training.backends import TrainingBackend, open_training_backend
from trivit.host.training.bundle import TrainingBundle
from trivit.host.training.session import TrainingSession
from trivit.host.training.snapshot import transplanted
from trivit.host.training.update_sets import UpdateSet, update_set
from trivit.models.files import atomic_write
from trivit.tools.adaptation.images import Domain, Pixels
from trivit.tools.adaptation.settings import AdaptationSettings
from trivit.tools.training.inference import inference_bundle
from trivit.tools.training.loop import CHECKPOINT, LabelledImages, run

RESULT, PROGRAM = "result.json", "program.trivit"
_BATCH = 64


@dataclass(frozen=True)
class Training:
    """One training: a set of parameters, on images of one domain, from one seed."""

    domain: Domain
    update: UpdateSet
    seed: int
    folder: Path

    @property
    def result(self) -> dict[str, Any] | None:
        """What the finished training has said, or None."""
        path = self.folder / RESULT
        return json.loads(path.read_text("utf-8")) if path.is_file() else None


def plan(
    domains: Sequence[Domain], updates: Sequence[UpdateSet], seeds: int, out: Path
) -> list[Training]:
    """Return the trainings, seed by seed, so that an early end has compared all sets."""
    return [
        Training(
            domain,
            update,
            seed,
            out / domain.name.replace("=", "-") / f"{update}-{seed}",
        )
        for seed in range(seeds)
        for domain in domains
        for update in updates
    ]


class Device:
    """Trains and classifies on one backend.

    Args:
        qonnx: export that the programs were derived from.
        backend: name of a backend that trains and infers.

    Raises:
        HostError: it cannot start on this machine.
    """

    def __init__(self, qonnx: Path, backend: str) -> None:
        self._qonnx = qonnx
        self._training: TrainingBackend = open_training_backend(backend)
        self._inference = open_backend(backend)

    def session(
        self, bundle: TrainingBundle, settings: AdaptationSettings, seed: int = 0
    ) -> TrainingSession:
        """Return a session that starts from a bundle."""
        return TrainingSession(
            bundle.program, bundle.masters, self._training, settings.updates(), seed=seed
        )

    def program(self, bundle: TrainingBundle, session: TrainingSession) -> Bundle:
        """Return the bundle that infers with the session's weights."""
        return inference_bundle(self._qonnx, bundle, session)

    def top1(self, program: Bundle, images: Pixels) -> float:
        """Return the percentage of images whose largest logit is their label's."""
        right = 0
        for start in range(0, len(images.labels), _BATCH):
            batch = slice(start, start + _BATCH)
            logits = self._inference.run(program, images.pixels[batch]).logits
            right += int((logits.argmax(1) == images.labels[batch]).sum())
        return 100.0 * right / len(images.labels)


class Adaptation:
    """Carries out trainings; accuracies before them are measured once for each start."""

    def __init__(self, device: Device, settings: AdaptationSettings) -> None:
        self._device, self._settings = device, settings
        self._before: dict[tuple[str, int], dict[str, float]] = {}

    def carry_out(self, trainings: Sequence[Training]) -> Iterator[dict[str, Any]]:
        """Yield the result of each training, in order, doing those that have none.

        Raises:
            HostError: the folder holds another run's checkpoint.
            ToolsError: the loss diverges or there are no gradients; what is finished stays.
            OSError: a file cannot be written.
        """
        for training in trainings:
            result = training.result
            yield self._train(training) if result is None else result

    def _train(self, training: Training) -> dict[str, Any]:
        domain, settings = training.domain, self._settings
        start = domain.start(training.seed)
        before = self._accuracies_before(domain, start, training.seed)
        bundle = update_set(start, training.update)
        session = self._device.session(bundle, settings, training.seed)
        images = domain.training(training.seed)
        begun = time.process_time()
        resume = (training.folder / CHECKPOINT).is_file()
        figures = run(
            session,
            bundle,
            LabelledImages(bundle.images(images.pixels), images.labels),
            settings.loop(training.update, training.seed),
            f"{domain.name} of {domain.dataset.info.name}",
            training.folder,
            resume,
        )
        seconds = time.process_time() - begun
        program = self._device.program(bundle, session)
        after = self._accuracies(domain, program, bundle, session)
        with atomic_write(training.folder / PROGRAM) as temporary:
            temporary.write_bytes(program.to_bytes())
        result: dict[str, Any] = {
            "shift": domain.name,
            "update": training.update,
            "seed": training.seed,
            "before": before,
            "after": after,
            "steps": session.steps,
            # A resumed training took some of its steps in another process.
            "processor_ms_a_step": None if resume else 1e3 * seconds / session.steps,
            **{name: figures[name] for name in ("first_loss", "last_loss") if name in figures},
        }
        with atomic_write(training.folder / RESULT) as temporary:
            temporary.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
        return result

    def _accuracies_before(
        self, domain: Domain, start: TrainingBundle, seed: int
    ) -> dict[str, float]:
        # Only a new classifier depends on the seed.
        key = domain.name, seed if domain.own_head else 0
        if key not in self._before:
            session = self._device.session(start, self._settings)
            program = self._device.program(start, session)
            self._before[key] = self._accuracies(domain, program, start, session)
        return self._before[key]

    def _accuracies(
        self, domain: Domain, program: Bundle, bundle: TrainingBundle, session: TrainingSession
    ) -> dict[str, float]:
        original = program
        if domain.own_head:
            # The old classes by their old classifier, on what the training has made of the rest.
            kept = transplanted(domain.original, session, but=domain.own_head)
            original = self._device.program(kept, self._device.session(kept, self._settings))
        return {
            "shifted_top1": self._device.top1(program, domain.test),
            "original_top1": self._device.top1(original, domain.original_test),
        }
