"""Sample reports of ``trivit board latency``, by simulation, of models with random weights.

`make latency-samples` writes docs/benchmarks/latency/MODEL/latency.{json,svg,html}.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from simulator import ROOT

from trivit.host.bundle import Bundle
from trivit.host.cli.main import main
from trivit.models.families import model_config
from trivit.tools.backends import SIMULATION, register_simulation
from trivit.tools.compiler.named import untrained_program
from trivit.tools.schedule import with_commands

SAMPLES = ROOT / "docs" / "benchmarks" / "latency"
#: Programs by name and token keep ratio.
PROGRAMS = {"dense": 1.0, "keep_0.7": 0.7}
#: Models, and the options that their sizes have time for.
MODELS = {
    "micro_28": ("--random", "2", "--repetitions", "4"),
    "deit_tiny": ("--random", "1"),
}


def untrained_bundle(model: str) -> Bundle:
    """Return the programs of a model over the same random weights."""
    bundles = [
        untrained_program(model_config(model, token_keep_ratio=keep), model, seed=0)
        for keep in PROGRAMS.values()
    ]
    programs = tuple(
        replace(bundle.first, name=name) for name, bundle in zip(PROGRAMS, bundles, strict=True)
    )
    return with_commands(replace(bundles[0], programs=programs))


def write_samples() -> int:
    """Write all; return the exit status of the first that failed."""
    register_simulation()
    for model, options in MODELS.items():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{model}.trivit"
            path.write_bytes(untrained_bundle(model).to_bytes())
            words = [str(path), "--backend", SIMULATION, *options, "--out", str(SAMPLES / model)]
            status = main(["latency", *words], "trivit board")
        if status:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(write_samples())
