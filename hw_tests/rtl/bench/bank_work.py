"""Random commands of the bank agents, their streams, and what must come of it."""

from __future__ import annotations

import numpy as np
from rtl.bench.banks import SLOT_BITS, BankBench, Group, Int16, Tensor, Word, Work, pack

from trivit.host.commands import encode


def groups_of(
    bench: BankBench, rows: dict[int, Int16], target: int, stride: int, slot: int
) -> list[Group]:
    """The row groups of a tensor's rows (each words x depth) that are written."""
    groups = []
    for group in sorted({row // bench.banks for row in rows}):
        words: dict[Word, list[Int16]] = {}
        for row, values in rows.items():
            if row // bench.banks == group:
                for n, value in enumerate(values):
                    words[row % bench.banks, target + group * stride + n] = [value]
        groups.append(Group(slot, words))
    return groups


def span(bench: BankBench, last_row: int, stride: int) -> int:
    """Words in each bank that a tensor takes."""
    return (last_row // bench.banks + 1) * stride


def write(bench: BankBench, work: Work, groups: list[Group]) -> None:
    """Note what a command writes, and that it completes these row groups."""
    for group in groups:
        for (bank, address), (*_, word) in group.words.items():
            bench.want[bank, address] = word
    work.groups += groups


def list_command(bench: BankBench, work: Work, tokens: int) -> list[int]:
    """A list of kept rows out of `tokens`, stored as a row; return it."""
    kept = sorted(bench.rng.sample(range(tokens), bench.rng.randrange(1, tokens + 1)))
    words = -(-len(kept) // bench.depth)
    row = np.zeros(words * bench.depth, np.int16)
    row[: len(kept)] = kept
    values = row.reshape(words, bench.depth)
    target, slot, tag = bench.place(words), bench.slot(), bench.tag()
    work.commands.append(
        encode("row_writer", tag=tag, list=1, rows=len(kept), target=target, slot=slot)
    )
    work.tags.append(tag)
    work.streams.setdefault("list", []).extend(pack(values))
    write(bench, work, groups_of(bench, {0: values}, target, words, slot))
    return kept


def tile_rows(bench: BankBench, values: Int16, rows_outer: bool) -> list[int]:
    """Rows of tiles in a product's order: `values` is rows x words x depth, words whole tiles."""
    rows, words, _ = values.shape
    step = bench.banks if rows_outer else rows
    return [
        word
        for first in range(0, rows, step)
        for column in range(0, words, bench.tile)
        for word in pack(values[first : first + step, column : column + bench.tile])
    ]


def row_writer_command(
    bench: BankBench,
    work: Work,
    kept: list[int] | None = None,
    *,
    rows: int,
    words: int,
    first_row: int = 0,
) -> None:
    """Rows of a product, all of them or those in `kept` alone."""
    rng = bench.rng
    rows_outer = rng.random() < 0.5
    sources = ("gelu", "direct", "gelu_backward", "softmax_backward", "cross_entropy")
    stream = rng.choice(sources)
    direct = stream == "direct" or (sources.index(stream) > 1 and rng.random() < 0.5)
    stride = words + rng.randrange(3)
    values = bench.draw(rows, -(-words // bench.tile) * bench.tile)
    work.streams.setdefault(stream, []).extend(tile_rows(bench, values, rows_outer))
    which = range(rows) if kept is None else kept
    written = {first_row + n: values[row, :words] for n, row in enumerate(which)}
    target = bench.place(span(bench, max(written), stride))
    slot, tag = bench.slot(), bench.tag()
    work.commands.append(
        encode(
            "row_writer",
            tag=tag,
            direct=int(direct),
            backward=max(sources.index(stream) - 1, 0),
            rows_outer=int(rows_outer),
            compact=int(kept is not None),
            first_row=first_row,
            rows=rows,
            kept=0 if kept is None else len(kept),
            words=words,
            target=target,
            target_stride=stride,
            slot=slot,
        )
    )
    work.tags.append(tag)
    write(bench, work, groups_of(bench, written, target, stride, slot))


def pair_command(
    bench: BankBench,
    work: Work,
    unit: str,
    *,
    heads: int = 1,
    rows: int,
    words: int,
    wrap: int = 0,
) -> None:
    """Pairs of rows of softmax (heads, tiles of words) or of normalise (one head, single words)."""
    tile = bench.tile if unit == "softmax_writer" else 1
    stride = words + bench.rng.randrange(3)
    groups = -(-rows // bench.banks)
    values = bench.draw(heads, groups * bench.banks, words)  # rows beyond `rows` are not written
    pairs = -(-rows // 2)
    stream = [
        word
        for head in values
        for group in range(groups)
        for column in range(0, words, tile)
        for pair in range(bench.banks // 2 * group, min(bench.banks // 2 * (group + 1), pairs))
        for word in pack(head[2 * pair : 2 * pair + 2, column : column + tile].transpose(1, 0, 2))
    ]
    backward = unit == "norm_writer" and bench.rng.random() < 0.5
    work.streams.setdefault("backward" if backward else "results", []).extend(stream)
    lines = min(heads * groups, wrap or heads * groups)
    target, slot, tag = bench.place(lines * stride), bench.slot(), bench.tag()
    fields = {"rows": rows, "words": words, "target": target, "target_stride": stride, "slot": slot}
    if unit == "softmax_writer":
        fields |= {"heads": heads, "wrap": wrap}
    elif backward:
        fields["backward"] = 1
    work.commands.append(encode(unit, tag=tag, end=False, **fields))
    work.tags.append(tag)
    done: list[Group] = []
    for number in range(heads * groups):
        head, group = divmod(number, groups)
        address = target + number % lines * stride
        rows_here = range(group * bench.banks, min((group + 1) * bench.banks, rows))
        done.append(
            Group(
                slot,
                {
                    (row % bench.banks, address + n): [values[head, row, n]]
                    for row in rows_here
                    for n in range(words)
                },
            )
        )
    write(bench, work, done)
    # With a wrap, later row groups may be there before a bank that is busy has this one.
    for now, later in reversed([*zip(done, done[lines:], strict=False)]):
        for place in now.words.keys() & later.words.keys():
            now.words[place] += later.words[place]


def load_command(
    bench: BankBench,
    work: Work,
    *,
    rows: int,
    words: int,
    first_row: int = 0,
    complete: bool | None = None,
    announced: bool = False,
) -> None:
    """Rows from the ports, each port's one after the other; `complete` or not (None: either)."""
    stride = words + bench.rng.randrange(3)
    coming = -(-rows // bench.tile) * bench.tile
    values = bench.draw(coming, words)
    for port in range(bench.tile):
        mine = values[port :: bench.tile].reshape(-1, bench.depth)
        work.streams.setdefault(f"word{port}", []).extend(pack(mine))
    target = bench.place(span(bench, first_row + rows - 1, stride))
    slot, tag = bench.slot(), bench.tag()
    if complete is None:
        complete = bench.rng.random() < 0.7
    elif complete:
        slot = max(slot, 1)
    work.commands.append(
        encode(
            "load",
            tag=tag,
            first_row=first_row,
            rows=rows,
            words=words,
            target=target,
            target_stride=stride,
            slot=slot,
            complete=int(complete),
            announced=int(announced),
        )
    )
    work.tags.append(tag)
    written = {first_row + n: values[n] for n in range(rows)}
    write(bench, work, groups_of(bench, written, target, stride, slot if complete else 0))


def vectors_command(bench: BankBench, work: Work, *, words: int) -> None:
    """Gamma and beta from port 0, in turn, to one of two blocks."""
    backward = int(bench.rng.random() < 0.5)
    values = bench.draw(2 * words)
    work.streams.setdefault("word0", []).extend(pack(values))
    bits = 2 * 16 * bench.depth
    work.results[0] += [word | backward << bits for word in pack(values.reshape(words, -1))]
    tag = bench.tag()
    work.commands.append(encode("load", tag=tag, vectors=1, words=words, backward=backward))
    work.tags.append(tag)


def read_command(
    bench: BankBench,
    work: Work,
    unit: str,
    number: int,
    *,
    rows: int,
    words: int,
    slot: int | None = None,
    tensors: int | None = None,
) -> Tensor:
    """A reader's command, and the tensor that it reads; row_reader up to three (None: any)."""
    rng = bench.rng
    slot = number + 1 if slot is None else slot
    first, stride = rng.choice((0, rng.randrange(1 << SLOT_BITS - 1))), words + rng.randrange(3)
    groups = -(-rows // bench.banks)
    address, tag = bench.place(groups * stride), bench.tag()
    values = bench.draw(groups, words, bench.banks)
    fields = {"rows": rows, "words": words, "source": address, "source_stride": stride}
    others: list[tuple[int, Int16]] = []
    if unit == "row_reader":
        fields["tensors"] = rng.randrange(4) if tensors is None else tensors
        for field in ("second", "third")[: max(fields["tensors"] - 1, 0)]:
            fields[field] = bench.place(groups * stride)
            others.append((fields[field], bench.draw(groups, words, bench.banks)))
    spread = unit == "store" and rng.random() < 0.5
    if spread:
        fields["spread"] = 1
    work.commands.append(encode(unit, tag=tag, end=False, slot=slot, first=first, **fields))
    work.tags.append(tag)
    for group in range(groups):
        here = min(rows - group * bench.banks, bench.banks)
        if unit == "store":
            for bank in range(-(-here // bench.tile) * bench.tile if spread else here):
                port = bank % bench.tile if spread else 0
                work.results[port] += pack(values[group, :, bank])
        else:
            backward = int(bool(others)) << 2 * 16 * bench.depth
            read = np.stack([values[group], *(other[group] for _, other in others)])
            pairs = read.reshape(len(read), words, bench.banks // 2, -1)[:, :, : -(-here // 2)]
            # word, pair of rows, tensor
            sent = pairs.transpose(1, 2, 0, 3).reshape(-1, pairs.shape[-1])
            work.results[0] += [word | backward for word in pack(sent)]
    return Tensor(slot, first, address, stride, values, tuple(others))


def end_command(work: Work, unit: str) -> None:
    """The end of a program."""
    work.commands.append(encode(unit, end=True))
    work.tags.append(0)


def random_work(bench: BankBench, unit: str, count: int) -> Work:
    """Commands of a writer, an end among them: `count` that write, of 1 to 3 row groups."""
    rng, work = bench.rng, Work()
    most_rows, most_words = 3 * bench.banks, 3 * bench.tile
    for number in range(count):
        rows, words = rng.randrange(1, most_rows + 1), rng.randrange(1, most_words + 1)
        first_row = rng.choice((0, 0, 1, rng.randrange(2 * bench.banks)))
        if unit == "row_writer":
            if number % 2:
                kept = list_command(bench, work, rows)
                row_writer_command(bench, work, kept, rows=rows, words=words, first_row=first_row)
            else:
                row_writer_command(bench, work, rows=rows, words=words, first_row=first_row)
        elif unit == "load":
            load_command(bench, work, rows=rows, words=words, first_row=first_row)
            if number % 2:
                vectors_command(bench, work, words=words)
        elif unit == "softmax_writer":
            heads, wrap = rng.randrange(1, 4), rng.choice((0, 1, 2, 3, 5))
            pair_command(bench, work, unit, heads=heads, rows=rows, words=words, wrap=wrap)
        else:
            pair_command(bench, work, unit, rows=rows, words=words)
        if number == count // 2:
            end_command(work, unit)
    return work
