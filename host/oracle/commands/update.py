"""The block of the update, between the planes as movers bring and take them."""

import numpy as np

from trivit.host.errors import HostError
from trivit.host.fixed_point import Int16, Int64
from trivit.host.generated.spec import PARAM_PORTS, TILE_DEPTH
from trivit.host.oracle import training
from trivit.host.oracle.commands.streams import Work
from trivit.host.oracle.commands.units import Unit, largest_of, signed
from trivit.host.oracle.matmul import unpack_weight

#: Words of a plane that movers bring before those of the next plane.
CHUNK = 32


def interleave(planes: Int16) -> Int16:
    """Return words (planes·n, 8) of (planes, n, 8): 32 words of each plane in turn."""
    parts = np.split(planes, range(CHUNK, planes.shape[1], CHUNK), axis=1)
    return np.concatenate([part.reshape(-1, TILE_DEPTH) for part in parts])


def separate(words: Int16, planes: int) -> Int16:
    """Undo :func:`interleave`: (planes, n, 8)."""
    full = words.shape[0] // (planes * CHUNK) * planes * CHUNK
    whole = words[:full].reshape(-1, planes, CHUNK, TILE_DEPTH).transpose(1, 0, 2, 3)
    rest = words[full:].reshape(planes, -1, TILE_DEPTH)
    return np.concatenate([whole.reshape(planes, -1, TILE_DEPTH), rest], axis=1)


def update(unit: Unit) -> Work:
    """Update the parameters of a command, all of whose words come before the first one leaves."""
    while True:
        f = yield from unit.next()
        count = 3 + f["masters"]
        ports = []
        for port in range(PARAM_PORTS):
            words = yield from unit.take(f"planes{port}", count * f["words"])
            ports.append(separate(words, count))
        planes = np.stack(ports, axis=1)  # (planes, ports, words, 8)
        for tensor, bias in _tensors(f, planes):
            high, *low, velocity, gradient = tensor
            prefix = "bias_" if bias else ""
            updated = training.update_sgd(
                gradient,
                high,
                low[0] if low else None,
                velocity,
                momentum=f["momentum"],
                clip=f["clip"],
                gradient_shift=signed(f[f"{prefix}gradient_shift"], "update", "gradient_shift"),
                decay=0 if bias else f["decay"],
                decay_shift=signed(f["decay_shift"], "update", "decay_shift"),
                rate=f["rate"],
                rate_shift=f[f"{prefix}rate_shift"],
                key=f[f"{prefix}key"],
                stochastic=bool(f["stochastic"]),
            )
            high[:], velocity[:] = updated.high, updated.velocity
            if updated.low is not None:
                low[0][:] = updated.low
            wide: Int64 = gradient.astype(np.int64)
            unit.report(updated.saturated[1], largest_of(velocity))
            unit.report(updated.saturated[0], largest_of(high))
            unit.report(squares=int((wide * wide).sum()))
            _put(f, planes, tensor, bias)
        told = unit.thread.tell()
        for port in range(PARAM_PORTS):
            unit.send(f"updated{port}", interleave(planes[:-1, port]), told)


def _tensors(f: dict[str, int], planes: Int16) -> list[tuple[Int16, bool]]:
    """Return the tensors of a command, (planes, rows, columns) each, and which one is the biases.

    Rows and columns are those that the hash counts: whole words, all outputs of the tiles.

    Raises:
        HostError: words that are no whole tensor.
    """
    depth, line = f["depth_words"], f["line"]
    if not depth or f["words"] % (line or depth) or line not in (0, 1 + TILE_DEPTH * depth):
        raise HostError(
            f"update of {f['words']} words, lines of {line} and {depth} depth words is no whole "
            "tensor: the schedule is wrong, report it with the program"
        )
    if not line:
        rows = planes.reshape(len(planes), PARAM_PORTS, -1, depth * TILE_DEPTH)
        return [(rows.transpose(0, 2, 1, 3).reshape(len(planes), -1, depth * TILE_DEPTH), False)]
    tiles = f["words"] // line
    unpacked = [unpack_weight(plane, tiles, depth) for plane in planes]
    weights = np.stack([weight for weight, _ in unpacked])
    biases = np.stack([bias[None] for _, bias in unpacked])
    return [(weights, False), (biases, True)]


def _put(f: dict[str, int], planes: Int16, tensor: Int16, bias: bool) -> None:
    """Write a tensor back to where :func:`_tensors` found it."""
    depth = f["depth_words"]
    if not f["line"]:
        rows = tensor.reshape(len(planes), -1, PARAM_PORTS, depth * TILE_DEPTH)
        planes[:] = rows.transpose(0, 2, 1, 3).reshape(planes.shape)
        return
    tiles = f["words"] // f["line"]
    lines = planes.reshape(len(planes), PARAM_PORTS, tiles, f["line"], TILE_DEPTH)
    if bias:
        values = tensor.reshape(len(planes), tiles, PARAM_PORTS, TILE_DEPTH)
        lines[:, :, :, 0] = values.transpose(0, 2, 1, 3)
        return
    values = tensor.reshape(len(planes), tiles, PARAM_PORTS, TILE_DEPTH, depth, TILE_DEPTH)
    words = values.transpose(0, 2, 1, 4, 3, 5)
    lines[:, :, :, 1:] = words.reshape(len(planes), PARAM_PORTS, tiles, -1, TILE_DEPTH)
