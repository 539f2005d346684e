"""``python -m trivit.tools.hls_lint [FILE...]``: name what breaks a rule; all blocks by default."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from trivit.tools.errors import ToolsError
from trivit.tools.hls_lint import check
from trivit.tools.hls_lint.parse import INCLUDE, ROOT, included


def block_sources() -> list[Path]:
    """Return the top functions of the HLS blocks, and headers with pragmas that none includes.

    The engine in C++ and its movers are blocks, too.
    """
    folders = [INCLUDE / "trivit" / name for name in ("blocks", "engine")]
    tops = [
        path
        for path in sorted((ROOT / "hls" / "src").glob("*.cpp"))
        if re.search("trivit/(blocks|engine)/", path.read_text(encoding="utf-8"))
    ]
    reached = {file for path in tops for file in included(path)}
    headers = [path for folder in folders for path in sorted(folder.glob("*.hpp"))]
    apart = [path for path in headers if path not in reached]
    return tops + [path for path in apart if "#pragma HLS" in path.read_text(encoding="utf-8")]


def main(arguments: list[str]) -> int:
    """Check files; returns the exit status, 2 when a file cannot be read."""
    paths = [Path(argument) for argument in arguments]
    try:
        found = check(paths or block_sources())
    except (OSError, UnicodeDecodeError) as error:
        print(f"{error}: name a C++ source", file=sys.stderr)
        return 2
    except ToolsError as error:
        print(error, file=sys.stderr)
        return 2
    for finding in found:
        print(finding)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
