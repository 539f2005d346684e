"""Whole models with the kernels, under Triton's interpreter, against the same with PyTorch alone.

``test_models.py`` runs this file as a program. Each model meets what the kernels are given in a
training: chosen places, masks, fused tokens, all probes, and the compiler.
"""

import json
from typing import Any

import torch
from torch import Tensor

from trivit.models.families import build_model
from trivit.models.layers.sparse_transformer import ForwardDetails, SparseTransformer
from trivit.models.methods.patches.orders import PatchSampling

NO_CLS = {"class_token": False, "pooling": "mean", "token_score": "column_sum"}
BIAS = {"relative_position_bias": True}
# Changes of the model, ratios of tokens, connections and patches, and the kind of attention.
MODELS: dict[str, tuple[dict[str, Any], tuple[float, float, float], str]] = {
    "tokens and connections": ({}, (0.6, 0.4, 1.0), "auto"),
    "bias, patches, fused": ({**BIAS, "fuse_tokens": True}, (0.6, 0.5, 0.7), "auto"),
    "no class token": ({**NO_CLS, **BIAS, "fuse_tokens": True}, (0.6, 1.0, 0.7), "triton"),
}


def small_model(changes: dict[str, Any]) -> SparseTransformer:
    """Return a model of two blocks with random biases."""
    torch.manual_seed(0)
    sizes = {"image_size": 16, "embed_dim": 32, "num_heads": 1, "depth": 2}
    model = build_model("micro_28", **sizes, selector_blocks=(0,), **changes)
    for name, parameter in model.named_parameters():
        if name.endswith("bias_table"):
            torch.nn.init.normal_(parameter)
    return model.train()


def run(model: SparseTransformer, forward: Any) -> tuple[ForwardDetails, list[Tensor]]:
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(2, 1, 16, 16, generator=generator)
    details = forward(images, variance_block=-1, track_tokens=True)
    loss = details.logits.square().sum()
    return details, list(torch.autograd.grad(loss, list(model.parameters())))


def compare(name: str) -> dict[str, Any]:
    """Return the largest relative differences, what was equal, and which calls had a kernel."""
    changes, (token, attention, patch), kind = MODELS[name]
    model = small_model(changes)
    model.set_keep_ratios(token=token, attention=attention)
    model.set_patch_sampling(PatchSampling(patch))
    expected, gradients = run(model, model.forward_details)
    model.set_attention(kind)  # type: ignore[arg-type]
    forward = torch.compile(
        model.forward_details, fullgraph=True, dynamic=False, backend="aot_eager"
    )
    found, own = run(model, forward if name == "bias, patches, fused" else model.forward_details)
    assert expected.cls_variance is not None and found.cls_variance is not None
    kept = zip(found.kept_tokens, expected.kept_tokens, strict=True)
    names = [parameter for parameter, _ in model.named_parameters()]
    return {
        "logits": _difference(found.logits, expected.logits),
        "variance": _difference(found.cls_variance, expected.cls_variance),
        "gradients": {
            name: _difference(one, other)
            for name, one, other in zip(names, own, gradients, strict=True)
        },
        "kept": all(torch.equal(one, other) for one, other in kept),
        "connected": [t.tolist() for t in found.connections]
        == [t.tolist() for t in expected.connections],
        "biased": any(name.endswith("bias_table") for name in names),
    }


def count_calls(kind: str) -> list[str]:
    """Return the kinds of kernels that a pass without bias calls, block by block."""
    model = small_model({})
    model.set_keep_ratios(token=0.6, attention=1.0)
    model.set_attention(kind)  # type: ignore[arg-type]
    called: list[str] = []
    operators: Any = torch.ops.trivit
    real = operators.short_attention

    def noted(*arguments: Any) -> Any:
        called.append("row" if arguments[7] else "plain")
        return real(*arguments)

    operators.short_attention = noted
    try:
        with torch.no_grad():
            model(torch.zeros(1, 1, 16, 16))
    finally:
        operators.short_attention = real
    return called


def _difference(one: Tensor, other: Tensor) -> float:
    return float((one.detach() - other.detach()).abs().max() / other.detach().abs().max())


if __name__ == "__main__":
    torch.set_num_threads(1)
    found = {name: compare(name) for name in MODELS}
    calls = {kind: count_calls(kind) for kind in ("auto", "triton", "torch")}
    print(json.dumps({"models": found, "calls": calls}))
