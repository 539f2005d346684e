"""Mean and spread over the seeds of a study."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

# Student's t, two-sided 95 %, by degrees of freedom; beyond the table the last value is close.
_T95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)


@dataclass(frozen=True)
class Spread:
    """Mean, sample standard deviation (``None`` for one value) and number of values."""

    mean: float
    std: float | None
    n: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Return the spread of at least one value."""
        std = statistics.stdev(values) if len(values) > 1 else None
        return cls(statistics.fmean(values), std, len(values))

    def interval(self) -> float | None:
        """Return half the width of the mean's 95 % confidence interval, by Student's t."""
        if self.std is None:
            return None
        return _T95[min(self.n - 1, len(_T95)) - 1] * self.std / math.sqrt(self.n)
