"""Weight updates."""

import numpy as np
from training.draws.drawing import Draw, Drawn, draws

from trivit.host.training.arena import Place


def _parameter(draw: Draw, names: tuple[str, ...]) -> dict[str, Place]:
    """Return places of a parameter's size; ``high`` is of narrow range."""
    places = draw.places(names, draw.size(9), draw.size(40))
    draw.hold(places["high"], lambda high: np.maximum(high, -32767))
    return places


@draws("update_sgd")
def update_sgd(draw: Draw) -> Drawn:
    low = ("low",) if draw.rng.random() < 0.5 else ()
    fields = {
        "number": draw.number(0, 300),
        "momentum": draw.number(0, 65536),
        "gradient_shift": draw.number(-24, 62),
        "decay": draw.number(0, 65535),
        "decay_shift": draw.number(-8, 62),
        "rate_shift": draw.number(-45, 30),
        "stochastic": draw.number(0, 1),
    }
    return Drawn(places=_parameter(draw, ("high", "velocity", "gradient", *low)), fields=fields)


@draws("accumulate")
def accumulate(draw: Draw) -> Drawn:
    places = draw.places(("gradient", "total", "total_low"), draw.size(9), draw.size(40))
    return Drawn(places=places, fields={"shift": draw.number(-30, 30)})


@draws("release")
def release(draw: Draw) -> Drawn:
    places = draw.places(("dst", "total", "total_low"), draw.size(9), draw.size(40))
    return Drawn(places=places, fields={"shift": draw.shift()})


@draws("update_adamw")
def update_adamw(draw: Draw) -> Drawn:
    low = ("low",) if draw.rng.random() < 0.5 else ()
    places = _parameter(draw, ("high", "velocity", "second", "gradient", "second_low", *low))
    draw.hold(places["second"], lambda high: np.clip(high, 1, 32766))  # never negative
    fields = {
        "number": draw.number(0, 300),
        "beta1": draw.number(0, 65536),
        "mean_shift": draw.number(-24, 62),
        "alpha2": draw.number(1, 1 << 23),
        "square_shift": 2 * draw.number(-46, 46),
        "epsilon": draw.number(0, 65535),
        "epsilon_shift": draw.number(-100, 100),
        "direction_shift": draw.number(-42, 50),
        "decay": draw.number(0, 65535),
        "decay_shift": draw.number(12 if low else -4, 62),
        "rate_shift": draw.number(-20, 20),
        "stochastic": draw.number(0, 1),
    }
    return Drawn(places=places, fields=fields)
