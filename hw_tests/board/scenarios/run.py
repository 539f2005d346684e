"""Runs scenarios in PYNQ's environment: ``python -m board.scenarios.run FOLDER DATA [NAME ...]``.

Each scenario is a process of its own, forked after PYNQ was imported. A line of JSON for each says
what went wrong, or nothing.
"""

from __future__ import annotations

import argparse
import faulthandler
import inspect
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from board.scenarios import faults, rtl, runs
from board.scenarios.bench import Bench

SECONDS = 60


def scenarios() -> dict[str, Callable[[Bench], None]]:
    """Return all scenarios by name."""
    return {
        name.removeprefix("scenario_"): work
        for module in (runs, faults, rtl)
        for name, work in inspect.getmembers(module, inspect.isfunction)
        if name.startswith("scenario_")
    }


def _run(name: str, work: Callable[[Bench], None], folder: Path, data: Path) -> str:
    """Run one scenario in a process of its own; return what went wrong."""
    outcome = folder / f"{name}.txt"
    process = os.fork()
    if process == 0:
        os.setpgid(0, 0)
        faulthandler.dump_traceback_later(SECONDS - 5)
        text = ""
        bench = None
        try:
            bench = Bench(folder / name, data)
            work(bench)
        except BaseException:
            text = traceback.format_exc()
        finally:
            outcome.write_text(text, "utf-8")
            if bench is not None:
                bench.power_off()
            sys.stderr.flush()
            os._exit(0)
    end = time.monotonic() + SECONDS
    while os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if time.monotonic() > end:
            outcome.write_text(f"did not end within {SECONDS} s", "utf-8")
            break
        time.sleep(0.005)
    # With it whatever it started: its board, and others who used that.
    os.killpg(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return outcome.read_text("utf-8") if outcome.is_file() else "ended without a word"


def main() -> None:
    """Run the scenarios that are named, or all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    known = scenarios()
    for name in options.names or known:
        begin = time.perf_counter()
        wrong = _run(name, known[name], options.folder, options.data)
        seconds = round(time.perf_counter() - begin, 2)
        print(json.dumps({"name": name, "wrong": wrong, "seconds": seconds}), flush=True)


if __name__ == "__main__":
    main()
