from collections.abc import Callable
from pathlib import Path

import pytest

from trivit.tools.hls_lint import check

Lint = Callable[[str], list[str]]


@pytest.fixture
def lint(tmp_path: Path) -> Lint:
    """Return a function from a source to what the lint says, as ``LINE: MESSAGE``."""

    def messages(text: str) -> list[str]:
        source = tmp_path / "example.cpp"
        source.write_text("#include <hls_stream.h>\n" + text)
        found = check([source])
        assert all(finding.path == source.resolve() for finding in found)
        return [f"{finding.line - 1}: {finding.message}" for finding in found]

    return messages
