"""What a product does for those who read its result: slots, announcements, how long they look."""

from __future__ import annotations

from trivit.tools.training.schedule.context import Context

#: Numbers of a forward product, by the field of the engine.
PRODUCT = {"bias_shift": "bias_shift", "residual_shift": "addend_shift", "out_shift": "shift"}


def normalised_slots(c: Context, rows: str) -> dict[str, int]:
    """Return a product's fields for the normalisation of its result: its slot, and who may look."""
    for opcode, read_as in (("normalise", "x"), ("normalise_backward", "dy")):
        index = c.reader(rows, opcode, read_as)
        if index is not None:
            name = c.operations[index].operands["dst"].tensor
            c.reserved[name] = c.slots.take(name)
            return {"clear_slot": c.reserved[name], "announce_reader": 1}
    return {}


def until_normalised(c: Context, rows: str) -> int | None:
    """Return the op behind which the engine knows that all of a tensor's rows have been read."""
    index = c.reader(rows, "normalise", "x")
    if index is not None:
        return min(c.reads(c.operations[index].operands["dst"].tensor), default=None)
    return min(c.reads(rows), default=None)
