"""Attention, forward and backward, and what is chosen by its probabilities."""

from training.draws.drawing import Draw, Drawn, draws

from trivit.host.training.shifts import exponent


def _sizes(draw: Draw) -> tuple[int, int, int]:
    """Heads, tokens, width of a head."""
    return draw.size(4), 1 + draw.size(39), 8 * draw.size(5)


@draws("attention")
def attention(draw: Draw) -> Drawn:
    heads, tokens, width = _sizes(draw)
    multiplier, shift = exponent(float(draw.rng.uniform(0.1, 1)), draw.number(0, 12))
    places = {
        **draw.places(("scores", "probs"), heads * tokens, tokens),
        "dst": draw.place(tokens, heads * width),
        "qkv": draw.place(tokens, 3 * heads * width),
    }
    fields = {
        "heads": heads,
        "score_shift": draw.number(-16, 40),
        "exp_multiplier": multiplier,
        "exp_shift": shift,
        "prob_frac": draw.number(0, 15),
        "out_shift": draw.number(-16, 40),
    }
    return Drawn(places=places, fields=fields)


@draws("attention_backward")
def attention_backward(draw: Draw) -> Drawn:
    heads, tokens, width = _sizes(draw)
    places = {
        **draw.places(("d_probs", "d_scores"), heads * tokens, tokens),
        "dst": draw.place(tokens, 3 * heads * width),
        "dy": draw.place(tokens, heads * width),
        "qkv": draw.place(tokens, 3 * heads * width),
        "probs": draw.place(heads * tokens, tokens),
    }
    # Probabilities of real rows add up to 1; these do not, so their factor is smaller.
    fields = {"heads": heads, "prob_frac": draw.number(0, 10), "scale": draw.number(1, 1 << 9)}
    shifts = ("probs_shift", "scores_shift", "query_shift", "value_shift")
    return Drawn(places=places, fields={**fields, **{name: draw.shift() for name in shifts}})


@draws("select_tokens")
def select_tokens(draw: Draw) -> Drawn:
    heads, tokens, _ = _sizes(draw)
    keep = draw.number(1, tokens - 1)
    places = {"dst": draw.place(1, 1 + keep), "probs": draw.place(heads * tokens, tokens)}
    return Drawn(places=places, fields={"heads": heads, "keep": keep})
