"""Products, column sums and sums of gradients."""

from training.draws.drawing import Draw, Drawn, draws


@draws("product")
def product(draw: Draw) -> Drawn:
    m, k, n = (draw.size(75) for _ in range(3))
    flags = tuple(f for f in ("transpose_a", "transpose_b") if draw.rng.random() < 0.5)
    places = {
        "dst": draw.place(m, n),
        "a": draw.place(*((k, m) if "transpose_a" in flags else (m, k))),
        "b": draw.place(*((n, k) if "transpose_b" in flags else (k, n))),
    }
    if draw.rng.random() < 0.5:
        places["bias"] = draw.place(1, n)
    if draw.rng.random() < 0.5:
        places["addend"] = draw.place(m, n)
    fields = {
        "shift": draw.shift(),
        "bias_shift": draw.number(0, 30),
        "addend_shift": draw.number(-30, 30),
    }
    return Drawn(places=places, fields=fields, flags=flags)


@draws("column_sums")
def column_sums(draw: Draw) -> Drawn:
    rows, width = draw.size(60), draw.size(60)
    places = {"dst": draw.place(1, width), "dy": draw.place(rows, width)}
    return Drawn(places=places, fields={"shift": draw.shift()})


@draws("add")
def add(draw: Draw) -> Drawn:
    fields = {"a_shift": draw.number(0, 30), "b_shift": draw.number(0, 30), "shift": draw.shift()}
    return Drawn(places=draw.places(("dst", "a", "b"), draw.size(9), draw.size(40)), fields=fields)
