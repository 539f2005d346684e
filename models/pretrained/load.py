"""Fitting a state dict to a model, and saying what became of each part of it."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from trivit.models.errors import ModelsError
from trivit.models.layers.relative_position import TABLE
from trivit.models.layers.sparse_transformer import SparseTransformer
from trivit.models.model_config import ModelConfig
from trivit.models.pretrained.names import converted, is_buffer
from trivit.models.pretrained.positions import Grid, fit_positions, fit_table
from trivit.models.pretrained.sections import GivenWeights, Weights, read_weights
from trivit.models.pretrained.soundness import all_zero, ill_scaled, listed, refuse_impossible


@dataclass(frozen=True)
class PretrainedReport:
    """What became of a checkpoint.

    Attributes:
        path: where it was.
        source: section and prefix that the tensors had there; empty for a plain state dict.
        others: other sections, which were not taken.
        loaded: tensors of the model that it set.
        resized: those of them that come from another image size, or with other tokens.
        renamed: names of the checkpoint that the model calls otherwise.
        zeroed: parameters that are zero as the checkpoint's model does without them.
        folded: factors of layer scale that were multiplied into the product before.
        initialised: parameters of the model that it says nothing of, which keep their values.
        left_out: what the model has no place for.
        zero: weights that are nothing but zeros.
        ill_scaled: weights of a size that trained ones do not have.
    """

    path: Path
    loaded: int
    source: str = ""
    others: tuple[str, ...] = ()
    resized: tuple[str, ...] = ()
    renamed: tuple[str, ...] = ()
    zeroed: tuple[str, ...] = ()
    folded: tuple[str, ...] = ()
    initialised: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    zero: tuple[str, ...] = ()
    ill_scaled: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Return it for people, one line for each thing that is not plain copying."""
        parts = {
            "resized": self.resized,
            "renamed": self.renamed,
            "not in its model, set to zero": self.zeroed,
            "folded into the product before": self.folded,
            "not in the checkpoint, newly initialised": self.initialised,
            "of the checkpoint, left out": self.left_out,
            f"{len(self.zero)} with nothing but zeros, check the checkpoint": self.zero,
            f"{len(self.ill_scaled)} of an unusual scale, check the checkpoint": self.ill_scaled,
        }
        shown = [f"{self.loaded} tensors of {self.path}"]
        if self.source or self.others:
            shown.append(f"taken: {self.source or 'those at the top'}")
        if self.others:
            shown.append(
                f"not taken: {listed(self.others)} (--weights or training.init_weights chooses)"
            )
        return shown + [f"{what}: {listed(names)}" for what, names in parts.items() if names]


def load_pretrained(
    model: SparseTransformer,
    path: Path | str,
    *,
    drop_distillation: bool = False,
    weights: Weights = "auto",
    grid: Grid | None = None,
) -> PretrainedReport:
    """Set the weights of ``model`` from a checkpoint of timm, DeiT or this package.

    DeiT, DeiT III, ViT, BEiT, and the encoders of SimMIM and MAE, which the PSS paper fine-tunes.
    Position embeddings and relative position tables are moved to the model's image size, and gain
    or lose the place of [CLS]. A head of another number of classes keeps its initial values, and so
    do [CLS] and relative position tables that the checkpoint does not have. Anything else that does
    not fit is refused, and the model is left as it was.

    Args:
        model: any device.
        path: see ``read_weights``.
        drop_distillation: take a distilled DeiT without its second token and head.
        weights: which, where the checkpoint holds several: see ``read_weights``.
        grid: rows and columns of the checkpoint's patches (``None``: as its positions' number
            says).

    Raises:
        ModelsError: the checkpoint cannot be read, is of another architecture or size, is of a
            distilled DeiT that may not be reduced, has values that are not finite, or positions
            whose grid is not clear.
    """
    path = Path(path)
    try:
        return _fit(model, read_weights(path, weights), path, drop_distillation, grid)
    except ModelsError as error:
        text = str(error)
        raise ModelsError(text if str(path) in text else f"{path}: {text}") from None


def _fit(
    model: SparseTransformer,
    source: GivenWeights,
    path: Path,
    drop_distillation: bool,
    grid: Grid | None,
) -> PretrainedReport:
    own = model.state_dict()
    last_norm = "norm" if model.config.classifier.pooling == "cls" else "fc_norm"
    given = converted(source.tensors, last_norm, drop_distillation)
    tensors, zeroed = given.tensors, []
    left_out = [name for name in tensors if _may_stay_out(name, tensors[name], own)]
    has_class_token = "cls_token" in tensors
    tensors = {name: value for name, value in tensors.items() if name not in left_out}
    layer_scale = bool(given.folded)
    resized = _resize(tensors, own, model.config, has_class_token, layer_scale, grid)
    if "pos_embed" not in tensors and any(name.endswith(TABLE) for name in tensors):
        tensors["pos_embed"] = torch.zeros_like(own["pos_embed"], device="cpu")
        zeroed.append("pos_embed")
    _refuse_misfits(tensors, own)
    refuse_impossible(tensors)
    missing = [name for name in own if name not in tensors]
    needed = [name for name in missing if not _may_be_missing(name)]
    if needed:
        raise ModelsError(f"the checkpoint lacks {listed(needed)}: choose the model it was of")
    model.load_state_dict(tensors, strict=False)
    return PretrainedReport(
        path,
        loaded=len(tensors),
        source=source.source(),
        others=source.others,
        resized=tuple(resized),
        renamed=given.renamed,
        zeroed=tuple(zeroed),
        folded=given.folded,
        initialised=tuple(missing),
        left_out=(
            *(name for name in source.left_out if not is_buffer(name)),
            *given.left_out,
            *left_out,
        ),
        zero=all_zero(tensors, zeroed),
        ill_scaled=ill_scaled(tensors, layer_scaled=layer_scale),
    )


def _resize(
    tensors: dict[str, Tensor],
    own: dict[str, Tensor],
    config: ModelConfig,
    has_class_token: bool,
    layer_scale: bool,
    grid: Grid | None,
) -> list[str]:
    """Bring what depends on the image size to the model's, in place; return the changed names."""
    side = config.embedding.side
    changed: list[str] = []
    for name, value in tensors.items():
        if name == "pos_embed" and own[name].dim() != 3:
            continue  # of a family whose positions do not move between image sizes
        if name == "pos_embed":
            fitted = fit_positions(
                value,
                own[name],
                side,
                prefix=config.prefix_tokens,
                given_has_class_token=has_class_token,
                layer_scale=layer_scale,
                grid=grid,
            )
        elif name.endswith(TABLE) and name in own:
            fitted = fit_table(value, own[name], side, grid)
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
            f"the checkpoint has {listed(unexpected)}, which this model does not: "
            "choose the model it was of"
        )
    for name, value in tensors.items():
        if value.shape != own[name].shape:
            raise ModelsError(
                f"{name} has shape {tuple(value.shape)} in the checkpoint and "
                f"{tuple(own[name].shape)} in the model: choose the model it was of"
            )
