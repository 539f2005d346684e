"""What patches that a training never showed disturb: attention, as keys, or the mean at the end.

Shape suffixes: B images, C channels, N patch tokens, L = [CLS] + N, D width.
"""

import torch
from torch import Tensor

from trivit.models.families.vision_transformer import VisionTransformer


def separate(model: VisionTransformer, images_BCHW: Tensor, own_BN: Tensor) -> dict[str, Tensor]:
    """Return the classes (B,) that a mean-pooling ViT with [CLS] finds, all patches present.

    Args:
        model: in eval mode.
        images_BCHW: normalised images.
        own_BN: the patches that its order keeps, bool.

    Returns:
        ``keys_own``: nobody attends to the other patches, all are pooled; ``pooled_own``: all are
        attended to, only its own are pooled; ``pooled_others``: only the others are pooled.
    """
    with torch.inference_mode():
        tokens = model.embed(images_BCHW)
        tokens.mask = _open_to(own_BN)
        hidden_BND = model.run_blocks(tokens).x[:, 1:]
        unmasked_BND = model.run_blocks(model.embed(images_BCHW)).x[:, 1:]
        pooled = {
            "keys_own": hidden_BND.mean(dim=1),
            "pooled_own": _mean(unmasked_BND, own_BN),
            "pooled_others": _mean(unmasked_BND, ~own_BN),
        }
        return {n: model.head(model.fc_norm(x_BD)).argmax(dim=1) for n, x_BD in pooled.items()}


def _open_to(keys_BN: Tensor) -> Tensor:
    """Return a mask (B, 1, L, L) in which all tokens attend to [CLS] and to ``keys_BN``."""
    keys_BL = torch.nn.functional.pad(keys_BN, (1, 0), value=True)
    length = keys_BL.shape[1]
    return keys_BL[:, None, None].expand(-1, 1, length, length).contiguous()


def _mean(x_BND: Tensor, where_BN: Tensor) -> Tensor:
    weights_BN1 = where_BN.to(x_BND.dtype).unsqueeze(-1)
    return (x_BND * weights_BN1).sum(dim=1) / weights_BN1.sum(dim=1)
