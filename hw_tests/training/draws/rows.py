"""Ops that move rows: patches, [CLS], kept tokens."""

import numpy as np
from training.draws.drawing import Draw, Drawn, draws

from trivit.host.training.arena import Place


def kept_rows(draw: Draw, rows: int, kept: int) -> Place:
    """Return the place of an index of ``kept`` of ``rows`` rows, ascending."""
    index = np.sort(draw.rng.permutation(rows)[:kept]).astype(np.int16)
    return draw.hold(draw.place(1, kept), lambda _: index)


@draws("patchify")
def patchify(draw: Draw) -> Drawn:
    patch, down, across, channels = (draw.size(5) for _ in range(4))
    height, width = patch * down, patch * across
    places = {
        "dst": draw.place(1 + down * across, channels * patch * patch),
        "image": draw.place(channels * height, width),
    }
    fields = {"channels": channels, "height": height, "width": width, "patch": patch}
    return Drawn(places=places, fields=fields)


@draws("cls_row")
def cls_row(draw: Draw) -> Drawn:
    fields = {name: draw.number(0, 30) for name in ("cls_shift", "position_shift")}
    return Drawn(
        places=draw.places(("dst", "cls", "position"), 1, 8 * draw.size(6)),
        fields={**fields, "shift": draw.shift()},
    )


@draws("gather")
def gather(draw: Draw) -> Drawn:
    rows, width = 1 + draw.size(29), draw.size(40)
    kept = draw.size(rows)
    places = {"dst": draw.place(kept, width), "x": draw.place(rows, width)}
    return Drawn(places={**places, "index": kept_rows(draw, rows, kept)})


@draws("scatter")
def scatter(draw: Draw) -> Drawn:
    p = gather(draw).places
    return Drawn(places={"dst": p["x"], "dy": p["dst"], "index": p["index"]})
