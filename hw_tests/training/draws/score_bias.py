"""Biases of scores from a table, and the table's gradient."""

import numpy as np
from training.draws.drawing import Draw, Drawn, draws

from trivit.host.training.arena import Place


def _sizes(draw: Draw) -> tuple[int, int, int, Place]:
    """Heads, tokens, entries of the table and the index of pairs."""
    heads, tokens, entries = draw.size(4), draw.size(40), draw.size(90)
    index = draw.rng.integers(0, entries, (tokens, tokens)).astype(np.int16)
    return heads, tokens, entries, draw.hold(draw.place(tokens, tokens), lambda _: index)


def _fields(draw: Draw) -> dict[str, int]:
    return {"factor": draw.number(1 << 15, (1 << 16) - 1), "shift": draw.shift()}


@draws("score_bias")
def score_bias(draw: Draw) -> Drawn:
    heads, tokens, entries, index = _sizes(draw)
    places = {"dst": draw.place(heads * tokens, tokens), "table": draw.place(entries, heads)}
    return Drawn(places={**places, "index": index}, fields=_fields(draw))


@draws("score_bias_backward")
def score_bias_backward(draw: Draw) -> Drawn:
    heads, tokens, entries, index = _sizes(draw)
    places = {"dst": draw.place(entries, heads), "d_scores": draw.place(heads * tokens, tokens)}
    return Drawn(places={**places, "index": index}, fields=_fields(draw))
