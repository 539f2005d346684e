"""Training in PyTorch float32 beside training on the device: what fixed point is compared with.

A learner of the same loop: the same weights at the start, images, targets and rates, batch size 1,
torch.optim.SGD. Nothing is rounded but the start and the images.
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
from trivit.host.training.bundle import TrainingBundle
from trivit.host.training.program import TrainingProgram
from trivit.host.training.session import StepResult
from trivit.host.training.variant import ClassAttention
from trivit.models.families.vision_transformer import ViTConfig
from trivit.models.training.flat_weights import is_decayed
from trivit.tools.errors import ToolsError
from trivit.tools.study.on_device.forward import Outcome, check, forward
from trivit.tools.training.export import master_weights

#: Fraction bits at which the twin says what [CLS] attends to: finer than float32.
_ATTENTION_FRAC = 30


class FloatTwin:
    """A training run in float32 from the start of a bundle: weights, momentum, steps done."""

    def __init__(
        self,
        config: ViTConfig,
        bundle: TrainingBundle,
        *,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        shown_block: int | None = None,
    ) -> None:
        """Start from the masters of ``bundle``.

        Args:
            config: sizes of the model.
            bundle: start, programs (keep ratios), fraction length of the images.
            momentum: of SGD.
            weight_decay: of matrices.
            shown_block: whose [CLS] attention the steps tell of, where the bundle's do.

        Raises:
            ToolsError: a model that the twin cannot compute, or AdamW.
        """
        check(config)
        if bundle.program.optimizer != "sgd":
            raise ToolsError("the float32 twin has SGD alone: compile with --optimizer sgd")
        self.steps = 0
        self._config, self._programs = config, {p.name: p for p in bundle.programs}
        self.program: TrainingProgram = bundle.program
        self.returns_class_attention = bundle.returns_class_attention
        self._shown = shown_block if bundle.returns_class_attention else None
        self._image_scale = np.float32(2.0 ** -bundle.program.by_name["image"].frac)
        start = master_weights(bundle)
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

    def use(self, name: str) -> None:
        """Take the steps that follow with the keep ratios of the program of this name."""
        self.program = self._programs[name]

    def find_exponents(self, image: Int16, target: Int16) -> None:
        """Do nothing: float32 has exponents."""

    def step(self, image: Int16, target: Int16, learning_rate: float) -> StepResult:
        """Take a training step; arguments and result as for the device's."""
        target_BK = torch.from_numpy(target[None] * np.float32(2.0**-TARGET_FRAC))
        for part in self._parts:
            part.gradient.zero_()
        outcome = self._forward(image, self.program)
        loss = F.cross_entropy(outcome.logits, target_BK)
        loss.backward()
        norm = math.hypot(*(float(torch.linalg.vector_norm(p.gradient)) for p in self._parts))
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate
        self._optimizer.step()
        self.steps += 1
        return StepResult(
            logits=outcome.logits.detach().double().numpy()[0],
            loss=loss.item(),
            gradient_norm=norm,
            saturated=0,
            moves=(),
            class_attention=None if outcome.cls_row is None else _moments(outcome.cls_row[0]),
        )

    def logits(self, image: Int16, program: str | None = None) -> NDArray[np.float64]:
        """Return the logits of an image, (classes,), by the keep ratios of a program."""
        with torch.no_grad():
            used = self.program if program is None else self._programs[program]
            found: NDArray[np.float64] = self._forward(image, used).logits.double().numpy()[0]
        return found

    def parameter(self, name: str) -> NDArray[np.float64]:
        """Return a parameter, (rows, columns)."""
        spec = self.program.by_name[name]
        values = self.weights[name].detach().double().numpy()
        return values.reshape(spec.rows, spec.columns)

    def _forward(self, image: Int16, program: TrainingProgram) -> Outcome:
        return forward(
            self.weights,
            self._config,
            torch.from_numpy(image[None] * self._image_scale),
            program.token_keep_ratio,
            program.attention_keep_ratio,
            self._shown,
        )

    def to_bytes(
        self, identity: dict[str, Any], more: Mapping[str, NDArray[Any]] | None = None
    ) -> bytes:
        """Return the state as a file; arguments as for the device's."""
        described = {"identity": identity, "steps": self.steps, "program": self.program.name}
        arrays: dict[str, Any] = {
            "described": np.frombuffer(json.dumps(described).encode(), np.uint8),
            **{f"more.{name}": array for name, array in (more or {}).items()},
        }
        for number, part in enumerate(self._parts):
            arrays[f"values{number}"] = part.values.numpy()
            momentum = self._optimizer.state[part.values].get("momentum_buffer")
            if momentum is not None:
                arrays[f"momentum{number}"] = momentum.numpy()
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        return buffer.getvalue()

    def restore(self, path: Path, identity: dict[str, Any]) -> dict[str, NDArray[Any]]:
        """Go on where the checkpoint at ``path`` was written; return its ``more``.

        Raises:
            ToolsError: it is of another run.
        """
        with np.load(io.BytesIO(path.read_bytes())) as members:
            arrays = {name: members[name] for name in members.files}
        described = json.loads(arrays["described"].tobytes())
        if described["identity"] != identity:
            raise ToolsError(f"the checkpoint {path} is of another run: name another --out")
        self.steps = described["steps"]
        self.use(described["program"])
        for number, part in enumerate(self._parts):
            part.values.copy_(torch.from_numpy(arrays[f"values{number}"]))
            if f"momentum{number}" in arrays:
                momentum = torch.from_numpy(arrays[f"momentum{number}"].copy())
                self._optimizer.state[part.values]["momentum_buffer"] = momentum
        return {n.removeprefix("more."): a for n, a in arrays.items() if n.startswith("more.")}


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


def _moments(row_N: Tensor) -> ClassAttention:
    """Return what the device says of a [CLS] row, of float32 probabilities."""
    row = row_N.double()
    return ClassAttention(
        tokens=len(row),
        heads=1,
        frac=_ATTENTION_FRAC,
        total=round(float(row.sum()) * 2.0**_ATTENTION_FRAC),
        squares=round(float(row.square().sum()) * 4.0**_ATTENTION_FRAC),
    )
