"""Names and forms in which others keep the weights of the same transformer.

DeiT and timm name the layers alike, and so does this package. What differs: prefixes of wrappers,
layer scale (DeiT III: a factor for each channel of what a block adds), the distillation token, and
whether the last norm is called ``norm`` or, after mean pooling, ``fc_norm``.
"""

import re

import torch
from torch import Tensor

from trivit.models.errors import ModelsError

# Of DataParallel, of torch.compile, and of averaging.
_WRAPPERS = ("module.", "_orig_mod.", "model.")

_DISTILLATION = ("dist_token", "head_dist.weight", "head_dist.bias")

# Follow from the sizes, or serve another task than classification.
_IGNORED = re.compile(r"(.*\.)?(relative_position_index|num_batches_tracked)|mask_token|n_averaged")

_LAYER_SCALE = re.compile(r"(blocks\.\d+)\.(?:ls([12])\.gamma|gamma_([12]))")


def unwrapped(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors without prefixes that all of them share, and without buffers."""
    tensors = {name: value for name, value in tensors.items() if not _IGNORED.fullmatch(name)}
    changed = True
    while changed and tensors:
        changed = False
        for prefix in _WRAPPERS:
            if all(name.startswith(prefix) for name in tensors):
                tensors = {name.removeprefix(prefix): value for name, value in tensors.items()}
                changed = True
    return tensors


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
