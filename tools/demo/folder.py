"""The demo's run folder: marked as the demo's, so that a later demo may replace it."""

import shutil
from pathlib import Path

from trivit.models.file_lock import RUN_LOCK
from trivit.models.files import atomic_write
from trivit.tools.errors import ToolsError

_MARK = "demo.txt"
_TEXT = "Written by `trivit demo`, which replaces this folder's contents when it runs again.\n"


def prepare_folder(out: Path) -> None:
    """Make ``out`` a folder with the demo's mark and its lock alone, removing an earlier demo.

    Raises:
        ToolsError: ``out`` holds something that no demo wrote.
        OSError: it cannot be written.
    """
    there = [path for path in out.iterdir() if path.name != RUN_LOCK] if out.is_dir() else []
    if there:
        if not (out / _MARK).is_file():
            raise ToolsError(
                f"{out} holds something that no demo wrote; name another folder with --out"
            )
        for path in there:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    with atomic_write(out / _MARK) as temporary:
        temporary.write_text(_TEXT, encoding="utf-8")
