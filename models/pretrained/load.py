"""Fitting a state dict to a model, and saying what became of each part of it."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from trivit.models.errors import ModelsError
from trivit.models.pretrained.files import read_state_dict
from trivit.models.pretrained.names import TABLE, converted, unwrapped
from trivit.models.pretrained.positions import fit_positions, fit_table
from trivit.models.vision_transformer import VisionTransformer
from trivit.models.vit_config import ViTConfig

_NAMED = 4  # keys that a message lists


@dataclass(frozen=True)
class PretrainedReport:
    """What became of a checkpoint.

    Attributes:
        path: where it was.
        loaded: tensors of the model that it set.
        resized: those of them that come from another image size, or with other tokens.
        renamed: names of the checkpoint that the model calls otherwise.
        zeroed: parameters that are zero as the checkpoint's model does without them.
        folded: factors of layer scale that were multiplied into the product before.
        initialised: parameters of the model that it says nothing of, which keep their values.
        left_out: what the model has no place for.
    """

    path: Path
    loaded: int
    resized: tuple[str, ...] = ()
    renamed: tuple[str, ...] = ()
    zeroed: tuple[str, ...] = ()
    folded: tuple[str, ...] = ()
    initialised: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Return it for people, one line for each thing that is not plain copying."""
        parts = {
            "resized": self.resized,
            "renamed": self.renamed,
            "not in its model, set to zero": self.zeroed,
            "folded into the product before": self.folded,
            "not in the checkpoint, newly initialised": self.initialised,
            "of the checkpoint, left out": self.left_out,
        }
        shown = [f"{self.loaded} tensors of {self.path}"]
        return shown + [f"{what}: {_listed(names)}" for what, names in parts.items() if names]


def load_pretrained(
    model: VisionTransformer, path: Path | str, *, drop_distillation: bool = False
) -> PretrainedReport:
    """Set the weights of ``model`` from a checkpoint of timm, DeiT or this package.

    DeiT, DeiT III, ViT, BEiT, and the encoders of SimMIM and MAE, which the PSS paper fine-tunes.
    Position embeddings and relative position tables are moved to the model's image size, and gain
    or lose the place of [CLS]. A head of another number of classes keeps its initial values, and so
    do [CLS] and relative position tables that the checkpoint does not have. Anything else that does
    not fit is refused, and the model is left as it was.

    Args:
        model: any device.
        path: see ``read_state_dict``.
        drop_distillation: take a distilled DeiT without its second token and head.

    Raises:
        ModelsError: the checkpoint cannot be read, is of another architecture or size, is of a
            distilled DeiT that may not be reduced, or has values that are not finite.
    """
    path = Path(path)
    try:
        return _fit(model, unwrapped(read_state_dict(path)), path, drop_distillation)
    except ModelsError as error:
        text = str(error)
        raise ModelsError(text if str(path) in text else f"{path}: {text}") from None


def _fit(
    model: VisionTransformer, tensors: dict[str, Tensor], path: Path, drop_distillation: bool
) -> PretrainedReport:
    own = model.state_dict()
    last_norm = "norm" if model.config.pooling == "cls" else "fc_norm"
    given = converted(tensors, last_norm, drop_distillation)
    tensors, zeroed = given.tensors, []
    if "pos_embed" not in tensors and any(name.endswith(TABLE) for name in tensors):
        tensors["pos_embed"] = torch.zeros_like(own["pos_embed"], device="cpu")
        zeroed.append("pos_embed")
    left_out = [name for name in tensors if _may_stay_out(name, tensors[name], own)]
    has_class_token = "cls_token" in tensors
    tensors = {name: value for name, value in tensors.items() if name not in left_out}
    resized = _resize(tensors, own, model.config, has_class_token)
    _refuse_misfits(tensors, own)
    missing = [name for name in own if name not in tensors]
    needed = [name for name in missing if not _may_be_missing(name)]
    if needed:
        raise ModelsError(f"the checkpoint lacks {_listed(needed)}: choose the model it was of")
    model.load_state_dict(tensors, strict=False)
    return PretrainedReport(
        path,
        loaded=len(tensors),
        resized=tuple(resized),
        renamed=given.renamed,
        zeroed=tuple(zeroed),
        folded=given.folded,
        initialised=tuple(missing),
        left_out=(*given.left_out, *left_out),
    )


def _resize(
    tensors: dict[str, Tensor], own: dict[str, Tensor], config: ViTConfig, has_class_token: bool
) -> list[str]:
    """Bring what depends on the image size to the model's, in place; return the changed names."""
    side = config.image_size // config.patch_size
    changed: list[str] = []
    for name, value in tensors.items():
        if name == "pos_embed":
            fitted = fit_positions(
                value,
                own[name],
                side,
                prefix=config.prefix_tokens,
                given_has_class_token=has_class_token,
            )
        elif name.endswith(TABLE) and name in own:
            fitted = fit_table(value, own[name], side)
        else:
            continue
        if fitted.shape != value.shape:
            changed.append(name)
        tensors[name] = fitted
    return changed


def _may_stay_out(name: str, value: Tensor, own: dict[str, Tensor]) -> bool:
    if name in ("head.weight", "head.bias"):
        return value.shape != own[name].shape
    return name == "cls_token" and name not in own


def _may_be_missing(name: str) -> bool:
    return name.startswith("head.") or name == "cls_token" or name.endswith(TABLE)


def _refuse_misfits(tensors: dict[str, Tensor], own: dict[str, Tensor]) -> None:
    unexpected = [name for name in tensors if name not in own]
    if unexpected:
        raise ModelsError(
            f"the checkpoint has {_listed(unexpected)}, which this model does not: "
            "choose the model it was of"
        )
    for name, value in tensors.items():
        if value.shape != own[name].shape:
            raise ModelsError(
                f"{name} has shape {tuple(value.shape)} in the checkpoint and "
                f"{tuple(own[name].shape)} in the model: choose the model it was of"
            )
        if not bool(torch.isfinite(value).all()):
            raise ModelsError(f"{name} has values in the checkpoint that are not finite")


def _listed(names: list[str] | tuple[str, ...]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
