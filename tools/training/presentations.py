"""Which example each step shows: an order for each epoch, over the examples in play."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from trivit.host.training.session import StepResult
from trivit.models.methods.examples.method import ExampleConfig
from trivit.models.methods.examples.selector import ExampleSelector
from trivit.models.settings import Compat
from trivit.tools.training.epochs import Epochs
from trivit.tools.training.records import Records


class Presentations:
    """The example of each step, and what the example level learns from the steps.

    An epoch is a permutation of its own, drawn from seed and epoch, of the examples in play. The
    example level is that of training in PyTorch (:class:`ExampleSelector`), fed with what the
    device returns: the logits, of which the host makes the flag "correct" and the confidence, and
    the moments of the [CLS] attention.
    """

    def __init__(
        self,
        seed: int,
        labels: NDArray[np.int64],
        examples: ExampleConfig | None = None,
        compat: Compat = "paper",
        by_variance: bool = False,
        records: Records | None = None,
    ) -> None:
        """Order ``labels``' examples.

        Args:
            seed: of the orders and of the example level's draws.
            labels: of all training examples, (N,).
            examples: the example level's settings; ``None``: all are in play, always.
            compat: where paper and released code differ.
            by_variance: steps tell of the [CLS] attention, which orders equal examples.
            records: gets a line for each update.
        """
        self.epochs = Epochs(len(labels), examples)
        self._seed, self._records = seed, records
        self._correction = int(compat == "code")
        self._epoch = -1
        self._order: NDArray[np.int64] = np.empty(0, np.int64)
        self._count = len(labels)
        self._selector: ExampleSelector | None = None
        if examples is not None:
            self._selector = ExampleSelector(
                examples,
                len(labels),
                seed,
                torch.device("cpu"),
                compat,
                labels=torch.from_numpy(labels),
                by_variance=by_variance,
                copies=False,
            )

    def __getitem__(self, step: int) -> int:
        """Return the number of the example of a step; a step that begins an epoch may update."""
        epoch, place = self.epochs.place(step)
        if epoch != self._epoch:
            self._start(epoch, step)
        return int(self._order[place])

    @property
    def in_play(self) -> int:
        """Examples of the epoch."""
        return len(self._order)

    def record(self, example: int, label: int, result: StepResult) -> None:
        """Tell the example level how an example did."""
        selector = self._selector
        if selector is None or not selector.active:
            return
        correct = int(result.logits.argmax()) == label
        variance = confidence = None
        if selector.wants_variance and result.class_attention is not None:
            variance = torch.tensor(
                [result.class_attention.variance(self._correction)], dtype=torch.float64
            )
        if selector.wants_confidence:
            shifted = np.exp(result.logits - result.logits.max())
            confidence = torch.tensor([shifted[label] / shifted.sum()], dtype=torch.float64)
        selector.record(torch.tensor([example]), torch.tensor([correct]), variance, confidence)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return what a resumed run needs; nothing where all examples are in play."""
        if self._selector is None:
            return {}
        state = {name: value.numpy() for name, value in self._selector.state_dict().items()}
        return {**state, "epoch": np.array(self._epoch)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Undo :meth:`state`."""
        if self._selector is None:
            return
        tensors = {n: torch.from_numpy(v.copy()) for n, v in state.items() if n != "epoch"}
        self._selector.load_state_dict(tensors)
        self._draw(int(state["epoch"]))

    def _start(self, epoch: int, step: int) -> None:
        selector = self._selector
        if selector is not None:
            before = selector.in_play.clone()
            if selector.start_epoch(epoch) and self._records is not None:
                removed = torch.nonzero(before & ~selector.in_play).squeeze(1)
                restored = torch.nonzero(selector.in_play & ~before).squeeze(1)
                self._records.append(
                    {
                        "step": step + 1,
                        "epoch": epoch,
                        "update": selector.updates_done,
                        "in_play": int(selector.in_play.sum()),
                        "removed": len(removed),
                        "restored": len(restored),
                        "removed_examples": removed.tolist(),
                        "restored_examples": restored.tolist(),
                    }
                )
        self._draw(epoch)

    def _draw(self, epoch: int) -> None:
        self._epoch = epoch
        if epoch < 0:
            return
        present = np.arange(self._count)
        if self._selector is not None:
            present = self._selector.examples().numpy()
        generator = np.random.default_rng([self._seed, epoch])
        self._order = present[generator.permutation(len(present))]
