"""``python -m trivit.tools.cli``: the same as ``trivit``."""

import sys

from trivit.tools.cli.main import main

sys.exit(main())
