"""Training in PyTorch float32 beside training on the device: what fixed point is compared with.

The same steps as :class:`~trivit.host.training.session.TrainingSession`: the same weights at the
start, images, targets and rates, batch size 1, torch.optim.SGD. Nothing is rounded but the start.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from trivit.host.fixed_point import Int16
from trivit.host.oracle.training.loss import TARGET_FRAC
from trivit.host.training.session import StepResult
from trivit.models.families.vision_transformer import ViTConfig
from trivit.models.training.flat_weights import is_decayed
from trivit.tools.errors import ToolsError
from trivit.tools.study.on_device.forward import logits

_TEST_BATCH = 250


class FloatTwin:
    """A training run in float32: weights, momentum, number of steps done."""

    def __init__(
        self,
        config: ViTConfig,
        start: Mapping[str, Tensor],
        image_frac: int,
        *,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        token_keep_ratio: float = 1.0,
    ) -> None:
        """Start from the weights ``start``, under timm's names.

        Args:
            config: sizes of the model.
            start: float32 tensors.
            image_frac: fraction bits of the images.
            momentum: of SGD.
            weight_decay: of matrices.
            token_keep_ratio: of every selector.
        """
        self.steps = 0
        self._config, self._keep, self._image_scale = config, token_keep_ratio, 2.0**-image_frac
        # Each part is one buffer of which the weights are views, so SGD has two tensors, not 80.
        decayed = {n: w for n, w in start.items() if is_decayed(n, w)}
        others = {n: w for n, w in start.items() if n not in decayed}
        self._parts = [_Flat(decayed), _Flat(others)]
        self.weights = self._parts[0].views | self._parts[1].views
        self._optimizer = torch.optim.SGD(
            [
                {"params": [part.values], "weight_decay": decay}
                for part, decay in zip(self._parts, (weight_decay, 0.0), strict=True)
            ],
            lr=0.0,
            momentum=momentum,
            fused=True,
        )

    def step(self, image: Int16, target: Int16, learning_rate: float) -> StepResult:
        """Take a training step; arguments and result as for the device's."""
        images_BCHW = torch.from_numpy(image[None] * np.float32(self._image_scale))
        target_BK = torch.from_numpy(target[None] * np.float32(2.0**-TARGET_FRAC))
        for part in self._parts:
            part.gradient.zero_()
        scores_BK = logits(self.weights, self._config, images_BCHW, self._keep)
        loss = F.cross_entropy(scores_BK, target_BK)
        loss.backward()
        norm = math.hypot(*(float(torch.linalg.vector_norm(p.gradient)) for p in self._parts))
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate
        self._optimizer.step()
        self.steps += 1
        return StepResult(
            logits=scores_BK.detach().double().numpy()[0],
            loss=loss.item(),
            gradient_norm=norm,
            saturated=0,
            moves=(),
        )

    def predictions(self, images: Int16) -> NDArray[np.int64]:
        """Return the class (N,) of each of the images (N, channels, height, width)."""
        found = []
        with torch.no_grad():
            for start in range(0, len(images), _TEST_BATCH):
                part = images[start : start + _TEST_BATCH] * np.float32(self._image_scale)
                scores_BK = logits(self.weights, self._config, torch.from_numpy(part), self._keep)
                found.append(scores_BK.argmax(1).numpy())
        return np.concatenate(found)

    def to_bytes(self, identity: Mapping[str, Any]) -> bytes:
        """Return the run's state as a file; ``identity`` is what a resumed run must share."""
        described = json.dumps({"identity": dict(identity), "steps": self.steps}).encode()
        arrays: dict[str, Any] = {"described": np.frombuffer(described, np.uint8)}
        for number, part in enumerate(self._parts):
            arrays[f"values{number}"] = part.values.numpy()
            momentum = self._optimizer.state[part.values].get("momentum_buffer")
            if momentum is not None:
                arrays[f"momentum{number}"] = momentum.numpy()
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        return buffer.getvalue()

    def restore(self, path: Path, identity: Mapping[str, Any]) -> None:
        """Go on where the checkpoint at ``path`` was written.

        Raises:
            ToolsError: it is of another run.
        """
        with np.load(io.BytesIO(path.read_bytes())) as members:
            arrays = {name: members[name] for name in members.files}
        described = json.loads(arrays["described"].tobytes())
        if described["identity"] != dict(identity):
            raise ToolsError(f"the checkpoint {path} is of another run: name another --out")
        self.steps = described["steps"]
        for number, part in enumerate(self._parts):
            part.values.copy_(torch.from_numpy(arrays[f"values{number}"]))
            if f"momentum{number}" in arrays:
                momentum = torch.from_numpy(arrays[f"momentum{number}"].copy())
                self._optimizer.state[part.values]["momentum_buffer"] = momentum


class _Flat:
    """Weights in one buffer, and their gradients in another; both with views under the names."""

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        self.values = torch.cat([weight.reshape(-1) for weight in weights.values()])
        self.gradient = torch.zeros_like(self.values)
        self.values.grad = self.gradient
        self.views: dict[str, Tensor] = {}
        start = 0
        for name, weight in weights.items():
            place = slice(start, start + weight.numel())
            view = torch.nn.Parameter(self.values[place].view(weight.shape))
            view.grad = self.gradient[place].view(weight.shape)
            self.views[name] = view
            start += weight.numel()
