"""Run one saved case: ``PYTHONPATH=hw_tests python -m fuzz.replay [--sanitized] FILE``."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from fuzz.case import Case
from fuzz.compare import check_case
from fuzz.driver import Driver, build_driver
from fuzz.expectation import Oracle
from fuzz.warm_up import warm_up


def main() -> None:
    """Print the program, run it on kernel and oracle, and compare."""
    parser = argparse.ArgumentParser(description="run one saved fuzzing case")
    parser.add_argument("file", type=Path, help="what a failing test has saved")
    parser.add_argument("--sanitized", action="store_true", help="build the kernel with sanitizers")
    arguments = parser.parse_args()
    case = Case.load(arguments.file)
    print(case.listing())
    start = warm_up()
    with tempfile.TemporaryDirectory() as folder:
        binary = build_driver(Path(folder), sanitized=arguments.sanitized)
        with Driver(binary, start) as driver:
            expected = check_case(case, driver, Oracle(start))
    print(f"equal: status {expected.status:#x}, {int(expected.saturations.sum())} saturations")


if __name__ == "__main__":
    main()
