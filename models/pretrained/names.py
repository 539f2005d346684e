"""Names and forms in which others keep the weights of the same transformer.

DeiT and timm name the layers alike, and so does this package. What differs: layer scale (DeiT III,
BEiT: a factor for each channel of what a block adds), the distillation token, whether the last norm
is called ``norm`` or, after mean pooling, ``fc_norm``; and in models pretrained by reconstruction
(BEiT, SimMIM, MAE) a decoder, biases of queries and values alone, and one relative position table
for all blocks.
"""

import re
from typing import NamedTuple

import torch
from torch import Tensor

from trivit.models.errors import ModelsError
from trivit.models.layers.relative_position import TABLE

_DISTILLATION = ("dist_token", "head_dist.weight", "head_dist.bias")

# Follow from the sizes, or count.
_BUFFER = re.compile(r"(.*\.)?(relative_position_index|num_batches_tracked)|n_averaged")

_REGISTERS = re.compile(r"(.*\.)?(reg_token|register_tokens|storage_tokens)")

# Of pretraining by reconstruction.
_DECODER = re.compile(r"decoder[._].*|mask_token")

_BLOCK = re.compile(r"blocks\.(\d+)\.")


_SHARED_TABLE = f"rel_pos_bias.{TABLE}"

_LAYER_SCALE = re.compile(r"(blocks\.\d+)\.(?:ls([12])\.gamma|gamma_([12]))")


class Converted(NamedTuple):
    """A state dict in this package's names, and what became of the checkpoint's.

    Attributes:
        tensors: by name.
        renamed: names that were replaced.
        folded: factors that went into the product before them.
        left_out: names that have no place here.
    """

    tensors: dict[str, Tensor]
    renamed: tuple[str, ...]
    folded: tuple[str, ...]
    left_out: tuple[str, ...]


def converted(tensors: dict[str, Tensor], last_norm: str, drop_distillation: bool) -> Converted:
    """Return a state dict in this package's names.

    Args:
        tensors: from ``read_weights``.
        last_norm: what the model calls it, ``norm`` or ``fc_norm``.
        drop_distillation: see ``without_distillation``.

    Raises:
        ModelsError: see the functions below.
    """
    tensors = {name: value for name, value in tensors.items() if not is_buffer(name)}
    refuse_registers(tensors)
    tensors, distillation = without_distillation(tensors, drop_distillation)
    tensors, decoder = encoder_alone(tensors)
    tensors, biases = with_whole_biases(tensors)
    tensors, tables = with_own_tables(tensors)
    tensors, folded = fold_layer_scale(tensors)
    tensors, norms = with_last_norm(tensors, last_norm)
    renamed = (*biases, *tables, *norms)
    return Converted(tensors, renamed, tuple(folded), (*distillation, *decoder))


def is_buffer(name: str) -> bool:
    """Return whether a name is that of a tensor which follows from the sizes, or counts."""
    return _BUFFER.fullmatch(name) is not None


def refuse_registers(tensors: dict[str, Tensor]) -> None:
    """Refuse register tokens (DINOv2 with registers, DINOv3).

    Raises:
        ModelsError: there are some.
    """
    for name, value in tensors.items():
        if _REGISTERS.fullmatch(name):
            count = value.shape[1] if value.dim() == 3 else len(value)
            raise ModelsError(
                f"the checkpoint has {count} register tokens ({name}), which this package's models "
                "do not: choose one that was trained without registers"
            )


def encoder_alone(tensors: dict[str, Tensor]) -> tuple[dict[str, Tensor], list[str]]:
    """Return the tensors without a decoder and its mask token, and the names of these."""
    decoder = [name for name in tensors if _DECODER.fullmatch(name)]
    return {name: value for name, value in tensors.items() if name not in decoder}, decoder


def with_whole_biases(tensors: dict[str, Tensor]) -> tuple[dict[str, Tensor], list[str]]:
    """Join separate biases of queries and values, with none for the keys; return their names."""
    joined = dict(tensors)
    names = [name for name in tensors if name.endswith((".attn.q_bias", ".attn.v_bias"))]
    for name in names:
        layer, _, kind = name.rpartition(".")
        other = f"{layer}.v_bias"
        if kind == "q_bias" and other in tensors:
            query, value = joined.pop(name), joined.pop(other)
            joined[f"{layer}.qkv.bias"] = torch.cat([query, torch.zeros_like(query), value])
    return joined, names


def with_own_tables(tensors: dict[str, Tensor]) -> tuple[dict[str, Tensor], list[str]]:
    """Give each block the relative position table that all share; return the table's name."""
    if _SHARED_TABLE not in tensors:
        return tensors, []
    own = dict(tensors)
    table = own.pop(_SHARED_TABLE)
    blocks = sorted({match[1] for name in own if (match := _BLOCK.match(name))})
    return own | {f"blocks.{block}.attn.{TABLE}": table for block in blocks}, [_SHARED_TABLE]


def fold_layer_scale(tensors: dict[str, Tensor]) -> tuple[dict[str, Tensor], list[str]]:
    """Multiply layer scale into the products before it; return the rest and the folded names.

    Raises:
        ModelsError: a factor without its product, or of another width.
    """
    folded = dict(tensors)
    names = [name for name in tensors if _LAYER_SCALE.fullmatch(name)]
    for name in names:
        match = _LAYER_SCALE.fullmatch(name)
        assert match is not None
        branch = match[2] or match[3]
        layer = f"{match[1]}." + ("attn.proj" if branch == "1" else "mlp.fc2")
        gamma = folded.pop(name)
        weight, bias = folded.get(f"{layer}.weight"), folded.get(f"{layer}.bias")
        if weight is None or bias is None or gamma.shape != bias.shape:
            raise ModelsError(f"the checkpoint has {name}, but no {layer} that it could scale")
        wide = torch.promote_types(weight.dtype, torch.float32)
        folded[f"{layer}.weight"] = weight.to(wide) * gamma.to(wide).unsqueeze(1)
        folded[f"{layer}.bias"] = bias.to(wide) * gamma.to(wide)
    return folded, names


def without_distillation(
    tensors: dict[str, Tensor], drop: bool
) -> tuple[dict[str, Tensor], list[str]]:
    """Return the tensors without the distillation token, its position and head, and their names.

    Args:
        tensors: a state dict.
        drop: leave them out, though the model then computes something else; else refuse.

    Raises:
        ModelsError: there is a distillation token, and it may not be dropped.
    """
    names = [name for name in _DISTILLATION if name in tensors]
    if not names:
        return tensors, []
    if not drop:
        raise ModelsError(
            f"the checkpoint is of a distilled DeiT ({names[0]}), and this model has no "
            "distillation token: take the DeiT without distillation, or allow dropping it "
            "(--drop-distillation) and fine-tune"
        )
    rest = {name: value for name, value in tensors.items() if name not in names}
    positions = rest.get("pos_embed")
    if positions is not None and "dist_token" in names:
        rest["pos_embed"] = torch.cat([positions[:, :1], positions[:, 2:]], dim=1)
    return rest, names


def with_last_norm(tensors: dict[str, Tensor], wanted: str) -> tuple[dict[str, Tensor], list[str]]:
    """Call the last norm ``norm`` or ``fc_norm``; return the tensors and the renamed ones' names.

    Args:
        tensors: a state dict.
        wanted: the name that the model has.
    """
    other = "norm" if wanted == "fc_norm" else "fc_norm"
    if any(name.startswith(f"{wanted}.") for name in tensors):
        return tensors, []
    names = [name for name in tensors if name.startswith(f"{other}.")]
    renamed = {
        f"{wanted}.{name.partition('.')[2]}" if name in names else name: value
        for name, value in tensors.items()
    }
    return renamed, names
