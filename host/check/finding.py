"""One line of a check."""

from dataclasses import asdict, dataclass
from enum import Enum


class State(str, Enum):
    """How a check ended."""

    ok = "ok"
    warning = "warning"
    failed = "failed"
    skipped = "skipped"


@dataclass(frozen=True)
class Finding:
    """What was looked at, what was found, and what to do about that ("" where nothing is)."""

    name: str
    state: State
    text: str
    remedy: str = ""

    def describe(self) -> dict[str, str]:
        """Return it for JSON."""
        return {**asdict(self), "state": self.state.value}

    def line(self) -> str:
        """Return it for people."""
        remedy = f"; {self.remedy}" if self.remedy else ""
        return f"{self.state.value:8} {self.name:13} {self.text}{remedy}"
