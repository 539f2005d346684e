"""A C++ source as lines without comments and strings."""

import re
from dataclasses import dataclass
from pathlib import Path

_COMMENT_OR_STRING = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A rule that a line breaks; lines count from 1."""

    path: Path
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


@dataclass(frozen=True, kw_only=True)
class Source:
    """``text`` is the file without comments and with empty strings; lines stay where they were."""

    path: Path
    text: str

    @classmethod
    def of(cls, text: str, path: Path = Path("source.cpp")) -> "Source":
        """Return the source of a text."""

        def blank(match: re.Match[str]) -> str:
            found = match.group(0)
            return '""' if found.startswith('"') else "\n" * found.count("\n")

        return cls(path=path, text=_COMMENT_OR_STRING.sub(blank, text))

    def finding(self, offset: int, message: str) -> Finding:
        """Return a finding at an offset of the text."""
        line = self.text.count("\n", 0, offset) + 1
        return Finding(path=self.path, line=line, message=message)
