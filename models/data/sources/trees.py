"""Files below a folder, or in a zip file, under one interface."""

import os
import threading
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from trivit.models.data.decode import CorruptImageError
from trivit.models.errors import ModelsError


class Tree(Protocol):
    """Files by their relative names, with ``/`` between folders; ``where`` is the folder or zip."""

    where: str

    @property
    def files(self) -> Mapping[str, str]:
        """What tells a changed file from the old one, by name."""

    def read(self, name: str) -> bytes:
        """Return the contents of a file; threads may call it at once."""


class FolderTree:
    """The files below a folder; links are followed."""

    def __init__(self, folder: Path) -> None:
        self.where = str(folder)
        self._folder = folder
        self.files = dict(sorted(_sizes(str(folder), "")))

    def read(self, name: str) -> bytes:
        """Return the contents of a file."""
        return (self._folder / name).read_bytes()


def _sizes(folder: str, prefix: str) -> list[tuple[str, str]]:
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                found += _sizes(entry.path, f"{prefix}{entry.name}/")
            elif entry.is_file():
                found.append((prefix + entry.name, str(entry.stat().st_size)))
    return found


class ZipTree:
    """The members of a zip file.

    Raises:
        ModelsError: it is no zip file, or a damaged one.
    """

    def __init__(self, path: Path) -> None:
        self.where = str(path)
        self._path = path
        self._own = threading.local()
        try:
            with zipfile.ZipFile(path) as archive:
                members = [m for m in archive.infolist() if not m.is_dir()]
        except (OSError, zipfile.BadZipFile) as error:
            raise ModelsError(f"cannot read {path} ({error}): fetch it again") from None
        self.files = {
            m.filename: f"{m.file_size}/{m.CRC:08x}"
            for m in sorted(members, key=lambda m: m.filename)
            if not any(p.startswith((".", "__MACOSX")) for p in m.filename.split("/"))
        }

    def read(self, name: str) -> bytes:
        """Return the contents of a member.

        Raises:
            CorruptImageError: it does not have the checksum that the archive says.
        """
        archive = getattr(self._own, "archive", None)
        if archive is None:  # one for each thread: a shared one reads one member at a time
            archive = self._own.archive = zipfile.ZipFile(self._path)
        try:
            return archive.read(name)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise CorruptImageError(str(error)) from None


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

    def read(self, name: str) -> bytes:
        """Return the contents of a file."""
        return self._tree.read(self._prefix + name)


def top_folders(tree: Tree) -> list[str]:
    """Return the names of the topmost folders."""
    return sorted({name.split("/", 1)[0] for name in tree.files if "/" in name})


def inside_single_folders(tree: Tree, known: set[str]) -> Tree:
    """Enter the only topmost folder, as archives often have one, again and again.

    Stops at a folder that is named in ``known`` or that holds files itself.
    """
    while True:
        folders = top_folders(tree)
        if len(folders) != 1 or folders[0] in known or any("/" not in n for n in tree.files):
            return tree
        inner = SubTree(tree, f"{folders[0]}/")
        if not top_folders(inner):
            return tree
        tree = inner
