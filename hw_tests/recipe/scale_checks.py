"""Checks of the op `scale` that run in the copied tree: oracle, emulator, fuzzing, scheduler."""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path

import numpy as np
from fuzz import strategy
from fuzz.case import Case
from fuzz.compare import check_case
from fuzz.driver import HERE, Driver
from fuzz.expectation import Oracle
from fuzz.malformed import bent
from fuzz.warm_up import warm_up
from hypothesis import HealthCheck, Phase, given, seed, settings
from programs import random_bundle

from trivit.host.backends.emulator_library import KERNEL_FOLDER
from trivit.host.generated import spec
from trivit.host.instructions import Instruction, decode, encode
from trivit.host.oracle.machine import Machine
from trivit.tools.errors import ToolsError
from trivit.tools.schedule import schedule


def check_oracle() -> None:
    """The oracle rounds half to even what float64 computes exactly."""
    rng = np.random.default_rng(3)
    rows, words, shift = 9, 3, 12
    x = rng.integers(-(1 << 15), 1 << 15, (rows, words * 8)).astype(np.int16)
    factor = rng.integers(-(1 << 13), 1 << 13, words * 8).astype(np.int16)
    program = np.stack(
        [
            encode("load", dst=0, source=words, rows=rows, words=words),
            encode("scale", dst=100, src=0, factor=0, rows=rows, words=words, out_shift=shift),
            encode("store", src=100, target=0, rows=rows, words=words),
        ]
    )
    params = np.concatenate([factor, x.ravel()])
    output, saturations = Machine().run(program, params, np.zeros(0, np.int16), rows * words)
    exact = x.astype(np.float64) * factor / 2**shift
    assert np.abs(exact).max() > 32768
    np.testing.assert_array_equal(
        output.reshape(x.shape), np.clip(np.rint(exact), -32768, 32767).astype(np.int16)
    )
    assert saturations[1] == np.count_nonzero(np.abs(np.rint(exact) + 0.5) > 32768)


def build_driver(folder: Path) -> Path:
    """Compile emulator and driver, without optimisation: that takes a second."""
    binary = folder / "driver"
    sources = [HERE / "driver.cpp", KERNEL_FOLDER / "src/trivit_kernel.cpp"]
    sources.append(KERNEL_FOLDER / "emulator/emulator.cpp")
    includes = [f"-I{KERNEL_FOLDER}", f"-I{KERNEL_FOLDER / 'include'}"]
    flags = ["-std=c++14", "-O0", "-Wno-unknown-pragmas"]
    subprocess.run(["g++", *flags, *includes, *map(str, sources), "-o", str(binary)], check=True)
    return binary


def check_emulator(folder: Path, count: int) -> None:
    """The emulator equals the oracle on drawn programs, and on one bent at all its edges."""
    strategy._CHOICES[:] = [("scale",)]
    start = warm_up()
    shapes: set[tuple[int, int]] = set()
    drawn: list[Case] = []
    with Driver(build_driver(folder), start) as driver:
        oracle = Oracle(start)

        @seed(0)
        @settings(
            max_examples=count,
            deadline=None,
            database=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )
        @given(strategy.cases(most=2))
        def compare(case: Case) -> None:
            shapes.update((d.fields["rows"], d.fields["words"]) for _, d in scales(case))
            drawn.append(case)
            assert check_case(case, driver, oracle).status == 0

        compare()
        assert len(shapes) > count // 4
        case = drawn[-1]
        index, _ = scales(case)[0]
        statuses = {check_case(other, driver, oracle).status for other in bent(case, index)}
    refusals = ("size_limit", "activation_address", "memory_address", "shift_range")
    assert {spec.ERRORS[error] << 24 | index for error in refusals} < statuses


def scales(case: Case) -> list[tuple[int, Instruction]]:
    """Return index and instruction of each `scale` of a case."""
    found = [(index, decode(words)) for index, words in enumerate(case.program)]
    return [(index, d) for index, d in found if d is not None and d.opcode == "scale"]


def check_scheduler() -> None:
    """The accelerator has no unit for the op, and says so."""
    bundle, _ = random_bundle(1)
    program = bundle.program.copy()
    at = next(i for i, words in enumerate(program) if words[0] & 0xFF == 6)
    program[at] = encode("scale", dst=0, src=0, factor=0, rows=1, words=1, out_shift=0)
    try:
        schedule(bundle.with_instructions(program))
    except ToolsError as error:
        assert f"instruction {at} (scale" in str(error), error
        assert "the accelerator cannot run it" in str(error), error
    else:
        raise AssertionError("the scheduler takes an op that it does not know")


def main() -> None:
    """Run all checks."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cases", type=int, default=15)
    arguments = parser.parse_args()
    check_oracle()
    check_scheduler()
    check_emulator(arguments.folder, arguments.cases)
    print("all equal")


if __name__ == "__main__":
    main()
