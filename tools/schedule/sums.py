"""Proves that no sum of the engine leaves its accumulator, whatever the activations are."""

from __future__ import annotations

import numpy as np

from trivit.host.fixed_point import Int16
from trivit.host.generated.spec import ENGINE_SUM_BITS, PARAM_PORTS, TILE_DEPTH
from trivit.host.oracle.checks import column_tiles, matrix_words
from trivit.tools.errors import ToolsError
from trivit.tools.schedule.operations import Network, Product

_LARGEST = 1 << 15  # of an activation


def prove(network: Network, params: Int16) -> None:
    """Check the sums of all products, with half of the unit that rounding cuts off.

    The sums of an attention fit without proof: 128 elements of 2^30 each for a score, and a bias of
    2^15 that is shifted by 23 at most, so 1.5 * 2^38; for the context a row of probabilities, which
    add up to 2^15 and half a step for each key, times 2^15.

    Raises:
        ToolsError: a sum of the weights at hand can leave the accumulator.
    """
    for operation in network.operations:
        if isinstance(operation, Product):
            bound = _bound(operation, params)
            if bound >= 1 << (ENGINE_SUM_BITS - 1):
                raise ToolsError(
                    f"instruction {operation.tag} (matmul for '{operation.output.name}'): sums can "
                    f"reach {bound.bit_length() + 1} bits, the accelerator has {ENGINE_SUM_BITS}: "
                    "quantize its weights, bias or residual with fewer fraction bits"
                )


def _bound(product: Product, params: Int16) -> int:
    f = product.fields
    tiles, depth = column_tiles(f["out_words"]), f["depth_words"]
    start = f["weight"] * TILE_DEPTH
    packed = params[start : start + matrix_words(tiles, depth) * TILE_DEPTH]
    segments = packed.reshape(PARAM_PORTS, tiles, 1 + TILE_DEPTH * depth, TILE_DEPTH)
    biases = np.abs(segments[:, :, 0].astype(np.int64)) << f["bias_shift"]
    # A word holds inputs of one output; int32 holds the sum of 2^16 magnitudes.
    magnitudes = np.abs(segments[:, :, 1:].astype(np.int32)).sum(axis=3, dtype=np.int32)
    sums = magnitudes.reshape(PARAM_PORTS, tiles, depth, TILE_DEPTH).sum(axis=2, dtype=np.int64)
    bound = int((sums * _LARGEST + biases).max())
    if product.residual is not None:
        bound += _LARGEST << f["residual_shift"]
    return bound + (1 << f["out_shift"] >> 1 if f["out_shift"] > 0 else 0)
