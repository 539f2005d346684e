"""The augmentation as a few Triton kernels, for CUDA.

With PyTorch's operations a batch of DeiT's recipe is hundreds of launches, most of which move the
whole batch through memory. Here it is two launches for the crop, two for each layer of the policy,
and one for all that follows. Draws and formulas are those of the operations, which are the
reference: `sw_tests/augmentation/test_kernels.py` compares them under Triton's interpreter.
"""

import importlib.util

from torch import Tensor

MOST_SIDE = 1024
"""Of images: beyond, a row does not fit into a program."""


def usable(pixels_BCHW: Tensor) -> bool:
    """Return whether the kernels serve for such images where they are."""
    _, channels, height, width = pixels_BCHW.shape
    return (
        pixels_BCHW.is_cuda
        and channels in (1, 3)
        and max(height, width) <= MOST_SIDE
        and importlib.util.find_spec("triton") is not None
    )
