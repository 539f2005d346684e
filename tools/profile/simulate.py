"""Runs one image of a program in simulation and reads where its cycles went."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from trivit.host.bundle import Bundle
from trivit.host.images import preprocess
from trivit.tools.profile.profile import Profile, profile
from trivit.tools.profile.trace import Trace, read_trace
from trivit.tools.simulation.backend import SimulationBackend
from trivit.tools.simulation.simulator_run import SimulationSettings


def simulate(
    bundle: Bundle,
    settings: SimulationSettings,
    progress: Callable[[str], None] | None = None,
) -> tuple[Profile, Trace]:
    """Return the figures and the trace of a black image in the bundle's first program.

    Pixels change nothing but which rows a selector keeps. The trace stays in ``settings.trace``, if
    that is a file.

    Raises:
        ToolsError: the accelerator cannot run the program.
        HostError: the simulator cannot be built, or the program did not end.
    """
    layout = bundle.preprocessing
    image = np.zeros((1, layout.channels, layout.height, layout.width), dtype=np.uint8)
    with tempfile.TemporaryDirectory(prefix="trivit-profile-") as folder:
        lines = settings.trace or Path(folder) / "trace.csv"
        backend = SimulationBackend(replace(settings, trace=lines), progress)
        backend.run_batch(bundle, preprocess(bundle, image))
        assert backend.last is not None
        trace = read_trace(lines).of_job(0)
        return profile(bundle, trace, int(backend.last.cycles[0])), trace
