"""Small exported models as training programs, and the same models in float64 autograd."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from exported_model import MEAN, STD, Exported, build
from numpy.typing import NDArray
from torch import Tensor

from trivit.host.fixed_point import Int16, to_real
from trivit.host.oracle.selection import unpack_mask
from trivit.host.training.backends import TrainingBackend
from trivit.host.training.operand_formats import MASTER_BITS
from trivit.host.training.session import TrainingSession
from trivit.host.training.state import TrainingState
from trivit.host.training.update_shifts import UpdateSettings
from trivit.tools.compiler.graph import load_graph
from trivit.tools.compiler.ir import (
    AllTokens,
    Attention,
    Gather,
    Gelu,
    LayerNorm,
    Linear,
    MeanPool,
    Model,
    PatchEmbed,
    SelectConnections,
    SelectTokens,
)
from trivit.tools.compiler.recogniser import recognise
from trivit.tools.training.builder import Optimizer
from trivit.tools.training.derive import Derived, derive

DENSE = {"selector_blocks": (), "token_keep_ratio": 1.0, "attention_keep_ratio": 1.0}
PRUNED = {"selector_blocks": (0,), "token_keep_ratio": 0.7, "attention_keep_ratio": 1.0}
PSS = {**DENSE, "relative_position_bias": True, "pooling": "mean"}
CONNECTIONS = {"selector_blocks": (0,), "token_keep_ratio": 0.7, "attention_keep_ratio": 0.2}


@dataclass(frozen=True)
class TrainingModel:
    """An exported model, as the compiler recognised it, and its derived training program."""

    exported: Exported
    model: Model
    derived: Derived

    def session(
        self,
        backend: TrainingBackend,
        seed: int = 0,
        clip_norm: float | None = None,
        clip_fused: bool = True,
        accumulate: int = 1,
        **settings: Any,
    ) -> TrainingSession:
        """Return a session on a backend; ``settings`` are those of the update."""
        return TrainingSession(
            self.derived.program,
            self.derived.masters,
            backend,
            UpdateSettings(**settings),
            seed=seed,
            clip_norm=clip_norm,
            clip_fused=clip_fused,
            accumulate=accumulate,
        )

    def image(self, number: int) -> Int16:
        """Return an image as the device gets it, (channels, height, width)."""
        embedding = self.model.operations[0]
        assert isinstance(embedding, PatchEmbed)
        real = (self.exported.pixels[number] / 255.0 - MEAN) / STD
        steps = np.rint(real * 2.0**embedding.image_frac)
        return np.clip(steps, -32768, 32767).astype(np.int16)


@cache
def training_model(
    masters: int = 32, vector_frac: int = 15, optimizer: Optimizer = "sgd", **sizes: Any
) -> TrainingModel:
    """Return a small model; ``sizes`` as for :func:`exported_model.build`."""
    exported = build(**sizes)
    with TemporaryDirectory() as folder:
        model = recognise(load_graph(exported.save(Path(folder))))
    derived = derive(
        model,
        masters=16 if masters == 16 else 32,
        vector_frac=vector_frac,
        optimizer=optimizer,
    )
    return TrainingModel(exported, model, derived)


def float_gradients(
    model: Model,
    parameters: Mapping[str, NDArray[np.float64]],
    image: NDArray[np.float64],
    target: NDArray[np.float64],
    chosen: Mapping[str, NDArray[Any]],
) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float64]]]:
    """Return the logits and every parameter's gradient by float64 autograd, nothing rounded.

    Args:
        model: operations before fusion.
        parameters: values, (rows, columns) by name.
        image: (channels, height, width).
        target: (classes,) probabilities.
        chosen: the rows that each selection keeps, the pairs that it leaves open.
    """
    p = {
        name: torch.from_numpy(value.copy()).requires_grad_() for name, value in parameters.items()
    }
    t: dict[str, Tensor] = {}
    for o in model.operations:
        match o:
            case PatchEmbed():
                patches = _patches(torch.from_numpy(image), o.patch)
                rows = patches @ p[o.weight.name].T
                rows = rows if o.bias is None else rows + p[o.bias.name][0]
                rows = torch.cat([p[o.cls_token.name], rows])
                t[o.output.name] = rows + p[o.pos_embed.name]
            case LayerNorm():
                x = t[o.x.name][: o.output.rows]
                gamma, beta = p[o.gamma.name][0], p[o.beta.name][0]
                t[o.output.name] = F.layer_norm(x, gamma.shape, gamma, beta, o.epsilon)
            case Linear():
                y = t[o.x.name] @ p[o.weight.name].T
                y = y if o.bias is None else y + p[o.bias.name][0]
                t[o.output.name] = y if o.residual is None else y + t[o.residual.name]
            case MeanPool(weights=weights):
                share = torch.from_numpy(weights.integers * 2.0**-weights.frac)
                t[o.output.name] = share[None] @ t[o.x.name]
            case Gelu():
                t[o.output.name] = F.gelu(t[o.x.name])
            case Attention():
                qkv = t[o.qkv.name].reshape(o.tokens, 3, o.heads, o.head_dim).permute(1, 2, 0, 3)
                scores = o.scale * qkv[0] @ qkv[1].transpose(1, 2)
                if o.bias is not None:  # the table is in the units of scaled scores
                    assert o.bias.lookup is not None
                    scores = scores + p[o.bias.name].flatten()[o.bias.lookup.places]
                if o.mask is not None:
                    open_pairs = torch.from_numpy(chosen[o.mask.name])
                    scores = torch.where(open_pairs, scores, -torch.inf)
                probs = torch.softmax(scores, -1)
                t[o.output.name] = (probs @ qkv[2]).transpose(0, 1).reshape(o.tokens, -1)
            case SelectTokens() | SelectConnections() | AllTokens():
                pass
            case Gather():
                t[o.output.name] = t[o.x.name][torch.from_numpy(chosen[o.index.name])]
            case _:
                raise AssertionError(type(o))
    logits = t[model.logits.name]
    F.cross_entropy(logits, torch.from_numpy(target)[None]).backward()
    gradients = {name: tensor.grad.numpy() for name, tensor in p.items() if tensor.grad is not None}
    assert gradients.keys() == parameters.keys()
    return logits.detach().numpy()[0], gradients


def _patches(image_CHW: Tensor, patch: int) -> Tensor:
    return F.unfold(image_CHW[None], patch, stride=patch)[0].T


def real_master(state: TrainingState, name: str) -> NDArray[np.float64]:
    """Return the value of a parameter's master, (rows, columns)."""
    planes = any(t.role == "low" and t.of == name for t in state.program.tensors)
    frac = state.formats[name] + (MASTER_BITS if planes else 0)
    return state.master(name).astype(np.float64) * 2.0**-frac


def device_gradients(
    session: TrainingSession, formats: Mapping[str, int] | None = None
) -> dict[str, NDArray[np.float64]]:
    """Return every parameter's gradient of the last step, (rows, columns) by name.

    ``formats``: fraction lengths of that step, where the host has moved some since.
    """
    found = {}
    formats = session.state.formats if formats is None else formats
    view = session.state.arena.view
    for operation in session.program.operations:
        if operation.phase == "update":
            operand = operation.operands["gradient"]
            integers = view(session.state.memory, operand.tensor)
            rows = to_real(integers, formats[operand.tensor])[operand.first :]
            rows = rows if operand.rows is None else rows[: operand.rows]
            found[operation.operands["high"].tensor] = rows
    return found


def chosen_rows(session: TrainingSession) -> dict[str, NDArray[Any]]:
    """Return what each selection of the last step chose: rows, or open pairs as truth values."""
    found: dict[str, NDArray[Any]] = {}
    for tensor in session.program.tensors:
        integers = session.state.arena.view(session.state.memory, tensor.name)
        if tensor.role == "index":
            found[tensor.name] = integers[0].astype(np.int64)
        elif tensor.role == "mask":
            found[tensor.name] = unpack_mask(integers, tensor.rows)
    return found


def cosine(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Return the cosine of two tensors."""
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))
