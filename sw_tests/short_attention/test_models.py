"""Models that compute attention by the kernels, and who may ask for that."""

from typing import Any

import pytest
import torch

from trivit.models.errors import ModelsError
from trivit.models.experiment.config import TrainingConfig
from trivit.models.families import build_model
from trivit.models.layers.attention import Attention
from trivit.models.layers.short_attention import selection
from trivit.models.layers.sparse_transformer import SparseTransformer
from trivit.models.training.device import use_attention

from .interpreter import needs_interpreter, report_of

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    needs_interpreter()
    return report_of("model_checks.py")


@pytest.mark.parametrize(
    "name", ["tokens and connections", "bias, patches, fused", "no class token"]
)
def test_models_agree_with_pytorch(report: dict[str, Any], name: str) -> None:
    found = report["models"][name]
    assert found["kept"] and found["connected"]
    assert found["biased"] == (name != "tokens and connections")
    # Two blocks in float32: a few times the roundings of one, as in ``kernel_checks``.
    assert found["logits"] < 3e-6
    assert found["variance"] < 1e-5
    assert max(found["gradients"].values()) < 2e-5


def test_auto_takes_the_kernel_where_pytorch_has_no_fast_way(report: dict[str, Any]) -> None:
    assert report["calls"] == {
        "auto": ["row"],  # the selector's block
        "triton": ["row", "plain"],
        "torch": [],
    }


def kinds(model: SparseTransformer) -> set[str]:
    return {module.kind for module in model.modules() if isinstance(module, Attention)}


def test_a_model_begins_with_pytorch_and_takes_what_is_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = build_model("micro_28", depth=2, selector_blocks=())
    assert kinds(model) == {"torch"}
    monkeypatch.setattr("trivit.models.layers.sparse_transformer.load_kernels", lambda: False)
    model.set_attention("auto")
    assert kinds(model) == {"torch"}
    with pytest.raises(ModelsError, match=r"'triton' and Triton cannot be imported: use auto or"):
        model.set_attention("triton")
    monkeypatch.setattr("trivit.models.layers.sparse_transformer.load_kernels", lambda: True)
    model.set_attention("auto")
    assert kinds(model) == {"auto"}
    model(torch.zeros(1, 1, 28, 28))  # float32 on a CPU: by PyTorch
    use_attention(model, TrainingConfig(), CPU)
    assert kinds(model) == {"torch"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"attention_compat": "code"}, "attention_compat is 'code', which has a softmax of its"),
        ({"num_heads": 8}, r"heads of width 8: its kernels take up to 577 tokens and widths 16 to"),
        ({"patch_size": 1}, "the model has 785 tokens and heads of width 32"),
    ],
)
def test_triton_is_refused_where_it_cannot_serve(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], reason: str
) -> None:
    monkeypatch.setattr("trivit.models.layers.sparse_transformer.load_kernels", lambda: True)
    model = build_model("micro_28", depth=2, selector_blocks=(), **changes)
    with pytest.raises(ModelsError, match=f"^training.attention is 'triton' and .*{reason}"):
        model.set_attention("triton")
    assert kinds(model) == {"torch"}


@pytest.mark.parametrize(
    ("device", "precision", "reason"),
    [
        (CPU, "bfloat16", "and the device is cpu: its kernels need CUDA; use auto or torch"),
        (torch.device("cuda"), "float32", "and training.precision is 'float32': its kernels need"),
    ],
)
def test_triton_is_refused_on_other_devices(
    device: torch.device, precision: Any, reason: str
) -> None:
    model = build_model("micro_28", depth=2, selector_blocks=())
    config = TrainingConfig(attention="triton", precision=precision)
    with pytest.raises(ModelsError, match=reason):
        use_attention(model, config, device)


def test_shapes_that_the_kernels_take() -> None:
    assert selection.fits(577, 64) and selection.fits(1, 32)
    assert not selection.fits(578, 64) and not selection.fits(197, 65)
    meta = torch.empty(2, 5, 3, 1, 32, device="meta", dtype=torch.bfloat16)
    assert not selection.serves(meta)  # neither CUDA nor the interpreter
