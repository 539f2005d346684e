"""Which command touches which value in the banks, and from when on another may take its place.

Time is counted in products: the engine takes them in order, and it is the engine that knows who has
read what. A value lives from the product that feeds its first writer to the first one that begins
behind all readers, as far as the commands tell that.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from trivit.host.tiles import row_groups
from trivit.tools.training.schedule.listing import SOFTMAX, Draft
from trivit.tools.training.schedule.values import Value

FOREVER = 1 << 30
_READS = {
    "engine": ("source", "residual"),
    "row_reader": ("source", "second", "third"),
    "store": ("source",),
}
_WRITERS = ("row_writer", "softmax_writer", "norm_writer", "load")


@dataclass(eq=False)
class Life:
    """A value from product ``first`` on until product ``end`` begins."""

    value: Value
    first: int = FOREVER
    end: int = 0
    read: set[int] = field(default_factory=set)  # row groups
    written: set[int] = field(default_factory=set)  # not by loads, which tell when they end
    news: list[Life] = field(default_factory=list)  # read before anybody made this value
    readers: int = 0  # of whom nobody knows yet

    @property
    def words(self) -> int:
        """Words of a bank."""
        return self.value.groups * self.value.words

    def meets(self, other: Life) -> bool:
        """Whether both live at the same time."""
        return self.first < other.end and other.first < self.end


@dataclass(frozen=True)
class Access:
    """Row groups of a value that a field of a command points at."""

    name: str
    life: Life
    groups: range
    writes: bool = False


class Lives:
    """The lives of all values, from the commands alone."""

    def __init__(self, values: Sequence[Value], drafts: Sequence[Draft]) -> None:
        self._starts = [value.address for value in values]
        self.lives = [Life(value) for value in values]
        self._fenced: list[Life] = []  # stored before the last fence that brings words
        self._stored: list[Life] = []
        self._product = self._scores = self._loaded = 0
        self._placed: list[Access] = []
        self._tokens = self._announced(drafts, "announce_reader")
        self._loads = self._announced(drafts, "announce_load")
        self._reading: tuple[int, list[Life]] = (0, [])
        for draft in drafts:
            self._follow(draft)
        for life in self.lives:
            if life.readers or not life.written <= life.read:
                life.end = FOREVER

    def accesses(self, draft: Draft) -> Iterator[Access]:
        """Yield what a command reads and writes in the banks."""
        f = draft.fields
        for name in _READS.get(draft.unit, ()):
            if name in f:
                yield self._access(draft, name, writes=False)
        writes = draft.unit in _WRITERS or bool(f.get("to_banks"))
        if writes and "target" in f:
            yield self._access(draft, "target", writes=True)

    def _access(self, draft: Draft, name: str, writes: bool) -> Access:
        f, address = draft.fields, draft.fields[name]
        life = self.lives[bisect_right(self._starts, address) - 1]
        offset = address - life.value.address
        first = offset // life.value.stride
        count = row_groups(f.get("first_row", 0) + f.get("kept", f.get("rows", 1)))
        if draft.unit == "softmax_writer":
            count *= f["heads"]
        elif f.get("list"):
            count = 1
        if name == "source" and draft.unit == "engine":
            if f.get("place"):
                count = f["depth_words"] if f.get("transposed") else f["out_words"]
            elif f.get("transposed"):
                count = f["depth_words"]
            elif not f["source_stride"]:
                count = 1
        groups = range(first, first + count)
        assert 0 <= offset < life.words and groups.stop <= life.value.groups, (draft, life.value)
        return Access(name, life, groups, writes)

    @staticmethod
    def _announced(drafts: Sequence[Draft], name: str) -> Iterator[int]:
        products = (d for d in drafts if d.unit == "engine" and not d.fields.get("place"))
        return iter([n for n, draft in enumerate(products) if draft.fields.get(name)])

    def _follow(self, draft: Draft) -> None:
        accesses, f = list(self.accesses(draft)), draft.fields
        if draft.unit == "engine":
            if f.get("place"):
                self._placed += accesses
                return
            for access in accesses:
                if access.writes:
                    self._write(access, self._product)
            for access in (*accesses, *self._placed):
                if not access.writes:
                    self._seen(access)
            self._placed = []
            if f.get("stream") == SOFTMAX:
                self._scores = self._product
            self._product += 1
        elif draft.unit == "row_reader":
            self._reading = next(self._tokens), self._wait(accesses)
        elif draft.unit == "norm_writer":
            product, read = self._reading
            self._write(accesses[0], product)
            accesses[0].life.news += read + self._fenced
            self._reading, self._fenced = (product, []), []
        elif draft.unit == "store":
            self._stored += self._wait(accesses)
        elif draft.unit == "move_rows" and f.get("fenced") and not f.get("update"):
            self._fenced += self._stored
            self._stored = []
        elif draft.unit == "load" and not f.get("vectors"):
            life = accesses[0].life
            if f.get("announced"):
                self._loaded = next(self._loads)
            life.first = min(life.first, self._loaded)  # loads are made in order
            life.news += self._fenced
            self._fenced = []
        elif draft.unit in ("row_writer", "softmax_writer"):
            self._write(accesses[0], self._scores if f.get("list") else self._product)

    @staticmethod
    def _wait(accesses: Sequence[Access]) -> list[Life]:
        for access in accesses:
            access.life.read.update(access.groups)
            access.life.readers += 1
        return [access.life for access in accesses]

    @staticmethod
    def _write(access: Access, product: int) -> None:
        access.life.first = min(access.life.first, product)
        access.life.written.update(access.groups)

    def _seen(self, access: Access) -> None:
        """Note what the engine reads, and what it learns by the last row group."""
        life = access.life
        life.read.update(access.groups)
        life.end = max(life.end, self._product + 1)
        if access.groups.stop == life.value.groups:
            for read in life.news:
                read.readers -= 1
                read.end = max(read.end, self._product + 1)
            life.news = []


def arrange(lives: Sequence[Life]) -> tuple[dict[Life, int], int]:
    """Return an address for each value, none where another is that lives at the same time.

    Returns:
        Addresses, and the words that a bank must have. Of a few orders the best is taken.
    """
    used = [life for life in lives if life.first < FOREVER]
    orders = (
        sorted(used, key=lambda life: (-life.words, life.first)),
        sorted(used, key=lambda life: (life.first - life.end) * life.words),
        sorted(used, key=lambda life: (life.first, -life.words)),
        sorted(used, key=lambda life: (life.first - life.end, -life.words)),
    )
    return min((_first_fit(order) for order in orders), key=lambda found: found[1])


def _first_fit(order: Sequence[Life]) -> tuple[dict[Life, int], int]:
    addresses: dict[Life, int] = {}
    for life in order:
        taken = sorted((addresses[o], o.words) for o in addresses if life.meets(o))
        address = 0
        for start, words in taken:
            if address + life.words <= start:
                break
            address = max(address, start + words)
        addresses[life] = address
    return addresses, max((a + life.words for life, a in addresses.items()), default=0)


def settle(values: Sequence[Value], drafts: Sequence[Draft]) -> int:
    """Give all values addresses in the banks, in all commands; return the words a bank needs."""
    lives = Lives(values, drafts)
    addresses, words = arrange(lives.lives)
    moved: dict[tuple[Draft, str], int] = defaultdict(int)
    for draft in drafts:
        for access in lives.accesses(draft):
            moved[draft, access.name] = addresses[access.life] - access.life.value.address
    for (draft, name), distance in moved.items():
        draft.fields[name] += distance
    return words
