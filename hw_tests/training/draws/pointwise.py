"""GELU and the gradient of the loss."""

import numpy as np
from training.draws.drawing import Draw, Drawn, draws

from trivit.host.training.shifts import exponent


@draws("gelu")
def gelu(draw: Draw) -> Drawn:
    fields = {"in_frac": draw.number(0, 15), "out_frac": draw.number(0, 24)}
    return Drawn(places=draw.places(("dst", "x"), draw.size(9), draw.size(90)), fields=fields)


@draws("gelu_backward")
def gelu_backward(draw: Draw) -> Drawn:
    fields = {"in_frac": draw.number(0, 15), "shift": draw.shift()}
    return Drawn(places=draw.places(("dst", "dy", "x"), draw.size(9), draw.size(90)), fields=fields)


@draws("cross_entropy")
def cross_entropy(draw: Draw) -> Drawn:
    classes = int(draw.rng.choice([2, 10, 1000]))
    multiplier, shift = exponent(1.0, draw.number(0, 12))
    places = draw.places(("dst", "logits", "target"), 1, classes)
    draw.hold(places["target"], lambda row: np.abs(row >> 1))
    fields = {"exp_multiplier": multiplier, "exp_shift": shift, "frac": draw.number(0, 46)}
    return Drawn(places=places, fields=fields)
