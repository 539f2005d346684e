"""Error that the ``trivit`` command prints as one line."""


class ToolsError(Exception):
    """A request that cannot be carried out; the message names the value and the remedy."""
