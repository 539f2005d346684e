"""Named things that are found and not listed: methods, model families.

A module registers what it defines. The first look-up imports every module of the package that the
registry belongs to, so a new method or family is one new file.
"""

import difflib
import importlib
import pkgutil
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from trivit.models.errors import ModelsError

T = TypeVar("T")


def nearest(name: object, known: "list[str] | tuple[str, ...]") -> str:
    """Return the known name that looks most like ``name``, for a message."""
    return difflib.get_close_matches(str(name), known, n=1, cutoff=0.0)[0]


def import_all(package: str) -> None:
    """Import every module of ``package``, in the order of their names."""
    folder = importlib.import_module(package)
    for module in pkgutil.walk_packages(folder.__path__, f"{package}."):
        importlib.import_module(module.name)


class Registry(Generic[T]):
    """Entries by name, those of one package and any that other code adds."""

    def __init__(self, setting: str, package: str) -> None:
        """Create an empty registry.

        Args:
            setting: what chooses among the entries, for messages: ``model.token_score``.
            package: dotted name of the package whose modules register the entries.
        """
        self.setting = setting
        self._package = package
        self._complete = False
        self._entries: dict[str, T] = {}

    def add(self, name: str, entry: T) -> T:
        """Register ``entry`` and return it.

        Raises:
            ValueError: the name is taken.
        """
        if name in self._entries:
            raise ValueError(f"{self.setting}: '{name}' is registered twice")
        self._entries[name] = entry
        return entry

    def register(self, name: str) -> "Callable[[type], type]":
        """Return a class decorator that adds one instance of the class."""

        def add(kind: type) -> type:
            self.add(name, kind())
            return kind

        return add

    def remove(self, name: str) -> None:
        """Forget an entry, as a test does that added one."""
        del self._entries[name]

    def names(self) -> list[str]:
        """Return all names, sorted."""
        self._find()
        return sorted(self._entries)

    def __iter__(self) -> Iterator[T]:
        """Iterate over the entries in the order of their names."""
        return iter([self._entries[name] for name in self.names()])

    def __getitem__(self, name: str) -> T:
        """Return the entry called ``name``.

        Raises:
            ModelsError: there is none.
        """
        if name not in self._entries:
            self._find()
        if name not in self._entries:
            raise ModelsError(
                f"{self.setting} is {name!r}: choose one of {', '.join(self.names())}"
            )
        return self._entries[name]

    def _find(self) -> None:
        if not self._complete:
            self._complete = True
            import_all(self._package)
