"""Draws of the host on the training device, without waiting for it."""

import numpy as np
import torch
from torch import Tensor


def upload(values: np.ndarray, device: torch.device) -> Tensor:
    """Return ``values`` on ``device``, float64 as float32, other types as they are.

    A copy from pinned memory is queued behind the device's work; one from pageable memory would
    make the host wait.
    """
    tensor = torch.from_numpy(np.ascontiguousarray(values))
    if tensor.dtype == torch.float64:
        tensor = tensor.float()
    if device.type == "cuda":
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)
