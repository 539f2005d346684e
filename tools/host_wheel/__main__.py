"""``python -m trivit.tools.host_wheel FOLDER``: what ``make wheel-host`` runs."""

import sys
from pathlib import Path

from trivit.tools.errors import ToolsError
from trivit.tools.host_wheel.build import build_wheel

try:
    print(build_wheel(Path(sys.argv[1] if len(sys.argv) > 1 else "dist")))
except ToolsError as error:
    sys.exit(f"make wheel-host: {error}")
