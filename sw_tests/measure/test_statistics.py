"""Summaries against definitions, and what settings refuse."""

from __future__ import annotations

import statistics

import numpy as np
import pytest

from trivit.host.backends.session import CycleSource
from trivit.host.errors import HostError
from trivit.host.measure.settings import Settings, usual_settings
from trivit.host.measure.statistics import summarise


@pytest.mark.parametrize("count", [1, 2, 99, 100, 101, 1000])
def test_summary_against_its_definition(count: int) -> None:
    samples = np.random.default_rng(count).gamma(2.0, size=count).tolist()
    found, ordered = summarise(samples), sorted(samples)
    # The smallest sample that at least 99 % of all do not exceed.
    p99 = next(s for i, s in enumerate(ordered, 1) if 100 * i >= 99 * count)
    assert (found.count, found.least, found.p99, found.most) == (
        count,
        ordered[0],
        p99,
        ordered[-1],
    )
    assert found.median == pytest.approx(statistics.median(samples))
    assert found.mean == pytest.approx(statistics.fmean(samples))
    assert found.spread == ordered[-1] - ordered[0]


def test_summary_in_another_unit() -> None:
    assert summarise([3000, 1000]).scaled(1e-3) == summarise([3.0, 1.0])


def test_no_samples() -> None:
    with pytest.raises(HostError, match="at least once"):
        summarise([])


def test_a_simulation_runs_few_jobs() -> None:
    device = usual_settings(CycleSource.device)
    simulated = usual_settings(CycleSource.simulated)
    assert device.repetitions >= 100 and device.stream
    assert (simulated.warm_up, simulated.repetitions, simulated.stream) == (0, 1, 0)


@pytest.mark.parametrize(
    "bad", [{"warm_up": -1}, {"repetitions": 0}, {"stream": -2}, {"batches": (4, 0)}]
)
def test_settings_that_make_no_sense(bad: dict[str, object]) -> None:
    usual = {"warm_up": 0, "repetitions": 1, "batches": (), "stream": 0}
    with pytest.raises(HostError, match="give"):
        Settings(**{**usual, **bad})  # type: ignore[arg-type]
