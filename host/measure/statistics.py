"""What is said of a series of samples."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trivit.host.errors import HostError


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Least, median, 99th percentile, most and mean of ``count`` samples, in the samples' unit.

    ``p99`` is a sample: the smallest that at least 99 % of all samples do not exceed. Below 100
    samples it is the largest one.
    """

    count: int
    least: float
    median: float
    p99: float
    most: float
    mean: float

    @property
    def spread(self) -> float:
        """Most less least."""
        return self.most - self.least

    def scaled(self, factor: float) -> "Summary":
        """Return the summary of the samples times ``factor``, which is above 0."""
        return Summary(
            count=self.count,
            least=self.least * factor,
            median=self.median * factor,
            p99=self.p99 * factor,
            most=self.most * factor,
            mean=self.mean * factor,
        )


def summarise(samples: Sequence[float]) -> Summary:
    """Return the summary of at least one sample.

    Raises:
        HostError: no sample.
    """
    if len(samples) == 0:
        raise HostError("no samples: measure at least once")
    values = np.asarray(samples, dtype=np.float64)
    return Summary(
        count=len(values),
        least=float(values.min()),
        median=float(np.median(values)),
        p99=float(np.quantile(values, 0.99, method="inverted_cdf")),
        most=float(values.max()),
        mean=float(values.mean()),
    )
