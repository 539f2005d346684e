"""Commands of an attention: a product of scores and one of context for each row group of a head."""

from __future__ import annotations

from trivit.host.generated.spec import TILE_TOKENS
from trivit.host.oracle.checks import column_tiles
from trivit.host.tiles import depth_words, row_groups
from trivit.tools.errors import ToolsError
from trivit.tools.schedule.listing import SOFTMAX, Listing
from trivit.tools.schedule.operations import Attention


def attention(listing: Listing, number: int, operation: Attention) -> None:
    """Emit an attention with the softmax between its steps and the selection behind it."""
    _softmax(listing, operation)
    _Steps(listing, number, operation).run()
    listing.watch(operation.output, "engine")


def _softmax(listing: Listing, operation: Attention) -> None:
    plan, f, tag, rows = listing.plan, operation.fields, operation.tag, operation.rows
    ring, select, connect = operation.probabilities, operation.select, operation.connect
    masked = "mask" in operation.flags
    sizes = {"heads": operation.heads, "rows": rows, "keys": rows}
    if masked:
        listing.add("connections", tag, replay=1, **sizes)
    listing.add(
        "softmax",
        tag,
        **sizes,
        masked=masked,
        send_cls=select is not None,
        send_all=connect is not None,
        exp_multiplier=f["exp_multiplier"],
        exp_shift=f["exp_shift"],
        prob_frac=f["prob_frac"],
    )
    listing.add(
        "softmax_writer",
        tag,
        heads=operation.heads,
        rows=rows,
        words=ring.words,
        target=plan.address[ring],
        target_stride=ring.words,
        wrap=row_groups(ring.rows),
        slot=plan.slot[ring],
    )
    if select is not None:
        listing.add(
            "select",
            select.tag,
            heads=operation.heads,
            tokens=select.tokens,
            keep=select.keep,
            send_kept=connect is not None,
        )
        listing.add(
            "row_writer",
            select.tag,
            list=1,
            rows=select.keep + 1,
            words=select.output.words,
            target=plan.address[select.output],
            target_stride=select.output.words,
            slot=plan.slot[select.output],
        )
        listing.watch(select.output, "row_writer")
    if connect is not None:
        listing.add("connections", connect.tag, kept=connect.kept, keep=connect.keep, **sizes)


class _Steps:
    """The engine's commands of one attention.

    Step i is row group i mod groups of head i // groups. The scores of step i come before the
    context of step i - lag, so softmax has that long.
    """

    def __init__(self, listing: Listing, number: int, operation: Attention) -> None:
        self.listing, self.number, self.operation = listing, number, operation
        plan = listing.plan
        self.lag = plan.lag[operation]
        self.head_words = operation.fields["head_words"]
        self.groups = row_groups(operation.rows)
        self.key_words = depth_words(operation.rows)
        self.tail = operation.rows - (self.groups - 1) * TILE_TOKENS
        self.source = plan.address[operation.source]
        self.stride = operation.source.words
        self.clears = iter([plan.slot[value] for value in plan.clears[number]])
        self.keys = column_tiles(self.key_words) * self.head_words  # depth words in the ring
        self.values = column_tiles(self.head_words) * self.key_words
        self.placed = 0

    def run(self) -> None:
        """Emit the steps, and keys and values of each head while the one before is at work."""
        for step in range(self.operation.steps + self.lag):
            head = step // self.groups
            if step < self.operation.steps:
                while self.placed <= head:
                    self._place()
                self._scores(step)
                room = self.listing.ring.has_room(self.keys + self.values)
                if self.placed == head + 1 < self.operation.heads and room:
                    self._place()
            if step >= self.lag:
                self._context(step - self.lag)

    def _place(self) -> None:
        head, heads = self.placed, self.operation.heads
        for third, what, sizes in (
            (1, "keys", {"depth_words": self.head_words, "out_words": self.key_words}),
            (2, "values", {"depth_words": self.key_words, "out_words": self.head_words}),
        ):
            self.listing.add(
                "engine",
                self.operation.tag,
                place=1,
                transposed=what == "values",
                source=self.source + (third * heads + head) * self.head_words,
                source_stride=self.stride,
                source_slot=self.listing.plan.slot[self.operation.source],
                source_first=self.operation.source.first,
                last_rows=self.tail,
                **sizes,
            )
            words = self.keys if what == "keys" else self.values
            self.listing.ring.append(f"{what} {head}", words)
        self.placed += 1

    def _scores(self, step: int) -> None:
        head, group = divmod(step, self.groups)
        self._product(
            f"keys {head}",
            group,
            stream=SOFTMAX,
            source=self.source + head * self.head_words + group * self.stride,
            source_stride=self.stride,
            source_slot=self.listing.plan.slot[self.operation.source],
            source_first=self.operation.source.first + group,
            depth_words=self.head_words,
            out_words=self.key_words,
            out_shift=self._shift("score_shift"),
        )

    def _context(self, step: int) -> None:
        head, group = divmod(step, self.groups)
        plan, operation = self.listing.plan, self.operation
        ring, output = operation.probabilities, operation.output
        self._product(
            f"values {head}",
            group,
            to_banks=1,
            claim=step == 0 and plan.slot[output] > 0,
            announce_reader=step == 0 and self.number in plan.norms,
            announce_store=step == 0 and self.number in plan.stores,
            source=plan.address[ring] + step % row_groups(ring.rows) * ring.words,
            source_stride=ring.words,
            source_slot=plan.slot[ring],
            source_first=step,
            target=plan.address[output] + head * self.head_words + group * output.words,
            target_stride=output.words,
            target_slot=plan.slot[output],
            depth_words=self.key_words,
            out_words=self.head_words,
            out_shift=self._shift("out_shift"),
        )

    def _product(self, matrix: str, group: int, **fields: int) -> None:
        last = group == self.groups - 1
        self.listing.add(
            "engine",
            self.operation.tag,
            rows=self.tail if last else TILE_TOKENS,
            keep=not last,
            ring_offset=self.listing.ring.offset(matrix),
            clear_slot=next(self.clears, 0),
            **fields,
        )
        if last:
            self.listing.ring.release(matrix)

    def _shift(self, name: str) -> int:
        value = self.operation.fields[name]
        if not 0 <= value <= 31:
            raise ToolsError(
                f"instruction {self.operation.tag} (attention for '{self.operation.output.name}') "
                f"has {name} {value}, the next kernel has 0..31: quantize with closer fraction "
                "lengths"
            )
        return value
