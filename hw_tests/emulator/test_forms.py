"""Every form of the emulator that this machine can run, against the oracle: same integers."""

from __future__ import annotations

import platform
from collections.abc import Iterator

import numpy as np
import pytest
from fuzz.case import Case
from fuzz.compare import check_case
from fuzz.corners import CORNERS, LARGE
from fuzz.driver import Driver, build_driver
from fuzz.expectation import Expectation, Oracle
from fuzz.warm_up import warm_up
from programs import Shape, random_bundle

from trivit.host.backends import open_backend
from trivit.host.backends.emulator import EmulatorBackend
from trivit.host.bundle import Bundle
from trivit.host.errors import HostError
from trivit.host.generated import spec
from trivit.host.images import preprocess

#: Processors as g++ names them, and what their vectors are called. This machine's own, which all
#: other tests run, may have more instructions of the same width.
FORMS = {
    "x86_64": {"x86-64": "plain", "x86-64-v3": "AVX2", "x86-64-v4": "AVX-512", "native": ""},
    "aarch64": {"armv8-a": "NEON"},
}.get(platform.machine(), {"native": "plain"})

#: Corners of the array and of what follows it: the largest sums, both signs, every rounding.
NAMES = [
    *(name for name in CORNERS if name.startswith(("matmul", "attention", "normalise", "foreign"))),
    *("compact_all_but_one", "connections_far_apart", "patchify_row", "patchify_large_patch"),
    *("matmul_one_row", "chain_of_three_groups"),
]
SHAPES = [
    Shape(),
    Shape(channels=3, grid=5, patch=7, heads=3, head_words=9, hidden_words=70, keep=19, classes=70),
    Shape(grid=8, patch=3, heads=5, head_words=3, hidden_words=129, keep=33, connections=20),
]


class Remembered(Oracle):
    """An oracle that executes a case once for all forms."""

    def __init__(self) -> None:
        super().__init__(warm_up())
        self._known: dict[int, Expectation] = {}

    def run(self, case: Case) -> Expectation:
        """Return the case's expectation."""
        if id(case) not in self._known:
            self._known[id(case)] = super().run(case)
        return self._known[id(case)]


@pytest.fixture(scope="module")
def oracle() -> Oracle:
    return Remembered()


@pytest.fixture(scope="module")
def cases() -> dict[str, Case]:
    return {name: {**CORNERS, **LARGE}[name]() for name in NAMES}


@pytest.fixture(scope="module")
def programs() -> list[tuple[Bundle, np.ndarray, np.ndarray, np.ndarray]]:
    """Bundles, input regions, and the oracle's output regions and saturations."""
    found = []
    for seed, shape in enumerate(SHAPES):
        bundle, images = random_bundle(seed, shape)
        inputs = preprocess(bundle, images[:1])
        expected = open_backend("reference").run_batch(bundle, inputs)
        found.append((bundle, inputs, expected.regions, expected.saturations))
    return found


@pytest.fixture(scope="module", params=FORMS)
def march(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def emulator(march: str) -> EmulatorBackend:
    try:
        return EmulatorBackend(march)
    except HostError as error:
        if "cannot run" not in str(error):
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def driver(
    emulator: EmulatorBackend, march: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Driver]:
    binary = build_driver(tmp_path_factory.mktemp("driver"), sanitized=False, march=march)
    with Driver(binary, warm_up()) as driver:
        yield driver


def test_the_form_is_the_processors(emulator: EmulatorBackend, march: str) -> None:
    assert emulator.form is not None
    assert emulator.form.startswith(FORMS[march])
    assert emulator.form.endswith(f"(-march={march})")


def test_programs(
    emulator: EmulatorBackend, programs: list[tuple[Bundle, np.ndarray, np.ndarray, np.ndarray]]
) -> None:
    """Every opcode; rows, keys and depths that fill no vector, and sums of more than one block."""
    for bundle, inputs, regions, saturations in programs:
        used = {int(words[0]) & 255 for words in bundle.program}
        assert used == {opcode.code for opcode in spec.OPCODES.values()}
        actual = emulator.run_batch(bundle, inputs)
        np.testing.assert_array_equal(actual.regions, regions)
        np.testing.assert_array_equal(actual.saturations, saturations)


@pytest.mark.parametrize("name", NAMES)
def test_corners(name: str, driver: Driver, oracle: Oracle, cases: dict[str, Case]) -> None:
    assert check_case(cases[name], driver, oracle).defined
