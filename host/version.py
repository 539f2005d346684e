"""The project's version; both wheels, ``trivit`` and ``trivit-host``, read it here."""

VERSION = "0.1.0"
