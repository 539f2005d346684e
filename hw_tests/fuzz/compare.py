"""Comparison of a case on the kernel with the oracle."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from fuzz.case import Case
from fuzz.driver import Driver, Outcome
from fuzz.expectation import INDEX_RANGE, Expectation, Oracle

#: Where a failing case is saved.
FAILURES = Path(__file__).resolve().parent / "build"


def check_case(case: Case, driver: Driver, oracle: Oracle) -> Expectation:
    """Run a case on both; the kernel must do exactly what the oracle does.

    Where docs/numerics.md leaves values undefined, only the status and the places of writes count.

    Raises:
        AssertionError: the kernel did something else, crashed, hung or left its buffers.
    """
    expected = oracle.run(case)
    actual = driver.run(case)
    if not expected.defined:
        _check_undefined(expected, actual)
        return expected
    assert _name(actual.status) == _name(expected.status)
    np.testing.assert_array_equal(actual.touched, expected.touched, err_msg="words written")
    _check_values(case, expected, actual)
    if case.length <= len(case.program):
        counted = slice(0, case.length)
        np.testing.assert_array_equal(
            actual.saturations[counted], expected.saturations[counted], err_msg="saturations"
        )
        assert not actual.reserved[counted].any(), "reserved bytes of the stats"
    return expected


def _name(status: int) -> tuple[int, int]:
    return status >> 24, status & 0xFFFFFF


def _check_values(case: Case, expected: Expectation, actual: Outcome) -> None:
    written = np.repeat(expected.touched, 8, axis=1)
    wrong = np.flatnonzero(((actual.regions != expected.regions) & written).any(axis=0))
    if len(wrong):
        element = int(wrong[0])
        values = (actual.regions[:, element].tolist(), expected.regions[:, element].tolist())
        raise AssertionError(
            f"{len(wrong)} elements of the output region differ, first word {element // 8} "
            f"element {element % 8}: kernel {values[0]}, oracle {values[1]}"
        )


def _check_undefined(expected: Expectation, actual: Outcome) -> None:
    assert not (actual.touched & ~expected.storable).any(), "words written outside every store"
    if INDEX_RANGE not in (actual.status >> 24, expected.status >> 24):
        assert _name(actual.status) == _name(expected.status)


@contextmanager
def kept_on_failure(case: Case, name: str, *, sanitized: bool = False) -> Iterator[None]:
    """Save the case when the body fails, and say how to run it again.

    Hypothesis runs the smallest failing case last, so that is what the file holds in the end.
    """
    try:
        yield
    except Exception as error:
        path = FAILURES / f"{name}.npz"
        case.save(path)
        command = f"PYTHONPATH=hw_tests python -m fuzz.replay {'--sanitized ' * sanitized}{path}"
        raise AssertionError(
            f"{error}\nThe program:\n{case.listing()}\nTo run it again:\n  {command}"
        ) from error
