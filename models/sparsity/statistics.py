"""What training records of each example, on the device and without waiting for it.

Tri-Level, "Attention Aware Example Selector" and "Definition of Example Forgetting"; the
confidence is for the active bias baseline.

Shape suffixes: B presentations of a step.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class ExampleStatistics:
    """What is known of each training example since the last update; N = the full training set.

    Attributes:
        presentations: times seen, int32 (N,).
        forgotten: forgetting events: misclassified after a correct presentation, int32 (N,).
        learned: classified correctly at least once, bool (N,).
        was_correct: outcome of the latest presentation, bool (N,).
        variance_sum: sum of the [CLS] attention variances, float64 (N,).
        confidence_sum: sum of the probabilities given to the right class, float64 (N,).
        confidence_square_sum: sum of their squares, float64 (N,).
    """

    presentations: Tensor
    forgotten: Tensor
    learned: Tensor
    was_correct: Tensor
    variance_sum: Tensor
    confidence_sum: Tensor
    confidence_square_sum: Tensor

    @classmethod
    def zeros(cls, count: int, device: torch.device) -> "ExampleStatistics":
        """Return empty statistics of ``count`` examples."""

        def make(dtype: torch.dtype) -> Tensor:
            return torch.zeros(count, dtype=dtype, device=device)

        return cls(
            presentations=make(torch.int32),
            forgotten=make(torch.int32),
            learned=make(torch.bool),
            was_correct=make(torch.bool),
            variance_sum=make(torch.float64),
            confidence_sum=make(torch.float64),
            confidence_square_sum=make(torch.float64),
        )

    def record(
        self,
        indices_B: Tensor,
        correct_B: Tensor,
        variance_B: Tensor | None = None,
        confidence_B: Tensor | None = None,
    ) -> None:
        """Count a step's presentations, without waiting for the device.

        An example that occurs several times is presented in the order of the batch: each of its
        outcomes is compared with the one before. Sums of float32 numbers in float64 lose nothing
        unless they differ by more than 2^29, so they do not depend on the order either.

        Args:
            indices_B: positions in the full training set.
            correct_B: bool, the prediction was right.
            variance_B: [CLS] attention variance.
            confidence_B: probability of the right class.
        """
        order_B = torch.argsort(indices_B, stable=True)
        index_B, correct_B = indices_B[order_B], correct_B[order_B]
        changes_B = index_B[1:] != index_B[:-1]
        first_B = torch.nn.functional.pad(changes_B, (1, 0), value=True)
        last_B = torch.nn.functional.pad(changes_B, (0, 1), value=True)
        before_B = torch.where(first_B, self.was_correct[index_B], correct_B.roll(1))
        self.presentations.index_add_(0, index_B, torch.ones_like(index_B, dtype=torch.int32))
        self.forgotten.index_add_(0, index_B, (before_B & ~correct_B).int())
        # As numbers: the reduction is not defined on booleans.
        learned = self.learned.view(torch.uint8)
        learned.scatter_reduce_(0, index_B, correct_B.to(torch.uint8), "amax")
        # Where each example's last outcome stands, so that repeated writes write the same.
        place_B = torch.arange(len(index_B), device=index_B.device)
        place_B = torch.where(last_B, place_B, len(index_B)).flip(0).cummin(0).values.flip(0)
        self.was_correct[index_B] = correct_B[place_B]
        if variance_B is not None:
            self.variance_sum.index_add_(0, index_B, variance_B[order_B].double())
        if confidence_B is not None:
            confidence = confidence_B[order_B].double()
            self.confidence_sum.index_add_(0, index_B, confidence)
            self.confidence_square_sum.index_add_(0, index_B, confidence.square())
