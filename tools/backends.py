"""All backends by name: those of the host, and the simulation."""

import sys
from functools import partial

from trivit.host.backends import Backend, register_backend
from trivit.host.backends import open_backend as open_host_backend

SIMULATION = "simulation"


def register_simulation(engine: str = "rtl") -> None:
    """Let the host's ``open_backend`` know the simulation, which prints its progress.

    ``engine`` (rtl or hls) is what it has.
    """

    def opener() -> Backend:
        from trivit.tools.simulation.backend import SimulationBackend
        from trivit.tools.simulation.simulator_build import Engine

        return SimulationBackend(progress=partial(print, file=sys.stderr), engine=Engine(engine))

    register_backend(SIMULATION, opener)


def open_backend(name: str, engine: str = "rtl") -> Backend:
    """Return the backend of this name, ready to run; ``engine`` is a simulation's.

    Raises:
        HostError: an unknown name, or a backend that cannot start on this machine.
    """
    register_simulation(engine)
    return open_host_backend(name)
