"""Files below a folder, or in a zip file, under one interface."""

import os
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from trivit.models.data.sources.zip_names import ZipMember, read_member, zip_members
from trivit.models.decoding.decode import is_image_name
from trivit.models.errors import ModelsError

HIDDEN = "hidden: the name begins with a dot"
SYSTEM = "folder of an operating system"
_SYSTEM_FOLDERS = frozenset(
    ("__MACOSX", "@eaDir", "lost+found", "$RECYCLE.BIN", "System Volume Information")
)


class Tree(Protocol):
    """Files by their relative names, with ``/`` between folders; ``where`` is the folder or zip."""

    where: str

    @property
    def files(self) -> Mapping[str, str]:
        """What tells a changed file from the old one, by name."""

    @property
    def folders(self) -> frozenset[str]:
        """Names of all folders, empty ones too."""

    @property
    def left_out(self) -> list[tuple[str, str]]:
        """Reason and name of what is there and is not among the files."""

    def read(self, name: str) -> bytes:
        """Return the contents of a file; threads may call it at once."""


def reason_to_leave_out(name: str) -> str | None:
    """Return why a file or folder of this base name is not looked at; ``None``: it is."""
    if name.startswith("."):
        return HIDDEN
    return SYSTEM if name in _SYSTEM_FOLDERS else None


class FolderTree:
    """The files below a folder; links are followed.

    A link to an image that is not there is a file that cannot be read.

    Raises:
        ModelsError: a link leads to a folder that it lies in.
        OSError: a folder cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.where = str(folder)
        self._folder = folder
        self.left_out: list[tuple[str, str]] = []
        self._found: dict[str, str] = {}
        self._folders: set[str] = set()
        self._look(str(folder), "", ())
        self.files = dict(sorted(self._found.items()))
        self.folders = frozenset(self._folders)

    def read(self, name: str) -> bytes:
        """Return the contents of a file."""
        return (self._folder / name).read_bytes()

    def _look(self, folder: str, prefix: str, above: tuple[tuple[int, int], ...]) -> None:
        status = os.stat(folder)
        identity = status.st_dev, status.st_ino
        if identity in above:
            raise ModelsError(f"{folder} is a link to a folder that it lies in: remove it")
        with os.scandir(folder) as entries:
            for entry in entries:
                name = prefix + entry.name
                if reason := reason_to_leave_out(entry.name):
                    self.left_out.append((reason, name))
                elif entry.is_dir():
                    self._folders.add(name)
                    self._look(entry.path, f"{name}/", (*above, identity))
                elif entry.is_file():
                    self._found[name] = str(entry.stat().st_size)
                elif is_image_name(name):
                    self._found[name] = "missing"
                else:
                    self.left_out.append(("link to nothing, or no regular file", name))


class ZipTree:
    """The members of a zip file.

    Raises:
        ModelsError: it is no zip file, a damaged one, or one that cannot be read: protected by a
            password, compressed in a way that Python does not know, or a name twice.
    """

    def __init__(self, path: Path) -> None:
        self.where = str(path)
        self._path = path
        self._own = threading.local()
        self.left_out: list[tuple[str, str]] = []
        self._members: dict[str, ZipMember] = {}
        folders: set[str] = set()
        for name, member in zip_members(path).items():
            parts = name.rstrip("/").split("/")
            hidden = [r for part in parts if (r := reason_to_leave_out(part)) is not None]
            if hidden:
                self.left_out += [(hidden[0], name)] if not member.is_folder else []
                continue
            above = len(parts) if member.is_folder else len(parts) - 1
            folders.update("/".join(parts[:depth]) for depth in range(1, above + 1))
            if not member.is_folder:
                self._members[name] = member
        self.files = {name: self._members[name].token for name in sorted(self._members)}
        self.folders = frozenset(folders)

    def read(self, name: str) -> bytes:
        """Return the contents of a member.

        Raises:
            CorruptImageError: it does not have the checksum that the archive says.
        """
        return read_member(self._path, self._own, self._members[name])


def open_tree(path: Path) -> Tree:
    """Return the files of a folder or of a zip file."""
    return FolderTree(path) if path.is_dir() else ZipTree(path)


class SubTree:
    """The files of ``tree`` below ``prefix`` (ends in ``/``)."""

    def __init__(self, tree: Tree, prefix: str) -> None:
        self._tree, self._prefix = tree, prefix
        self.where = f"{tree.where}/{prefix}".rstrip("/")
        self.files = {
            name.removeprefix(prefix): token
            for name, token in tree.files.items()
            if name.startswith(prefix)
        }
        self.folders = frozenset(_below(tree.folders, prefix))
        self.left_out = [
            (reason, name.removeprefix(prefix))
            for reason, name in tree.left_out
            if name.startswith(prefix)
        ]

    def read(self, name: str) -> bytes:
        """Return the contents of a file."""
        return self._tree.read(self._prefix + name)


def _below(names: Iterable[str], prefix: str) -> Iterable[str]:
    return (name.removeprefix(prefix) for name in names if name.startswith(prefix))


def top_folders(tree: Tree) -> list[str]:
    """Return the names of the topmost folders, empty ones too."""
    return sorted(name for name in tree.folders if "/" not in name)


def loose_images(tree: Tree) -> list[str]:
    """Return the images that lie in none of the folders."""
    return [name for name in tree.files if "/" not in name and is_image_name(name)]
