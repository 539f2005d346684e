"""Layer normalisation, forward and backward."""

from training.draws.drawing import Draw, Drawn, draws

from trivit.host.training.shifts import norm_constants


def _rows(draw: Draw, backward: bool) -> tuple[Drawn, int]:
    rows, width = draw.size(6), 8 * int(draw.rng.choice([1, 3, 24, 96]))
    more = rows + draw.size(4) - 1
    sizes = {"dst": more if backward else rows, "dy": rows, "x": more}
    names = ("dst", "dy", "x") if backward else ("dst", "x")
    places = {name: draw.place(sizes[name], width) for name in names}
    return Drawn(places=places, fields=norm_constants(width, draw.number(0, 20), 1e-6)), width


@draws("normalise")
def normalise(draw: Draw) -> Drawn:
    rows, width = _rows(draw, backward=False)
    return Drawn(
        places={**rows.places, **draw.places(("gamma", "beta"), 1, width)},
        fields={**rows.fields, "beta_shift": draw.number(0, 30), "norm_shift": draw.shift()},
    )


@draws("normalise_backward")
def normalise_backward(draw: Draw) -> Drawn:
    rows, width = _rows(draw, backward=True)
    places = {**rows.places, "gamma": draw.place(1, width)}
    if draw.rng.random() < 0.6:
        places["addend"] = draw.place(places["dst"].rows, width)
    shifts = {"shift": draw.number(-60, 70), "addend_shift": draw.number(-40, 30)}
    return Drawn(places=places, fields={**rows.fields, **shifts})


@draws("normalise_gamma")
def normalise_gamma(draw: Draw) -> Drawn:
    rows, width = _rows(draw, backward=True)
    return Drawn(
        places={**rows.places, "dst": draw.place(1, width)},
        fields={**rows.fields, "shift": draw.shift()},
    )
