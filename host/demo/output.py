"""Where the demo's pictures go: a folder with a page, or a window."""

import html
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from trivit.host.demo.classify import Seen
from trivit.host.demo.drawing import draw, timing
from trivit.host.demo.images import open_cv
from trivit.host.errors import HostError

PAGE = "index.html"
_STYLE = (
    "body{font:15px sans-serif;margin:2em;max-width:72em}figure{margin:0 0 2em}"
    "img{max-width:100%;border:1px solid #ccc}"
)
WINDOW = "trivit"
_KEYS = (ord("q"), 27)  # q, Escape


def has_display() -> bool:
    """Return whether a window could open."""
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


@dataclass
class Page:
    """A folder that gets a PNG for each image, and a page over all of them at the end.

    Files are written under a temporary name and renamed; a folder that holds other files is
    refused.
    """

    folder: Path
    title: str
    patch: int
    _figures: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.folder.exists() and not self.folder.is_dir():
            raise HostError(f"{self.folder} is no folder: name another one with --out")
        if self.folder.is_dir() and any(self.folder.iterdir()) and not self._page.is_file():
            raise HostError(
                f"{self.folder} holds files that no demo wrote: name another folder with --out"
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        for old in (self._page, *self.folder.glob("image-*.png")):
            old.unlink(missing_ok=True)

    @property
    def _page(self) -> Path:
        return self.folder / PAGE

    def show(self, seen: Seen) -> bool:
        """Write a picture; return True, for a page never asks to end."""
        name = f"image-{len(self._figures):05d}.png"
        temporary = self.folder / f".{name}"
        draw(seen, self.patch).save(temporary, format="PNG")
        temporary.replace(self.folder / name)
        caption = ", ".join(f"{c} {share:.1%}" for c, share in seen.classes)
        text = f"{seen.picture.name}: {caption}. {timing(seen)}"
        self._figures.append(
            f'<figure><img src="{name}" alt=""><figcaption>{html.escape(text)}'
            "</figcaption></figure>"
        )
        return True

    def close(self, lines: Iterable[str] = ()) -> None:
        """Write the page; ``lines`` stand above the pictures."""
        notes = "".join(f"<p>{html.escape(line)}</p>\n" for line in lines)
        title = html.escape(self.title)
        temporary = self.folder / f".{PAGE}"
        temporary.write_text(
            f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{title}</title>\n'
            f"<style>{_STYLE}</style>\n<h1>{title}</h1>\n{notes}"
            + "\n".join(self._figures)
            + "\n</html>\n",
            encoding="utf-8",
        )
        temporary.replace(self._page)


@dataclass
class Window:
    """A window of OpenCV; q or Escape ends the demo."""

    patch: int
    delay_ms: int = 1
    _cv2: Any = field(default_factory=open_cv)

    def show(self, seen: Seen) -> bool:
        """Show a picture; return whether to go on.

        Raises:
            HostError: this OpenCV has no windows.
        """
        picture = np.asarray(draw(seen, self.patch))
        try:
            self._cv2.imshow(WINDOW, self._cv2.cvtColor(picture, self._cv2.COLOR_RGB2BGR))
            key = self._cv2.waitKey(self.delay_ms) & 0xFF
        except self._cv2.error as error:
            raise HostError(
                "this OpenCV opens no windows (opencv-python-headless?): name a folder with --out"
            ) from error
        return key not in _KEYS

    def close(self, lines: Iterable[str] = ()) -> None:
        """Close the window."""
        self._cv2.destroyAllWindows()
