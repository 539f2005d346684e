"""What a program computes, in single assignment: values, and the operations of the engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from trivit.host.generated.spec import TILE_TOKENS


@dataclass(eq=False)
class Value:
    """A tensor that is written once, of ``rows`` rows of ``words`` memory words.

    ``writer`` is the number of the operation that writes it or, for rows that are loaded or chosen,
    beside which that happens. Row group g is complete when ``first`` + g + 1 are counted: heads
    count on. ``instruction`` is the v4 instruction that wrote it last; ``named``: the bundle names
    it; ``stored``: a store brings it to DDR.
    """

    name: str
    rows: int
    words: int
    writer: int
    instruction: int
    named: bool = False
    columns: int = 0
    first: int = 0
    stored: bool = False


@dataclass(eq=False)
class Norm:
    """Layer normalisation of a product's source; ``result`` are the rows that the product reads."""

    source: Value
    result: Value


@dataclass(frozen=True)
class Thirds:
    """Some words of each third of a row of ``of`` words: from word ``first`` of the third on."""

    first: int
    of: int


@dataclass(eq=False)
class Reload:
    """Rows of ``value`` that are loaded from DDR, behind all stores so far.

    ``pieces`` were stored there, with the word of a row that the first of each is. ``behind``: the
    operation that wrote the last one; everything that it read has been read when the rows come.
    """

    value: Value
    pieces: list[tuple[Value, int]]
    behind: int = 0

    @property
    def last(self) -> Value:
        """What was stored last: with these rows its place in the banks is free."""
        return self.pieces[-1][0]


@dataclass(eq=False)
class Product:
    """A matrix product with weights from DDR; ``fields`` and ``flags`` of its v4 instruction.

    ``source`` are the rows that the engine multiplies (normalised ones, if there is a ``norm``).
    ``first_row`` is the row of ``output`` that the first result goes to; ``kept`` names the rows
    that are written at all.

    A piece of a product (tiling.py) takes ``rows`` rows from row group ``reads_from`` of its source
    (of what is normalised, if there is a ``norm``); its residual and result begin at row group
    ``writes_from``, and one that does not ``complete`` the result has others behind it. ``thirds``:
    the columns of some heads alone. ``reload``: its source comes back from DDR. ``loads``: its
    residual and source are loaded.
    """

    tag: int
    fields: dict[str, int]
    flags: frozenset[str]
    source: Value
    output: Value
    rows: int
    residual: Value | None = None
    norm: Norm | None = None
    kept: Value | None = None
    first_row: int = 0
    gelu: bool = False
    reads_from: int = 0
    writes_from: int = 0
    completes: bool = True
    thirds: Thirds | None = None
    reload: Reload | None = None
    loads: tuple[Load, ...] = ()

    @property
    def streams(self) -> bool:
        """Whether somebody else than the engine writes the result."""
        return self.gelu or self.kept is not None or self.first_row > 0

    def reads(self) -> list[Value]:
        """Return what the engine reads."""
        return [self.source] if self.residual is None else [self.source, self.residual]

    def reads_last(self, value: Value) -> bool:
        """Return whether the last row of ``value``, which is read, is among those that are."""
        if value is self.residual:
            first = self.writes_from
        elif self.norm is not None and value is self.norm.result:
            first = 0
        else:
            first = self.reads_from
        return first * TILE_TOKENS + self.rows == value.rows


@dataclass(eq=False)
class Select:
    """The choice of tokens by an attention; ``output`` is the list of rows."""

    tag: int
    output: Value
    tokens: int
    keep: int


@dataclass(eq=False)
class Connect:
    """The choice of connections by an attention: ``keep`` keys for each of ``kept`` rows."""

    tag: int
    mask: Value
    kept: int
    keep: int


@dataclass(eq=False)
class Attention:
    """Heads of an attention; ``probabilities`` is the ring of row groups between its steps.

    ``flags`` of its v4 instruction; with a mask it sees the keys of the last choice of connections.
    ``bias``, if there is one, holds what is added to the scores of some heads, in turn.
    A piece has the heads from ``first_head`` on, of ``all_heads`` (0: these are all); ``fields``
    count its own. The choices are those by all heads. ``apart``: the output has these heads alone.
    """

    tag: int
    fields: dict[str, int]
    source: Value
    output: Value
    flags: frozenset[str] = frozenset()
    select: Select | None = None
    connect: Connect | None = None
    first_head: int = 0
    all_heads: int = 0
    apart: bool = False
    probabilities: Value = field(init=False)
    bias: Value | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.all_heads = self.all_heads or self.heads

    @property
    def rows(self) -> int:
        """Queries and keys."""
        return self.fields["tokens"]

    @property
    def heads(self) -> int:
        """Number of heads."""
        return self.fields["heads"]

    @property
    def begins(self) -> bool:
        """Whether no heads come before these."""
        return self.first_head == 0

    @property
    def completes(self) -> bool:
        """Whether no heads come behind these."""
        return self.first_head + self.heads == self.all_heads

    def reads(self) -> list[Value]:
        """Return what the engine reads."""
        return [self.source]

    def reads_last(self, value: Value) -> bool:
        """Return whether the last row of ``value``, which is read, is among those that are."""
        return self.rows == value.rows


@dataclass(eq=False)
class Load:
    """Rows that are in DDR: a constant at word ``source`` of the parameters, or patches.

    Row ``first_row`` of the v4 tensor is the first of the ``rows`` there; ``begin``: the first one
    that is loaded (of a piece).
    """

    tag: int
    value: Value
    source: int
    first_row: int = 0
    rows: int = 0
    begin: int = 0


@dataclass(eq=False)
class Store:
    """A value that goes to word ``target`` of the output region, or waits behind it (no target)."""

    tag: int
    value: Value
    target: int | None


Operation: TypeAlias = Product | Attention


@dataclass(eq=False)
class Network:
    """A whole program. ``image`` are the fields of its patchify; operation 0 embeds the patches.

    ``cls_row`` is the word of the parameters where the constant row 0 of the tokens lies.
    """

    operations: list[Operation]
    stores: list[Store]
    patches: Load
    positions: Load
    cls_row: Load
    image: dict[str, int]
