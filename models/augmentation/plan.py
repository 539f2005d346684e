"""What is done to each image of a batch, operation after operation, and doing it.

Operations are drawn on the host, so the host knows which images share one: sorted by operation,
each group is a slice of the batch, worked on at once. Nothing is computed only to be masked away,
and nothing waits for the device.

Shape suffixes: B images, C channels, H height, W width, L layers.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from torch import Tensor

from trivit.models.augmentation import colour
from trivit.models.augmentation.config import Interpolation
from trivit.models.augmentation.geometry import identity, warp
from trivit.models.augmentation.resample import blur_weights, resample
from trivit.models.augmentation.upload import upload


class Op(IntEnum):
    """An operation on an image; what its argument means is in brackets."""

    NOTHING = 0
    WARP = 1  # (the matrix)
    AUTOCONTRAST = 2
    EQUALIZE = 3
    INVERT = 4
    POSTERIZE = 5  # bits to keep
    SOLARIZE = 6  # threshold
    SOLARIZE_ADD = 7  # addend
    COLOR = 8  # factor
    CONTRAST = 9  # factor
    BRIGHTNESS = 10  # factor
    SHARPNESS = 11  # factor
    GRAYSCALE = 12
    BLUR = 13  # standard deviation in pixels


@dataclass(frozen=True)
class Plan:
    """Operations of a batch.

    Attributes:
        op: ``Op`` of each layer, int64 (B, L).
        argument: its argument, float64 (B, L); 0 where it has none.
        matrix: of warps, float64 (B, L, 3, 3); the identity elsewhere.
    """

    op: np.ndarray
    argument: np.ndarray
    matrix: np.ndarray

    @classmethod
    def of_colours(cls, op_BL: np.ndarray, argument_BL: np.ndarray) -> "Plan":
        """Return a plan without warps."""
        return cls(op_BL, argument_BL, identity(*op_BL.shape))

    def __getitem__(self, part: slice) -> "Plan":
        """Return the plan of the images ``part``."""
        return Plan(self.op[part], self.argument[part], self.matrix[part])

    def then(self, other: "Plan") -> "Plan":
        """Return the plan that does ``other`` after this one."""
        mine, others = vars(self).values(), vars(other).values()
        return Plan(*(np.concatenate(pair, axis=1) for pair in zip(mine, others, strict=True)))

    def composed(self) -> "Plan":
        """Return the same plan with warps that follow each other made one, at the last of them."""
        op_BL, matrix_BL33 = self.op.copy(), self.matrix.copy()
        for layer in range(1, op_BL.shape[1]):
            both = (op_BL[:, layer] == Op.WARP) & (op_BL[:, layer - 1] == Op.WARP)
            # Where the second looks in the first one's result, the first says where to look.
            matrix_BL33[both, layer] = matrix_BL33[both, layer - 1] @ matrix_BL33[both, layer]
            op_BL[both, layer - 1] = Op.NOTHING
        return Plan(op_BL, self.argument, matrix_BL33)


def carry_out(
    plan: Plan, pixels_BCHW: Tensor, fill_C: Tensor, interpolation: Interpolation
) -> Tensor:
    """Return the uint8 images after the plan's operations.

    Args:
        plan: of these images.
        pixels_BCHW: uint8, square where the plan blurs.
        fill_C: uint8 colour of what warps bring in.
        interpolation: of warps.
    """
    plan = plan.composed()
    device = pixels_BCHW.device
    layers = [layer for layer in range(plan.op.shape[1]) if plan.op[:, layer].any()]
    if not layers:
        return pixels_BCHW
    # The place of each image changes from layer to layer; orders lead from one to the next.
    placed = np.arange(len(pixels_BCHW))
    orders, arguments, matrices = [], [], []
    for layer in layers:
        order = np.argsort(plan.op[placed, layer], kind="stable")
        placed = placed[order]
        orders.append(order)
        arguments.append(plan.argument[placed, layer])
        matrices.append(plan.matrix[placed, layer, :2])
    orders.append(np.argsort(placed))
    order_LB = upload(np.stack(orders), device)
    argument_LB = upload(np.stack(arguments), device)
    matrix_LB23 = upload(np.stack(matrices), device)
    for i, layer in enumerate(layers):
        pixels_BCHW = pixels_BCHW.index_select(0, order_LB[i])
        counts = np.bincount(plan.op[:, layer], minlength=len(Op))
        stops = np.cumsum(counts)
        for op in Op:
            group = slice(stops[op] - counts[op], stops[op])
            if op != Op.NOTHING and counts[op]:
                pixels_BCHW[group] = _apply(
                    op,
                    pixels_BCHW[group],
                    argument_LB[i, group],
                    matrix_LB23[i, group],
                    fill_C,
                    interpolation,
                )
    return pixels_BCHW.index_select(0, order_LB[-1])


_PLAIN = {
    Op.AUTOCONTRAST: colour.autocontrast,
    Op.EQUALIZE: colour.equalize,
    Op.INVERT: colour.invert,
    Op.GRAYSCALE: colour.grayscale,
}
_WITH_ARGUMENT = {
    Op.POSTERIZE: colour.posterize,
    Op.SOLARIZE: colour.solarize,
    Op.SOLARIZE_ADD: colour.solarize_add,
    Op.COLOR: colour.color,
    Op.CONTRAST: colour.contrast,
    Op.BRIGHTNESS: colour.brightness,
    Op.SHARPNESS: colour.sharpness,
}


def _apply(
    op: Op,
    pixels_BCHW: Tensor,
    argument_B: Tensor,
    matrix_B23: Tensor,
    fill_C: Tensor,
    interpolation: Interpolation,
) -> Tensor:
    if op == Op.WARP:
        return warp(pixels_BCHW, matrix_B23, fill_C, interpolation)
    if op == Op.BLUR:
        weights = blur_weights(argument_B, pixels_BCHW.shape[-1])
        return resample(pixels_BCHW, weights, weights)
    if op in _PLAIN:
        return _PLAIN[op](pixels_BCHW)
    return _WITH_ARGUMENT[op](pixels_BCHW, argument_B)
