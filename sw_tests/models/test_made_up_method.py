"""A method that the package does not know: tokens are kept by the norm of their values.

All of it is in this file, as a new method's would be in its own. It trains, resumes and composes
with every other method, is refused by the accelerator by name, and appears in the comparisons.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from torch import Tensor

from trivit.models.accelerator import check_supported
from trivit.models.errors import ModelsError
from trivit.models.families import build_model, model_config
from trivit.models.methods.attention_view import AttentionView, Probe
from trivit.models.methods.comparison import MethodRow
from trivit.models.methods.table import method_rows
from trivit.models.methods.tokens.selection import TOKEN_SCORES, TokenScore

from .composition import TOKENS, check, compositions_with

NAME = "value_norm"


def value_norms(values_BHNE: Tensor) -> Tensor:
    """Return the norm of each patch token's values over all heads, (B, N)."""
    return values_BHNE.square().sum(dim=(1, 3)).sqrt()


class ValueNorm(TokenScore):
    """Ranks by the norm of the values."""

    probe: ClassVar = Probe.VALUES
    rows: ClassVar = (
        MethodRow(
            name="token_value_norm",
            level="token",
            text="token 0.7, norm of the values",
            settings={"model": {"token_keep_ratio": 0.7, "token_score": NAME}},
        ),
    )

    def scores(self, view: AttentionView) -> Tensor:
        """Return the norms, (B, N)."""
        assert view.values_BHNE is not None
        return value_norms(view.values_BHNE)


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    torch.set_num_threads(1)
    TOKEN_SCORES.add(NAME, ValueNorm())
    yield
    TOKEN_SCORES.remove(NAME)


def test_the_tokens_of_the_largest_values_stay() -> None:
    torch.manual_seed(0)
    model = build_model("micro_28", token_score=NAME, selector_blocks=(0,), token_keep_ratio=0.2)
    images = torch.randn(3, 1, 28, 28)
    (kept,) = model.eval().forward_details(images, track_tokens=True).kept_tokens
    block = model.blocks[0]  # type: ignore[index]
    values = block.attn.heads(block.norm1(model.embed(images).x))[2][:, :, 1:]
    for image, chosen in zip(values, kept.tolist(), strict=True):
        norms = [float(image[:, patch].norm()) for patch in range(49)]
        largest = sorted(range(49), key=lambda patch: -norms[patch])[: len(chosen)]
        assert chosen == sorted(largest)


def test_composes_with_every_other_method(tmp_path: Path) -> None:
    settings = (TOKENS, f"model.token_score={NAME}")
    names = []
    for name, config in compositions_with("tokens", NAME, settings):
        check(config, tmp_path / name)
        names.append(name)
    assert len(names) > 5


def test_is_compared_and_refused_by_name() -> None:
    assert method_rows()["token_value_norm"].level == "token"
    with pytest.raises(ModelsError, match=r"model.token_score is 'value_norm', .* use 'cls'"):
        check_supported(model_config("micro_28", token_score=NAME))
    with pytest.raises(ModelsError, match=r"token_score is 'other': choose one of .*value_norm"):
        model_config("micro_28", token_score="other")
