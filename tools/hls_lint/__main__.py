"""``python -m trivit.tools.hls_lint [FILE...]``: name what breaks a rule; all blocks by default."""

import sys
from pathlib import Path

from trivit.tools.hls_lint import Source, check

#: The project's root: the lint serves developers, who work in a checkout.
ROOT = Path(__file__).resolve().parents[2]


def block_sources(root: Path = ROOT) -> list[Path]:
    """Return headers and top functions of the HLS blocks."""
    tops = [
        path
        for path in sorted((root / "hls/src").glob("*.cpp"))
        if "trivit/blocks/" in path.read_text(encoding="utf-8")
    ]
    return sorted((root / "hls/include/trivit/blocks").glob("*.hpp")) + tops


def main(arguments: list[str]) -> int:
    """Check files; returns the exit status, 2 when a file cannot be read."""
    found = []
    for path in [Path(argument) for argument in arguments] or block_sources():
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            print(f"{path}: {error.strerror}: name a C++ source", file=sys.stderr)
            return 2
        found += check(Source.of(text, path))
    for finding in found:
        print(finding)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
