"""Checks and notebooks on PYNQ's own code, with a simulated board behind its device.

Runs in PYNQ's environment, in a process of its own:
``python -m sw_tests.hostcli.on_pynq FOLDER NOTEBOOK ...``. FOLDER/data/model.trivit is the bundle
whose jobs the board knows.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from board.scenarios.bench import Bench

from sw_tests.hostcli import fake_board, notebook_runner
from trivit.host.check import system
from trivit.host.cli import check
from trivit.host.cli.main import main


def pretend_linux(root: Path) -> None:
    """Let checks see the files of a ZCU102's Linux, which the simulated board does not have."""
    fake_board.zcu102(root)
    check.ROOT = root
    system.platform.machine = lambda: "aarch64"


def run(folder: Path, notebooks: list[Path]) -> None:
    """Run the notebooks on the board, and a check while another process has it."""
    pretend_linux(folder / "linux")
    bench = Bench(folder / "bench", folder / "data")
    os.environ["TRIVIT_BACKEND"] = "board"
    bench.power_on("emulator")
    try:
        for notebook in notebooks:
            print(f"== {notebook.name}", flush=True)
            notebook_runner.execute(notebook)
        print("== in use", flush=True)
        backend = bench.backend()
        sys.stdout.flush()
        other = bench.user(lambda: sys.exit(main(["check"])))
        print("status", os.waitstatus_to_exitcode(os.waitpid(other, 0)[1]), flush=True)
        backend.close()
        print("== another bitstream", flush=True)
        bench.bit.with_suffix(".hwh").unlink()
        print("status", main(["check"]), flush=True)
    finally:
        bench.power_off()


if __name__ == "__main__":
    run(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
