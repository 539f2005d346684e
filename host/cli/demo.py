"""``trivit-board demo``."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

from trivit.host.backends import Backend
from trivit.host.bundle import Bundle
from trivit.host.cli.backends import add_backend, opened
from trivit.host.demo.classify import classify, shows_kept_tokens
from trivit.host.demo.drawing import timing
from trivit.host.demo.images import (
    Picture,
    Unreadable,
    camera_images,
    check_shape,
    folder_images,
    pillow,
)
from trivit.host.demo.output import Page, Window, has_display
from trivit.host.errors import HostError
from trivit.host.kept_tokens import list_names, patch_size

NAME = "demo"
HELP = (
    "Classify the images of a folder, or a camera's, and draw which tokens are kept: in a window, "
    "or as pictures and a page in a folder."
)
_OUT = Path("trivit-demo")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add bundle, source and output."""
    parser.add_argument("bundle", type=Path, help="program bundle (.trivit)")
    parser.add_argument("folder", type=Path, nargs="?", help="folder of images (needs Pillow)")
    parser.add_argument(
        "--camera", type=int, metavar="N", help="camera number (needs Pillow and OpenCV)"
    )
    add_backend(parser)
    parser.add_argument("--keep", metavar="R|NAME", help="program for this token keep ratio")
    parser.add_argument("--count", type=int, metavar="N", help="end after so many images")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help=f"write pictures and a page there (default without a display: {_OUT})",
    )


def run(arguments: argparse.Namespace) -> int:
    """Show image after image, then print how fast they came; 2 when a file was unreadable."""
    _check(arguments)
    pillow()
    bundle = Bundle.load(arguments.bundle).choose(_ratio_or_name(arguments.keep))
    check_shape(bundle)
    unreadable: list[Unreadable] = []
    pictures = islice(_pictures(arguments, bundle, unreadable), arguments.count)
    with closing(opened(arguments)) as backend:
        _demonstrate(arguments, bundle, backend, pictures, unreadable)
    if unreadable:
        names = f"{len(unreadable)} of the files hold no image"
        raise HostError(f"{names}, the first is {unreadable[0].name} ({unreadable[0].reason})")
    return 0


def _demonstrate(
    arguments: argparse.Namespace,
    bundle: Bundle,
    backend: Backend,
    pictures: Iterator[Picture],
    unreadable: list[Unreadable],
) -> None:
    patch = patch_size(bundle.first)
    output: Page | Window
    if arguments.out is None and has_display() and arguments.camera is not None:
        output = Window(patch)
    else:
        title = f"{arguments.bundle.name}, program {bundle.first.name}, on {backend.name}"
        output = Page(arguments.out or _OUT, title, patch)
    lines: list[str] = []
    try:
        lines += _show(bundle, backend, pictures, output)
    except KeyboardInterrupt:  # how a camera's demo ends
        if arguments.camera is None:
            raise
    finally:
        lines += [f"unreadable: {item.name}: {item.reason}" for item in unreadable]
        output.close(lines)
    for line in lines:
        print(line)
    if isinstance(output, Page):
        print(f"pictures: {output.folder / 'index.html'}")


def _check(arguments: argparse.Namespace) -> None:
    if (arguments.folder is None) == (arguments.camera is None):
        raise HostError("give a folder of images or --camera N, one of the two")
    if arguments.count is not None and arguments.count < 1:
        raise HostError(f"--count {arguments.count}: give at least 1")


def _ratio_or_name(text: str | None) -> str | float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return text


def _pictures(
    arguments: argparse.Namespace, bundle: Bundle, unreadable: list[Unreadable]
) -> Iterator[Picture]:
    if arguments.camera is not None:
        return camera_images(arguments.camera, bundle)
    return _readable(folder_images(arguments.folder, bundle), unreadable)


def _readable(
    found: Iterator[Picture | Unreadable], unreadable: list[Unreadable]
) -> Iterator[Picture]:
    for item in found:
        if isinstance(item, Picture):
            yield item
        else:
            unreadable.append(item)


def _show(
    bundle: Bundle, backend: Backend, pictures: Iterator[Picture], output: Page | Window
) -> list[str]:
    """Show all pictures; return what is said at the end."""
    walls, cycles = [], []
    for seen in classify(bundle, backend, pictures):
        walls.append(seen.wall_ms)
        cycles.append(seen.cycles)
        best, share = seen.classes[0]
        print(f"{seen.picture.name}: {best} {share:.1%}  ({timing(seen)})", flush=True)
        if not output.show(seen):
            break
    lines = []
    if walls:
        mean = sum(walls) / len(walls)
        lines.append(f"{len(walls)} images, {mean:.1f} ms each, {1000 / mean:.1f} images/s")
        if any(cycles):
            lines.append(f"{sum(cycles) // len(cycles):,} cycles an image on {backend.name}")
    if list_names(bundle.first) and not shows_kept_tokens(bundle, backend)[1]:
        line = "no kept tokens drawn: this bundle does not bring them back, compile it with "
        print(f"{line}--kept-tokens", file=sys.stderr)
    return lines
