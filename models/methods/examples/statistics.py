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

    def clear(self) -> None:
        """Forget everything, in place."""
        for values in vars(self).values():
            values.zero_()

    def record(
        self,
        indices_B: Tensor,
        correct_B: Tensor,
        variance_B: Tensor | None = None,
        confidence_B: Tensor | None = None,
        *,
        counted: int | None = None,
        copies: bool = True,
    ) -> None:
        """Count the outcomes of one step, in place and without waiting for the device.

        An example that occurs several times counts once, with the values at its first place. Sums
        of float32 numbers in float64 lose nothing unless they differ by more than 2^29, so they do
        not depend on the order of the steps.

        Args:
            indices_B: positions in the full training set.
            correct_B: bool, the prediction was right.
            variance_B: [CLS] attention variance.
            confidence_B: probability of the right class.
            counted: later presentations than so many neither forget nor learn (``None``: all do).
            copies: an example may occur several times; without, there is less to do.
        """
        index_B, first_B = indices_B, torch.ones_like(correct_B)
        if copies:  # those of an example side by side, in their order
            index_B, order_B = torch.sort(indices_B, stable=True)
            torch.ne(index_B[1:], index_B[:-1], out=first_B[1:])
            correct_B = correct_B[order_B]
            variance_B = None if variance_B is None else variance_B[order_B]
            confidence_B = None if confidence_B is None else confidence_B[order_B]
        counts_B = first_B
        if counted is not None:
            counts_B = first_B & (self.presentations[index_B] < counted)
        was_B = self.was_correct[index_B]
        # Of truth values: a > b is a and not b.
        self.forgotten.index_add_(0, index_B, (counts_B & (was_B > correct_B)).int())
        # As numbers: reductions are not defined on booleans.
        learned = self.learned.view(torch.uint8)
        learned.scatter_reduce_(0, index_B, (counts_B & correct_B).view(torch.uint8), "amax")
        self.presentations.index_add_(0, index_B, first_B.int())
        # Added, so that only an example's first copy changes anything.
        change_B = (correct_B.view(torch.int8) - was_B.view(torch.int8)) * first_B
        self.was_correct.view(torch.int8).index_add_(0, index_B, change_B)
        if variance_B is not None:
            self.variance_sum.index_add_(0, index_B, _of_first(variance_B, first_B, copies))
        if confidence_B is not None:
            confidence_B = _of_first(confidence_B, first_B, copies)
            self.confidence_sum.index_add_(0, index_B, confidence_B)
            self.confidence_square_sum.index_add_(0, index_B, confidence_B.square())


def _of_first(values_B: Tensor, first_B: Tensor, copies: bool) -> Tensor:
    """Return ``values_B`` in float64, 0 for all but an example's first copy."""
    wide_B = values_B.double()
    return wide_B.masked_fill_(~first_B, 0) if copies else wide_B
