"""Drawn programs on the compiled kernel, plain and with sanitizers, against the oracle."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from itertools import combinations, pairwise

import pytest
from fuzz.case import Case
from fuzz.compare import check_case, kept_on_failure
from fuzz.corners import CORNERS, LARGE
from fuzz.driver import Driver, build_driver
from fuzz.expectation import Expectation, Oracle
from fuzz.malformed import malformed_cases
from fuzz.strategy import cases
from fuzz.warm_up import warm_up
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from trivit.host.generated import spec
from trivit.host.instructions import decode

#: Another seed draws other cases: TRIVIT_FUZZ_SEED=7 pytest hw_tests/fuzz.
SEED = int(os.environ.get("TRIVIT_FUZZ_SEED", "0"))

#: Instructions that follow each other directly in the programs of models.
NEIGHBOURS = [
    ("attention", "select_tokens"),
    ("select_connections", "matmul"),
    ("patchify", "matmul"),
    ("matmul", "matmul"),
]


@pytest.fixture(scope="module")
def oracle() -> Oracle:
    return Oracle(warm_up())


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    binary = build_driver(tmp_path_factory.mktemp("plain"), sanitized=False)
    with Driver(binary, warm_up()) as driver:
        yield driver


@pytest.fixture(scope="module")
def sanitized(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    binary = build_driver(tmp_path_factory.mktemp("sanitized"), sanitized=True)
    with Driver(binary, warm_up()) as driver:
        yield driver


class Tally:
    """What the cases of a test reached, so that none of them proves less than it seems to."""

    def __init__(self) -> None:
        self.ran: Counter[tuple[str, frozenset[str]]] = Counter()
        self.neighbours: Counter[tuple[str, str]] = Counter()
        self.statuses: Counter[int] = Counter()
        self.saturations = self.undefined = 0

    def add(self, case: Case, expected: Expectation) -> None:
        """Count a case."""
        self.statuses[expected.status >> 24] += 1
        self.saturations += int(expected.saturations.sum())
        self.undefined += not expected.defined
        done = case.length if expected.status == 0 else expected.status & 0xFFFFFF
        ran = [found for words in case.program[:done] if (found := decode(words))]
        self.ran.update((found.opcode, found.flags) for found in ran)
        self.neighbours.update((a.opcode, b.opcode) for a, b in pairwise(ran))


def fuzz(
    strategy: st.SearchStrategy[Case], count: int, driver: Driver, oracle: Oracle, name: str
) -> Tally:
    """Draw ``count`` cases and compare each; the same seed draws the same cases."""
    tally = Tally()

    @seed(SEED)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def compare(case: Case) -> None:
        with kept_on_failure(case, name, sanitized=name.startswith("sanitized")):
            tally.add(case, check_case(case, driver, oracle))

    compare()
    return tally


def assert_everything_ran(tally: Tally) -> None:
    """Every opcode with all that any three of its flags can be, programs with the
    neighbours of models, that saturate, and that are refused.
    """
    for name, opcode in spec.OPCODES.items():
        sets = [flags for opcode_ran, flags in tally.ran if opcode_ran == name]
        for some in combinations(opcode.flags, min(3, len(opcode.flags))):
            assert len({flags.intersection(some) for flags in sets}) == 1 << len(some), (name, some)
    for pair in NEIGHBOURS:
        assert tally.neighbours[pair] > 5, pair
    assert tally.saturations > 1000
    assert tally.statuses[spec.ERRORS["index_range"]] > 0
    assert tally.undefined == 0


def assert_every_refusal(tally: Tally) -> None:
    """Every error code of programs, and programs that ran in spite of the damage."""
    of_the_accelerator = {"read_response", "write_response", "report_count", "aborted"}
    wanted = {code for name, code in spec.ERRORS.items() if name not in of_the_accelerator}
    assert set(tally.statuses) == wanted


def test_programs(plain: Driver, oracle: Oracle) -> None:
    assert_everything_ran(fuzz(cases(), 500, plain, oracle, "programs"))


def test_programs_sanitized(sanitized: Driver, oracle: Oracle) -> None:
    fuzz(cases(), 100, sanitized, oracle, "sanitized_programs")


def test_malformed(plain: Driver, oracle: Oracle) -> None:
    assert_every_refusal(fuzz(malformed_cases(), 500, plain, oracle, "malformed"))


def test_malformed_sanitized(sanitized: Driver, oracle: Oracle) -> None:
    fuzz(malformed_cases(), 100, sanitized, oracle, "sanitized_malformed")


@pytest.mark.full
def test_more_programs(plain: Driver, oracle: Oracle) -> None:
    assert_everything_ran(fuzz(cases(most=8), 2500, plain, oracle, "programs"))


@pytest.mark.full
def test_more_programs_sanitized(sanitized: Driver, oracle: Oracle) -> None:
    assert_everything_ran(fuzz(cases(most=8), 2500, sanitized, oracle, "sanitized_programs"))


@pytest.mark.full
def test_more_malformed(plain: Driver, oracle: Oracle) -> None:
    assert_every_refusal(fuzz(malformed_cases(), 3000, plain, oracle, "malformed"))


@pytest.mark.full
def test_more_malformed_sanitized(sanitized: Driver, oracle: Oracle) -> None:
    assert_every_refusal(fuzz(malformed_cases(), 3000, sanitized, oracle, "sanitized_malformed"))


@pytest.mark.parametrize("name", [*CORNERS, *LARGE])
def test_corner(name: str, plain: Driver, oracle: Oracle) -> None:
    case = {**CORNERS, **LARGE}[name]()
    with kept_on_failure(case, f"corner_{name}"):
        assert check_case(case, plain, oracle).defined


@pytest.mark.parametrize(
    "name", [*CORNERS, *(pytest.param(name, marks=pytest.mark.full) for name in LARGE)]
)
def test_corner_sanitized(name: str, sanitized: Driver, oracle: Oracle) -> None:
    case = {**CORNERS, **LARGE}[name]()
    with kept_on_failure(case, f"corner_{name}", sanitized=True):
        check_case(case, sanitized, oracle)
