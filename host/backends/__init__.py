"""What can run a program bundle; all backends agree bit for bit."""

from trivit.host.backends.base import Backend, Result
from trivit.host.backends.registry import backend_names, open_backend, register_backend

__all__ = ["Backend", "Result", "backend_names", "open_backend", "register_backend"]
