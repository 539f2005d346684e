"""What can run a program bundle; all backends agree bit for bit."""

from trivit.host.backends.base import Backend, Result, open_backend

__all__ = ["Backend", "Result", "open_backend"]
