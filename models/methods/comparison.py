"""How methods appear in comparisons: the one table that study and benchmark read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class MethodRow:
    """A method as the settings in which it differs from the dense experiment.

    Attributes:
        name: as on the command line.
        level: ``dense``, ``token``, ``attention``, ``example``, ``all`` or ``patches``.
        text: what it is, in a few words.
        settings: nested settings of an experiment, laid over those of a profile or preset.
        priority: rows with a lower number are trained first. Below ``SOME_CLAIM`` a claim of the
            papers rests on the row, so that it gets all the seeds.
        sweep: whether it is also evaluated on a share of the patches.
    """

    name: str
    level: str
    text: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    priority: int = 100
    sweep: bool = False

    @property
    def important(self) -> bool:
        """Whether some claim of the papers rests on it."""
        return self.priority < SOME_CLAIM


SOME_CLAIM = 50
