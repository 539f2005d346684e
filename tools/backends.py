"""All backends by name: those of the host, and the simulation."""

import sys
from functools import partial

from trivit.host.backends import Backend
from trivit.host.backends import open_backend as open_host_backend

SIMULATION = "simulation"


def open_backend(name: str, engine: str = "rtl") -> Backend:
    """Return the backend of this name, ready to run; a simulation prints its progress.

    ``engine`` (rtl or hls) is what a simulation has.

    Raises:
        HostError: an unknown name, or a backend that cannot start on this machine.
    """
    if name == SIMULATION:
        from trivit.host.backends.simulation import SimulationBackend
        from trivit.host.backends.simulator_build import Engine

        progress = partial(print, file=sys.stderr)
        return SimulationBackend(progress=progress, engine=Engine(engine))
    return open_host_backend(name)
