"""Error that a user can act on."""


class ModelsError(Exception):
    """A request that cannot be carried out; the message names the value and the remedy."""
