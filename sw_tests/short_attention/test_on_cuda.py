"""The kernels in a CUDA graph, and in models that inductor compiles."""

from typing import Any

import pytest
import torch

from trivit.models.families import build_model
from trivit.models.methods.patches.orders import PatchSampling

pytest.importorskip("triton", reason="Triton is not installed: PyTorch computes attention")

from . import kernel_checks as checks

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]

CUDA = torch.device("cuda")


@pytest.mark.parametrize("name", ["197, bias, mask, matrix", "40, bias, fused"])
def test_a_graph_replays_the_same_bits(name: str) -> None:
    case = checks.REAL[name]
    given = checks.make_inputs(case, CUDA, torch.bfloat16)
    expected = checks.by_kernel(case, given)  # compiles the kernels, too
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        found = checks.by_kernel(case, given)
    for tensor in found.values():
        tensor.zero_()
    graph.replay()
    torch.cuda.synchronize()
    for result, tensor in found.items():
        assert torch.equal(tensor, expected[result]), result


@pytest.mark.parametrize(
    ("changes", "ratios"),
    [
        ({"relative_position_bias": True, "fuse_tokens": True}, (0.7, 0.5, 0.8)),
        ({}, (0.7, 0.2, 1.0)),
    ],
)
def test_compiled_models_agree_with_pytorch(
    changes: dict[str, Any], ratios: tuple[float, float, float]
) -> None:
    torch.manual_seed(0)
    model = build_model("deit_tiny", depth=3, selector_blocks=(0, 1), **changes).to(CUDA).train()
    token, attention, patch = ratios
    model.set_keep_ratios(token=token, attention=attention)
    model.set_patch_sampling(PatchSampling(patch))
    images = torch.randn(8, 3, 224, 224, device=CUDA)
    scores = torch.rand(8, 196, device=CUDA)
    exact = model.double().forward_details(images.double(), patch_scores_BN=scores).logits.float()
    model.float()
    results = {}
    for kind in ("torch", "triton"):
        model.set_attention(kind)  # type: ignore[arg-type]
        torch._dynamo.reset()
        forward = torch.compile(model.forward_details, fullgraph=True, dynamic=False)
        with torch.autocast("cuda", torch.bfloat16):
            logits = forward(images, variance_block=-1, patch_scores_BN=scores).logits.float()
        gradients = torch.autograd.grad(logits.square().sum(), list(model.parameters()))
        assert all(bool(gradient.isfinite().all()) for gradient in gradients)
        results[kind] = float((logits - exact).norm() / exact.norm())
    # Ranks near a cut may fall on either side in half precision, in either way of computing.
    assert results["triton"] < 3 * results["torch"] + 0.05, results
