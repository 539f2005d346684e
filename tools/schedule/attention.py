"""Commands of an attention: products of scores and of context, step by step."""

from __future__ import annotations

from trivit.host.generated.spec import ENGINE_MAX_ALIGN, PARAM_PORTS, TILE_TOKENS
from trivit.host.oracle.checks import column_tiles
from trivit.host.schedule import port_order
from trivit.host.tiles import ceil_div, depth_words, row_groups
from trivit.tools.errors import ToolsError
from trivit.tools.schedule.listing import ALL_PORTS, PARAMS, SOFTMAX, Listing
from trivit.tools.schedule.operations import Attention, Product
from trivit.tools.schedule.products import fill_ahead, vectors, words_ahead
from trivit.tools.schedule.steps import Step

_HEADS_AHEAD = 2  # whose keys and values are placed beside those of the head that is at work


def attention(
    listing: Listing, number: int, operation: Attention, following: Product | None
) -> None:
    """Emit an attention with the softmax between its steps and the selection behind it.

    The weights of the product that follows come meanwhile, if the ring has room for them.
    """
    _softmax(listing, operation)
    _Products(listing, number, operation, following).run()
    if operation.completes:
        listing.watch(operation.output, "engine")


def _softmax(listing: Listing, operation: Attention) -> None:
    plan, f, tag, rows = listing.plan, operation.fields, operation.tag, operation.rows
    ring, select, connect = operation.probabilities, operation.select, operation.connect
    masked = "mask" in operation.flags
    sizes = {"heads": operation.all_heads, "rows": rows, "keys": rows}
    if masked and operation.begins:
        listing.add("connections", tag, replay=1, **sizes)
    listing.add(
        "softmax",
        tag,
        heads=operation.heads,
        rows=rows,
        keys=rows,
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
    if not operation.begins:
        return  # who chooses was told of all heads
    if select is not None:
        listing.add(
            "select",
            select.tag,
            heads=operation.all_heads,
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


class _Products:
    """The engine's commands of one attention."""

    def __init__(
        self, listing: Listing, number: int, operation: Attention, following: Product | None
    ) -> None:
        self.listing, self.number, self.operation = listing, number, operation
        self.following = following  # whose weights are still to come
        plan = listing.plan
        self.steps = plan.steps[operation]
        self.head_words = operation.fields["head_words"]
        self.key_words = depth_words(operation.rows)
        self.tail = operation.rows - (self.steps.groups - 1) * TILE_TOKENS
        self.source = plan.address[operation.source]
        self.stride = operation.source.words
        self.clears = iter([plan.slot[value] for value in plan.clears[number]])
        self.keys = column_tiles(self.key_words) * self.head_words  # depth words in the ring
        self.values = column_tiles(self.head_words) * self.key_words
        self.placed = 0
        self.biased = 0  # heads whose bias has been asked for

    def run(self) -> None:
        """Emit the steps, and keys and values of each head while the one before is at work."""
        for head in range(self._bias_places):
            self._load_bias(announced=head == 0)
        if self._bias_places and self.number in self.listing.plan.norms:
            vectors(self.listing, self.listing.plan.norms[self.number])
        for scores, context in self.steps.order():
            if scores is not None:
                while self.placed <= scores.head:
                    self._place()
                self._scores(scores)
                self._ahead(scores.head)
            if context is not None:
                more = self._last(context) and self.biased < self.operation.heads
                self._context(context, announce_load=more and self._bias_places > 0)
                if more and self._bias_places > 0:
                    self._load_bias(announced=True)

    @property
    def _bias_places(self) -> int:
        """Heads whose biases are in the banks at a time."""
        bias = self.operation.bias
        return 0 if bias is None else bias.rows // (self.steps.groups * TILE_TOKENS)

    def _load_bias(self, *, announced: bool) -> None:
        """Load the bias of the next head, to the place of one whose context is being computed.

        The product that announces it is that context's last one: it needs the probabilities of all
        rows, so their scores, and with them their biases, have been read. The first head's is
        announced by the operation before.
        """
        bias, rows, head = self.operation.bias, self.operation.rows, self.biased
        assert bias is not None
        words = rows * bias.words
        of_all = self.operation.first_head + head
        block = self.listing.rows(self.operation.fields["bias"] + of_all * words, words)
        share = ceil_div(rows, PARAM_PORTS) * bias.words
        self.listing.add(
            "move_rows",
            self.operation.tag,
            ports=ALL_PORTS,
            base=PARAMS,
            address=self.listing.store_params(port_order(block.reshape(rows, -1))),
            words=share,
            port_stride=share,
        )
        self.listing.add(
            "load",
            self.operation.tag,
            rows=rows,
            words=bias.words,
            target=self._bias_place(head),
            target_stride=bias.words,
            slot=self.listing.plan.slot[bias],
            complete=1,
            announced=announced,
        )
        self.biased += 1

    def _bias_place(self, head: int) -> int:
        bias = self.operation.bias
        assert bias is not None
        place = head % self._bias_places * self.steps.groups
        return self.listing.plan.address[bias] + place * bias.words

    def _last(self, step: Step) -> bool:
        return step.first + step.groups == self.steps.groups

    def _ahead(self, head: int) -> None:
        """Fill the ring with what comes behind ``head``, in the order of its release."""
        ring = self.listing.ring
        last = min(head + _HEADS_AHEAD, self.operation.heads - 1)
        while self.placed <= last and ring.has_room(self.keys + self.values):
            self._place()
        if self.following is None or self.placed < self.operation.heads:
            return
        if ring.has_room(words_ahead(self.listing, self.following)):
            fill_ahead(self.listing, self.number + 1, self.following)
            self.following = None

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
                # Keys and values are complete with the first row groups that count.
                source_first=0,
                last_rows=self.tail,
                **sizes,
            )
            words = self.keys if what == "keys" else self.values
            self.listing.ring.append(f"{what} {head}", words)
        self.placed += 1

    def _scores(self, step: Step) -> None:
        self._product(
            f"keys {step.head}",
            step,
            stream=SOFTMAX,
            source=self.source + step.head * self.head_words + step.first * self.stride,
            source_stride=self.stride,
            source_slot=self.listing.plan.slot[self.operation.source],
            source_first=self.operation.source.first + step.first,
            depth_words=self.head_words,
            out_words=self.key_words,
            out_shift=self._shift("score_shift", 31),
            **self._residual(step),
        )

    def _residual(self, step: Step) -> dict[str, int]:
        """Return the fields that add the bias to the scores."""
        bias = self.operation.bias
        if bias is None:
            return {}
        return {
            "has_residual": 1,
            "residual": self._bias_place(step.head) + step.first * bias.words,
            "target_stride": bias.words,
            "residual_slot": self.listing.plan.slot[bias],
            "residual_first": step.head * self.steps.groups + step.first,
            "residual_shift": self._shift("bias_shift", ENGINE_MAX_ALIGN),
        }

    def _context(self, step: Step, *, announce_load: bool) -> None:
        plan, operation = self.listing.plan, self.operation
        ring, output = operation.probabilities, operation.output
        begins = (step.head, step.first) == (0, 0)
        ends = step.head + 1 == operation.heads and self._last(step)
        place = (step.head * self.steps.groups + step.first) % row_groups(ring.rows)
        head = step.head if operation.apart else operation.first_head + step.head
        self._product(
            f"values {step.head}",
            step,
            to_banks=1,
            claim=begins and (operation.begins or operation.apart) and plan.slot[output] > 0,
            announce_reader=begins and self.number in plan.norms,
            announce_store=begins and self.number in plan.stores,
            announce_load=announce_load or (ends and self.number in plan.loads),
            source=plan.address[ring] + place * ring.words,
            source_stride=ring.words,
            source_slot=plan.slot[ring],
            source_first=step.head * self.steps.groups + step.first,
            target=plan.address[output] + head * self.head_words + step.first * output.words,
            target_stride=output.words,
            target_slot=plan.slot[output],
            depth_words=self.key_words,
            out_words=self.head_words,
            out_shift=self._shift("out_shift", 31),
        )

    def _product(self, matrix: str, step: Step, **fields: int) -> None:
        last = self._last(step)
        missing = TILE_TOKENS - self.tail if last else 0
        self.listing.add(
            "engine",
            self.operation.tag,
            rows=step.groups * TILE_TOKENS - missing,
            rows_outer=step.groups > 1,
            keep=not last,
            ring_offset=self.listing.ring.offset(matrix),
            clear_slot=next(self.clears, 0),
            **fields,
        )
        if last:
            self.listing.ring.release(matrix)

    def _shift(self, name: str, largest: int) -> int:
        value = self.operation.fields[name]
        if not 0 <= value <= largest:
            raise ToolsError(
                f"instruction {self.operation.tag} (attention for '{self.operation.output.name}') "
                f"has {name} {value}, the accelerator has 0..{largest}: quantize with closer "
                "fraction lengths"
            )
        return value
