"""``python -m trivit.tools.kernel [--check]``: write the generated files or name the stale."""

import sys

from trivit.tools.errors import ToolsError
from trivit.tools.kernel.generate import stale, write


def main(arguments: list[str]) -> int:
    """Run the generator; with ``--check`` only compare. Returns the exit status."""
    if arguments not in ([], ["--check"]):
        print("usage: python -m trivit.tools.kernel [--check]", file=sys.stderr)
        return 2
    try:
        paths = stale() if arguments else write()
    except ToolsError as error:
        print(error, file=sys.stderr)
        return 2
    for path in paths:
        print(f"{path} is stale: run python -m trivit.tools.kernel" if arguments else path)
    return 1 if arguments and paths else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
