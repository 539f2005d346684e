"""The instructions of a program as a network of operations and values."""

from __future__ import annotations

from dataclasses import replace

from trivit.host.bundle import Bundle
from trivit.host.generated.spec import MAX_TOKENS
from trivit.host.instructions import Instruction, decode
from trivit.host.oracle.checks import tensors
from trivit.host.program import TensorInfo
from trivit.host.tiles import row_groups
from trivit.tools.errors import ToolsError
from trivit.tools.schedule.operations import (
    Attention,
    Connect,
    Load,
    Network,
    Norm,
    Operation,
    Product,
    Select,
    Store,
    Value,
)


def read(bundle: Bundle) -> Network:
    """Return what the first program of a bundle computes.

    Raises:
        ToolsError: an instruction that the units do not have, or an order that they cannot follow.
    """
    return _Reader(bundle).network()


class _Reader:
    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.names: dict[int, TensorInfo] = {t.instruction: t for t in bundle.tensors}
        self.memory: dict[int, Value] = {}  # by address
        self.constants: dict[Value, Load] = {}
        self.statistics: list[Value | None] = [None] * MAX_TOKENS
        self.operations: list[Operation] = []
        self.stores: list[Store] = []
        self.patches: tuple[Load, dict[str, int]] | None = None
        self.positions: Load | None = None
        self.cls_row: Load | None = None
        self.lists: list[Value] = []  # of row numbers, in the order in which they are chosen
        self.masks: list[Value] = []  # of connections, likewise; none of them lies in the banks

    def network(self) -> Network:
        for tag, words in enumerate(self.bundle.program):
            instruction = decode(words)
            if instruction is None:
                raise ToolsError(f"instruction {tag} is unknown: compile the program again")
            self._read(tag, instruction)
        if self.patches is None or self.positions is None or self.cls_row is None:
            raise ToolsError(
                "the program does not embed an image (patchify, its product with a residual, then "
                "a load of row 0): the scheduler takes whole networks only"
            )
        patches, image = self.patches
        first = self.operations[0]
        assert isinstance(first, Product)
        positions = replace(self.positions, rows=self.positions.value.rows)
        patches = replace(patches, rows=patches.value.rows)
        first.loads = (positions, patches)
        return Network(self.operations, self.stores, patches, positions, self.cls_row, image)

    def _read(self, tag: int, instruction: Instruction) -> None:
        f = instruction.fields
        embedded = bool(self.operations) and self.cls_row is None
        if embedded and instruction.opcode != "load":
            raise self._refusal(tag, instruction, "needs the constant row 0 loaded before")
        match instruction.opcode:
            case "load":
                self._load(tag, instruction)
            case "store":
                value = self._find(tag, instruction, "src")
                if value in self.masks:
                    raise self._refusal(
                        tag, instruction, f"stores '{value.name}', which never lies in the banks"
                    )
                value.stored = True
                self.stores.append(Store(tag, value, f["target"]))
            case "patchify":
                if self.operations or self.patches or f["source"]:
                    raise self._refusal(tag, instruction, "must come first and once, at word 0")
                self.patches = Load(tag, self._new(tag, instruction), 0, first_row=1), f
            case "matmul":
                self.operations.append(self._product(tag, instruction))
            case "attention":
                self.operations.append(self._attention(tag, instruction))
            case "select_tokens":
                self._select(tag, instruction)
            case "select_connections":
                self._connect(tag, instruction)
            case _:
                raise self._refusal(tag, instruction, "has no unit that computes it")

    def _load(self, tag: int, instruction: Instruction) -> None:
        f = instruction.fields
        product = self.operations[0] if self.operations else None
        if product is not None and self.cls_row is None:
            output = product.output
            if self.memory.get(f["dst"]) is output and (f["rows"], f["words"]) == (1, output.words):
                self.cls_row = Load(tag, output, f["source"])
                self._name(output, tag)
                if "statistics" in instruction.flags:
                    self.statistics[0] = output
                return
        if product is not None:
            raise self._refusal(tag, instruction, "is no part of the patch embedding")
        value = self._new(tag, instruction)
        self.constants[value] = Load(tag, value, f["source"])

    def _product(self, tag: int, instruction: Instruction) -> Product:
        f, flags = instruction.fields, instruction.flags
        source = self._find(tag, instruction, "src")
        residual = self._find(tag, instruction, "residual") if "residual" in flags else None
        if not self.operations:
            return self._embedding(tag, instruction, source, residual)
        kept = self._kept(tag, instruction) if "compact" in flags else None
        norm = None
        if "normalise" in flags:
            if any(known is not source for known in self.statistics[: f["rows"]]):
                raise self._refusal(
                    tag, instruction, "normalises rows by other rows' sums, the units by their own"
                )
            rows = replace(
                source, name=f"rows of instruction {tag}", rows=f["rows"], named=False, first=0
            )
            rows.stored = False
            norm = Norm(source, rows)
            source = rows
        output = self._new(tag, instruction)
        if "statistics" in flags:
            self.statistics[: output.rows] = [output] * output.rows
        return Product(
            tag,
            f,
            flags,
            source,
            output,
            f["rows"],
            residual,
            norm,
            kept,
            gelu="gelu" in flags,
        )

    def _embedding(
        self, tag: int, instruction: Instruction, source: Value, residual: Value | None
    ) -> Product:
        f, flags = instruction.fields, instruction.flags
        if (
            self.patches is None
            or source is not self.patches[0].value
            or residual is None
            or residual not in self.constants
            or residual.rows != f["rows"]
            or not flags <= {"residual", "statistics"}
            or f["rows"] != source.rows
        ):
            raise self._refusal(
                tag, instruction, "must be the product of the patches with a loaded residual"
            )
        positions = self.constants[residual]
        # Row 0 of the v4 product is computed and overwritten there; here it does not exist.
        source.rows = residual.rows = f["rows"] - 1
        self.positions = replace(positions, source=positions.source + f["out_words"], first_row=1)
        output = self._new(tag, instruction)
        if "statistics" in flags:
            self.statistics[: output.rows] = [output] * output.rows
        return Product(tag, f, flags, source, output, source.rows, residual, first_row=1)

    def _attention(self, tag: int, instruction: Instruction) -> Attention:
        if "mask" in instruction.flags:
            mask = self._find(tag, instruction, "mask")
            if not self.masks or mask is not self.masks[-1]:
                raise self._refusal(
                    tag, instruction, f"sees keys by '{mask.name}', which is not the last choice"
                )
        source = self._find(tag, instruction, "src")
        output = self._new(tag, instruction)
        attention = Attention(tag, instruction.fields, source, output, instruction.flags)
        output.first = (attention.heads - 1) * row_groups(attention.rows)
        return attention

    def _select(self, tag: int, instruction: Instruction) -> None:
        f = instruction.fields
        attention = self._last_attention()
        scored = attention is not None and attention.flags & {"score_cls", "score_all"}
        if attention is None or not scored or attention.select is not None:
            raise self._refusal(tag, instruction, "must choose by the last attention, and once")
        if attention.fields["tokens"] != f["tokens"]:
            raise self._refusal(tag, instruction, "must choose among all tokens of its attention")
        output = self._new(tag, instruction)
        output.writer = self.operations.index(attention)  # beside it, wherever this one stands
        attention.select = Select(tag, output, f["tokens"], f["keep"])
        self.lists.append(output)

    def _connect(self, tag: int, instruction: Instruction) -> None:
        f = instruction.fields
        index = self._find(tag, instruction, "index")
        attention = self._last_attention()
        select = None if attention is None else attention.select
        if attention is None or select is None or index is not select.output:
            raise self._refusal(
                tag, instruction, "must choose by the last attention, for the tokens that it chose"
            )
        if attention.connect is not None or "score_all" not in attention.flags:
            raise self._refusal(tag, instruction, "must choose by sums of all rows, and once")
        if (f["tokens"], f["rows"]) != (select.tokens, select.keep + 1):
            raise self._refusal(tag, instruction, "chooses for other rows than the list names")
        mask = self._new(tag, instruction)
        attention.connect = Connect(tag, mask, f["rows"], f["keep"])
        self.masks.append(mask)

    def _last_attention(self) -> Attention | None:
        found = (o for o in reversed(self.operations) if isinstance(o, Attention))
        return next(found, None)

    def _kept(self, tag: int, instruction: Instruction) -> Value:
        value = self._find(tag, instruction, "index")
        if not self.lists or value is not self.lists[-1]:
            raise self._refusal(tag, instruction, "drops rows by a list that is not the last one")
        select = next(
            o.select
            for o in reversed(self.operations)
            if isinstance(o, Attention) and o.select is not None
        )
        if instruction.fields["kept"] != select.keep + 1:
            raise self._refusal(tag, instruction, "keeps other rows than the list names")
        return value

    def _find(self, tag: int, instruction: Instruction, field: str) -> Value:
        address, rows, words = tensors(instruction)[field]
        value = self.memory.get(address)
        if value is None or value.words != words or value.rows < rows:
            raise self._refusal(
                tag, instruction, f"reads {field} at {address}, which no instruction wrote as such"
            )
        loaded = value in self.constants or (self.patches and value is self.patches[0].value)
        if loaded and (self.operations or instruction.opcode != "matmul"):
            raise self._refusal(tag, instruction, f"reads '{value.name}', which is loaded")
        what = "list" if value in self.lists else "mask" if value in self.masks else None
        fits = {"list": "index", "mask": "mask", None: field}[what]
        if field != fits and instruction.opcode != "store":
            raise self._refusal(tag, instruction, f"reads the {what} '{value.name}' as a matrix")
        return value

    def _new(self, tag: int, instruction: Instruction) -> Value:
        address, rows, words = tensors(instruction)["dst"]
        end = address + row_groups(rows) * words
        for start, other in list(self.memory.items()):
            if start < end and address < start + row_groups(other.rows) * other.words:
                del self.memory[start]
        value = Value(f"result of instruction {tag}", rows, words, len(self.operations), tag)
        self._name(value, tag)
        self.memory[address] = value
        return value

    def _name(self, value: Value, tag: int) -> None:
        info = self.names.get(tag)
        if info is not None:
            value.name, value.columns, value.named = info.name, info.columns, True
        value.instruction = tag

    def _refusal(self, tag: int, instruction: Instruction, why: str) -> ToolsError:
        info = self.names.get(tag)
        name = "" if info is None else f" for '{info.name}'"
        return ToolsError(
            f"instruction {tag} ({instruction.opcode}{name}) {why}: the accelerator cannot run "
            "it; use the present one, or compile a model without it"
        )
