"""What waits in DDR: stored behind the last reader of forward, brought back where backward reads.

Everything is told by products of one tile and row group, `pulse`, which announce a store or a load
or wait for what was brought. So nothing else in a step knows of it.
"""

from __future__ import annotations

from dataclasses import replace

from trivit.host.generated.spec import PARAM_PORTS, TILE_TOKENS
from trivit.host.tiles import depth_words
from trivit.tools.training.schedule.context import Context, operand, placement, target
from trivit.tools.training.schedule.embedding import SHIFTED, ZERO
from trivit.tools.training.schedule.listing import ALL_PORTS, IMAGES, OUTPUT, PLANES
from trivit.tools.training.schedule.stored import Stored
from trivit.tools.training.schedule.values import Value

#: Ops whose results may wait: who has read them tells that they are complete.
_MAKERS = ("product", "cls_row", "normalise", "attention", "gelu", "gather")
#: What reads complete values without a slot of its own.
_COMPLETE_READERS = ("normalise_backward", "gelu_backward")


def plan(c: Context, last_block: bool) -> None:
    """Decide what waits: all that backward reads, or all but what the last block makes."""
    first = max((i for i, o in enumerate(c.operations) if o.opcode == "attention"), default=0)
    for index, operation in enumerate(c.operations):
        if operation.phase != "forward":
            continue
        # Queries, keys and values come in front of the attention, normalised rows before them.
        if index >= first - 2 and not last_block:
            continue
        if operation.opcode == "attention":
            c.waiting.again.add(operation.operands["probs"].tensor)
        if operation.opcode in _MAKERS:
            name = operation.operands["dst"].tensor
            backward = any(c.operations[i].phase == "backward" for i in _reads(c, name))
            ends = c.waiting.ends.setdefault(_last_reader(c, name, index), [])
            # [CLS] and the patches make rows of one tensor.
            if backward and c.tensors[name].rows > TILE_TOKENS and name not in ends:
                ends.append(name)


def _reads(c: Context, name: str) -> list[int]:
    return [
        i
        for i, o in enumerate(c.operations)
        if any(n != "dst" and v.tensor == name for n, v in o.operands.items())
    ]


def _last_reader(c: Context, name: str, index: int) -> int:
    """Return the op of forward behind whose commands the engine knows all readers to be done."""
    last = index
    for reader in _reads(c, name):
        operation = c.operations[reader]
        if operation.phase != "forward":
            continue
        if operation.opcode in ("normalise", "gelu", "gather"):
            reader = _last_reader(c, operation.operands["dst"].tensor, reader)
        last = max(last, reader)
    return last


def pulse(c: Context, watched: Value | None = None, **fields: int) -> None:
    """Append a product of one word that waits for a value's last row group, or announces."""
    zero = c.values[ZERO]
    seen = zero if watched is None else watched
    seen = seen.columns(0, 1).from_group(seen.groups - 1, seen.last_rows)
    nowhere = c.values.get("pulse") or c.banks.place("pulse", TILE_TOKENS, 1)
    c.values["pulse"] = nowhere
    c.listing.add("engine", c.index, **placement(zero, by_depth=False))
    c.listing.add(
        "engine", c.index, **operand(seen), **target(nowhere, claim=False), **fields
    )  # fmt: skip


def announced_load(c: Context, value: Value, base: int, stored: Stored, fenced: bool) -> None:
    """Append the load of rows into a place whose old readers the engine knows, and wait for it."""
    pulse(c, clear_slot=value.slot, announce_load=1)
    _load(c, value, base, stored, fenced, rows=value.rows, slot=value.slot, complete=1, announced=1)
    pulse(c, value)


def _load(c: Context, value: Value, base: int, stored: Stored, fenced: bool, **fields: int) -> None:
    c.listing.add(
        "move_rows", c.index, base=base, ports=ALL_PORTS, words=stored.segment,
        address=stored.address, port_stride=stored.segment if base != PLANES else 0,
        fenced=int(fenced),
    )  # fmt: skip
    c.listing.add(
        "load", c.index, words=value.words, target=value.address, target_stride=value.stride,
        **fields,
    )  # fmt: skip


def shifted_patches(c: Context) -> str:
    """Bring the patches again, from row 1 on behind a row of zeros, for their weight's gradient."""
    spec = c.tensors[c.operations[0].operands["dst"].tensor]
    words, slot = depth_words(spec.columns), c.slots.take(SHIFTED)
    value = c.banks.place(SHIFTED, spec.rows, words, slot)
    value.brought = True
    pulse(c, clear_slot=slot, announce_load=1)
    _load(c, value, PLANES, Stored(c.ddr.zeros, 1, words), False, rows=1, announced=1)
    patches = Stored(0, spec.rows - 1, words)
    _load(c, value, IMAGES, patches, False, rows=patches.rows, first_row=1, slot=slot, complete=1)
    pulse(c, value)
    c.values[SHIFTED] = value
    c.hold(slot, c.index)
    return SHIFTED


def store_finished(c: Context) -> None:
    """Store what the op at work was the last one of forward to read."""
    for name in c.waiting.ends.get(c.index, []):
        value = c.values.pop(name)
        stored = Stored(c.waiting.words, value.rows, value.words)
        c.waiting.stored[name] = stored
        c.waiting.words += PARAM_PORTS * stored.segment
        c.waiting.unknown = True
        pulse(c, announce_store=1)
        c.listing.add(
            "move_store", c.index, base=OUTPUT, ports=ALL_PORTS, words=stored.segment,
            address=stored.address, port_stride=stored.segment,
        )  # fmt: skip
        c.listing.add(
            "store", c.index, spread=1, rows=value.rows, words=value.words, source=value.address,
            source_stride=value.stride,
        )  # fmt: skip


def receipt(c: Context) -> None:
    """Wait until all that was stored so far has left the banks."""
    if not c.waiting.unknown:
        return
    c.waiting.unknown = False
    slot = c.slots.take("a receipt")
    value = c.banks.place("a receipt", 1, 1, slot)
    announced_load(c, value, PLANES, Stored(c.ddr.zeros, 1, 1), fenced=True)
    c.slots.release(slot)


def bring(c: Context) -> None:
    """Bring back what the op at work, or one that stands with it, reads."""
    for name in _wanted(c):
        stored = c.waiting.stored.pop(name, None)
        if stored is None:
            continue
        slot = c.slots.take(name)
        value = c.banks.place(name, stored.rows, stored.words, slot)
        value.brought = True
        announced_load(c, value, OUTPUT, stored, fenced=not c.waiting.fenced)
        c.waiting.fenced, c.waiting.unknown = True, False
        c.values[name] = value
        readers = [i for i in _reads(c, name) if i >= c.index]
        placed = [i for i in readers if c.operations[i].opcode not in _COMPLETE_READERS]
        if placed:
            c.hold(slot, max(placed))
        else:
            value.slot = 0
            c.slots.release(slot)
    _zeros_behind(c)


def _zeros_behind(c: Context) -> None:
    """Load zeros behind the gradient of the embedded rows: ports get equally many rows of it."""
    index = c.reader(c.operation.operands["dst"].tensor, "normalise_backward", "dy")
    embedded = c.operations[1].operands["dst"].tensor
    if index is None or c.operations[index].operands["x"].tensor != embedded:
        return
    name = c.operations[index].operands["dst"].tensor
    rows, words = c.tensors[name].rows, depth_words(c.tensors[name].columns)
    if rows % PARAM_PORTS == 0:
        return
    slot = c.slots.take(name)
    value = c.banks.place(name, rows, words, slot)
    c.values[name] = value
    last = value.groups - 1
    zero_rows = Stored(c.ddr.zeros, TILE_TOKENS, words)
    pulse(c, clear_slot=slot, announce_load=1)
    _load(
        c, value, PLANES, zero_rows, False, rows=TILE_TOKENS, first_row=last * TILE_TOKENS,
        slot=slot, complete=1, announced=1,
    )  # fmt: skip
    pulse(c, replace(value.from_group(last, TILE_TOKENS), first=0))
    c.slots.release(slot)


def _wanted(c: Context) -> list[str]:
    """Return what the op's commands read, with those of the block that takes its rows."""
    operations = [c.operation]
    written = c.operation.operands["dst"].tensor
    for opcode in _COMPLETE_READERS:
        index = c.reader(written, opcode, "dy")
        if index is not None:
            operations.append(c.operations[index])
    return [v.tensor for o in operations for n, v in o.operands.items() if n != "dst"]
