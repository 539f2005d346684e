"""What is derived: pictures, a table of the host, and parts of pages between two comments.

What stands around those parts is written by hand.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from trivit.tools.document.commands import command_reference
from trivit.tools.document.methods import method_table
from trivit.tools.document.simulated import simulated_table
from trivit.tools.document.structure import structure_picture
from trivit.tools.errors import ToolsError
from trivit.tools.kernel import ROOT

BEGIN = "<!-- derived: python -m trivit.tools.document writes what follows -->"
END = "<!-- derived: end -->"

#: What derives each picture and module, or the part of each page.
DERIVED: Mapping[Path, Callable[[], str]] = {
    ROOT / "docs" / "cli.md": command_reference,
    ROOT / "docs" / "methods.md": method_table,
    ROOT / "docs" / "structure.svg": structure_picture,
    ROOT / "host" / "measure" / "simulated.py": simulated_table,
}


def written(page: Path) -> str:
    """Return the text that ``page``, one of ``DERIVED``, should have.

    Raises:
        ToolsError: a page lacks the two comments.
        OSError: it cannot be read.
    """
    if page.suffix != ".md":
        return DERIVED[page]()
    return with_part(page.read_text(encoding="utf-8"), DERIVED[page](), str(page))


def with_part(text: str, part: str, where: str) -> str:
    """Return ``text`` with ``part`` between its two comments.

    Raises:
        ToolsError: ``text``, which stands in ``where``, does not have them once each, in order.
    """
    found = re.findall(f"{re.escape(BEGIN)}.*?{re.escape(END)}", text, re.DOTALL)
    if len(found) != 1 or text.count(BEGIN) != 1 or text.count(END) != 1:
        raise ToolsError(f"{where} needs '{BEGIN}' and below it '{END}', each once")
    return text.replace(found[0], f"{BEGIN}\n\n{part.strip()}\n\n{END}")
