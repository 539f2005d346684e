"""The self test: a small program over all units, against the oracle."""

import time
from pathlib import Path

import numpy as np

from trivit.host.backends import Backend
from trivit.host.backends.reference import ReferenceBackend
from trivit.host.bundle import Bundle
from trivit.host.check.finding import Finding, State
from trivit.host.errors import HostError

#: Written by ``python -m trivit.tools.self_test`` from the schedule of the present kernel.
BUNDLE = Path(__file__).with_name("self_test.trivit")
_IMAGES = 3
_SEED = 7


def load_self_test() -> Bundle:
    """Return the program of the self test.

    Raises:
        HostError: it is missing, or of another kernel than this package.
    """
    try:
        return Bundle.load(BUNDLE)
    except HostError as error:
        raise HostError(
            f"{error}; a checkout writes this file by `python -m trivit.tools.self_test`, "
            "elsewhere install trivit-host again"
        ) from error


def self_test_images(bundle: Bundle) -> np.ndarray:
    """Return random images for it, uint8 (3, C, H, W)."""
    layout = bundle.preprocessing
    shape = (_IMAGES, layout.channels, layout.height, layout.width)
    return np.random.default_rng(_SEED).integers(0, 256, shape).astype(np.uint8)


def self_test(backend: Backend) -> Finding:
    """Run the program and compare every output of every image with the oracle's, bit for bit."""
    bundle = load_self_test()
    images = self_test_images(bundle)
    expected = ReferenceBackend().run(bundle, images)
    begin = time.perf_counter()
    try:
        result = backend.run(bundle, images)
    except HostError as error:
        return Finding("self test", State.failed, str(error), "mend what failed above, then repeat")
    seconds = time.perf_counter() - begin
    pairs = {"logits": (expected.logits, result.logits)}
    pairs |= {name: (right, result.tensors[name]) for name, right in expected.tensors.items()}
    differing = [
        f"{name} ({int((right != given).sum())} of {right.size} values)"
        for name, (right, given) in pairs.items()
        if not np.array_equal(right, given)
    ]
    if differing:
        return Finding(
            "self test",
            State.failed,
            f"{backend.name} differs from the oracle: {', '.join(differing)}",
            "the device computes wrongly: see slack_ns in the bitstream's trivit.json, power the "
            "board off and on, and report it with `check --json` if it stays",
        )
    values = sum(right.size for right, _ in pairs.values())
    cycles = int(result.cycles.sum()) // len(images)
    counted = f", {cycles} cycles an image" if cycles else ""
    return Finding(
        "self test",
        State.ok,
        f"{values} values of {len(images)} images equal the oracle's on {backend.name}"
        f"{counted}, {seconds:.2f} s",
    )
