"""Token and connection selection: the rule, its ties, and its gradient."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from trivit.models.families.vision_transformer import VisionTransformer
from trivit.models.quantization.calibration import calibrate
from trivit.models.quantization.selection import gather_rows, kept_rows, open_connections
from trivit.models.quantization.trace import trace
from trivit.models.quantization.vision_transformer import QuantVisionTransformer


def best(scores: list[int], count: int, live: Collection[int] | None = None) -> set[int]:
    """Indices of the largest live scores, equal ones in favour of the lower index."""
    candidates = range(len(scores)) if live is None else live
    return set(sorted(candidates, key=lambda i: (-scores[i], i))[:count])


@st.composite
def attention(draw: st.DrawFn) -> Tensor:
    """Few distinct values, so that ties are everywhere."""
    patches = draw(st.integers(2, 9))
    values = st.lists(st.integers(0, 3), min_size=(patches + 1) ** 2, max_size=(patches + 1) ** 2)
    return torch.tensor(draw(values), dtype=torch.float64).view(1, patches + 1, patches + 1)


@settings(deadline=None, max_examples=60)
@given(attention(), st.data())
def test_rows_and_mask_follow_the_rule(attention_BLL: Tensor, data: st.DataObject) -> None:
    patches = attention_BLL.shape[1] - 1
    keep = data.draw(st.integers(1, patches))
    keys = data.draw(st.integers(1, keep))
    integers = attention_BLL[0].int().tolist()

    rows = kept_rows(attention_BLL, keep)
    expected = [0, *sorted(1 + i for i in best(integers[0][1:], keep))]
    assert rows.tolist() == [expected]

    before = data.draw(st.lists(st.booleans(), min_size=81, max_size=81))
    obeyed = torch.tensor(before)[: patches**2].view(patches, patches)
    obeyed = torch.nn.functional.pad(obeyed, (1, 0, 1, 0), value=True)
    masked = data.draw(st.booleans())
    given_mask = obeyed.view(1, 1, 1 + patches, -1) if masked else None
    mask = open_connections(attention_BLL, given_mask, rows, keys)
    assert mask.dtype == torch.bool
    assert mask.shape == (1, 1, keep + 1, keep + 1)
    assert mask[0, 0, 0].all() and mask[0, 0, :, 0].all()
    for i in range(1, keep + 1):
        scores = [integers[expected[i]][expected[j]] for j in range(1, keep + 1)]
        live = {j for j in range(keep) if not masked or obeyed[expected[i], expected[j + 1]]}
        opened = {j for j in range(keep) if bool(mask[0, 0, i, j + 1])}
        assert opened == best(scores, keys, live)


def test_uniform_attention_keeps_the_first_tokens() -> None:
    uniform = torch.ones(2, 17, 17)
    assert kept_rows(uniform, 5).tolist() == [[0, 1, 2, 3, 4, 5]] * 2


def test_gather_passes_gradients_to_kept_rows_only() -> None:
    tokens = torch.randn(2, 5, 3, requires_grad=True)
    rows = torch.tensor([[0, 2], [0, 4]])
    gather_rows(tokens, rows).sum().backward()
    assert tokens.grad is not None
    expected = torch.zeros(2, 5)
    expected[0, [0, 2]] = 1
    expected[1, [0, 4]] = 1
    assert torch.equal(tokens.grad, expected.unsqueeze(-1).expand(-1, -1, 3))


def test_model_selects_on_quantized_probabilities(
    model: QuantVisionTransformer, images: torch.Tensor
) -> None:
    traced = trace(model.double(), images)
    open_before: NDArray[np.int64] | None = None
    for block in (0, 2):
        point = f"blocks.{block}"
        probs = traced[f"{point}.attn.probs"].integers.sum(axis=1)
        kept = traced[f"{point}.selector.kept"].integers
        source = traced[f"{point}.attn.proj"].integers
        keep = 12 if block == 0 else 9
        keys = 6 if block == 0 else 5
        mask = traced[f"{point}.selector.mask"].integers
        for image in range(len(images)):
            chosen = best(probs[image, 0, 1:].tolist(), keep)
            assert kept[image].tolist() == [0, *sorted(1 + i for i in chosen)]
            rows = source[image][kept[image]]
            assert (traced[f"{point}.selector.tokens"].integers[image] == rows).all()
            live = np.full((keep, keep), keep)
            if open_before is not None:
                live = open_before[image][np.ix_(kept[image], kept[image])][1:, 1:]
                assert not (mask[image, 1:, 1:] & ~live).any()
                live = live.sum(axis=1, keepdims=True)
                assert (live < keys).any()  # some rows have fewer left than asked for
            assert (mask[image, 1:, 1:].sum(axis=1) == np.minimum(live[:, 0], keys)).all()
        open_before = mask


def test_dense_variant_selects_nothing(model: QuantVisionTransformer, images: torch.Tensor) -> None:
    model.sparse = False
    traced = trace(model.double(), images)
    assert not [name for name in traced if "selector" in name]
    assert traced["blocks.3.mlp.fc2"].integers.shape[1] == 17


@pytest.mark.parametrize("token, attention_ratio", [(0.7, 1.0), (1.0, 0.5)])
def test_each_level_works_alone(
    float_model: VisionTransformer, images: torch.Tensor, token: float, attention_ratio: float
) -> None:
    config = replace(
        float_model.config, token_keep_ratio=token, attention_keep_ratio=attention_ratio
    )
    single = VisionTransformer(config).eval()
    single.load_state_dict(float_model.state_dict())
    quantized = QuantVisionTransformer.from_float(single)
    calibrate(quantized, images.float().split(3), 1.25)
    traced = trace(quantized.double(), images)
    assert ("blocks.0.selector.mask" in traced) == (attention_ratio < 1)
    assert traced["blocks.0.selector.tokens"].integers.shape[1] == (13 if token < 1 else 17)
    with torch.no_grad():
        logits = quantized(images)
        difference = (logits - single(images.float())).abs().max()
    assert difference < 0.01 * logits.abs().max()
