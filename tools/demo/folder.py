"""The demo's run folder: marked as the demo's, so that a later demo may replace it."""

import shutil
from pathlib import Path

from trivit.models.files import atomic_write
from trivit.tools.errors import ToolsError

_MARK = "demo.txt"
_TEXT = "Written by `trivit demo`, which replaces this folder's contents when it runs again.\n"


def prepare_folder(out: Path) -> None:
    """Make ``out`` an empty folder with the demo's mark, removing an earlier demo.

    Raises:
        ToolsError: ``out`` holds something that no demo wrote.
        OSError: it cannot be written.
    """
    if out.exists() and not out.is_dir():
        raise ToolsError(f"{out} is a file; name a folder with --out")
    if out.is_dir() and any(out.iterdir()):
        if not (out / _MARK).is_file():
            raise ToolsError(
                f"{out} holds something that no demo wrote; name another folder with --out"
            )
        shutil.rmtree(out)
    with atomic_write(out / _MARK) as temporary:
        temporary.write_text(_TEXT, encoding="utf-8")
