"""What training records of each example, on the device and without waiting for it.

Tri-Level, "Attention Aware Example Selector" and "Definition of Example Forgetting"; the
confidence is for the active bias baseline.

An example has one outcome in a step. A forgetting event compares its outcomes of two steps, between
which the weights have moved. Where repeated augmentation shows copies of an example within a step,
the first of them in the batch counts: the batch of all processes, so that their number does not
matter.

Shape suffixes: B presentations of a step.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

# Of how many presentations since an update the released code counts events ("code").
COUNTED_PRESENTATIONS = 30


@dataclass
class ExampleStatistics:
    """What is known of each training example since the last update; N = the full training set.

    Attributes:
        presentations: steps that showed it, int32 (N,).
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
        *,
        counted: int | None = None,
    ) -> None:
        """Count the outcomes of one step, without waiting for the device.

        An example that occurs several times counts once, with the values at its first place. Sums
        of float32 numbers in float64 lose nothing unless they differ by more than 2^29, so they do
        not depend on the order of the steps.

        Args:
            indices_B: positions in the full training set.
            correct_B: bool, the prediction was right.
            variance_B: [CLS] attention variance.
            confidence_B: probability of the right class.
            counted: later presentations than so many neither forget nor learn (``None``: all do).
        """
        order_B = torch.argsort(indices_B, stable=True)
        index_B, correct_B = indices_B[order_B], correct_B[order_B]
        changes_B = index_B[1:] != index_B[:-1]
        first_B = torch.nn.functional.pad(changes_B, (1, 0), value=True)
        counts_B = first_B
        if counted is not None:
            counts_B = first_B & (self.presentations[index_B] < counted)
        self.forgotten.index_add_(
            0, index_B, (counts_B & self.was_correct[index_B] & ~correct_B).int()
        )
        # As numbers: the reduction is not defined on booleans.
        learned = self.learned.view(torch.uint8)
        learned.scatter_reduce_(0, index_B, (counts_B & correct_B).to(torch.uint8), "amax")
        self.presentations.index_add_(0, index_B, first_B.int())
        # Where each example's first copy stands, so that repeated writes write the same.
        place_B = torch.arange(len(index_B), device=index_B.device)
        place_B = torch.where(first_B, place_B, 0).cummax(0).values
        self.was_correct[index_B] = correct_B[place_B]
        if variance_B is not None:
            variance = variance_B[order_B].double().masked_fill(~first_B, 0)
            self.variance_sum.index_add_(0, index_B, variance)
        if confidence_B is not None:
            confidence = confidence_B[order_B].double().masked_fill(~first_B, 0)
            self.confidence_sum.index_add_(0, index_B, confidence)
            self.confidence_square_sum.index_add_(0, index_B, confidence.square())
