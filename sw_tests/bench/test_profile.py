"""`trivit bench train --profile`: what time is grouped by, and what the groups add up to."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from trivit.models.layers import short_attention
from trivit.tools.bench.train import profile
from trivit.tools.bench.train.kernels import GROUPS, group_of
from trivit.tools.bench.train.profile import StepProfile, covered, profile_step, row_profile
from trivit.tools.bench.train.profile_report import profile_notes, profile_table
from trivit.tools.bench.train.rows import Row
from trivit.tools.cli import main

NATIVE = "void at::native::"
NAMES = {
    "products": [
        "nvjet_hsh_256x128_64x4_1x2_h_bz_coopA_NNT",
        "nvjet_tst_192x192_64x4_2x1_v_bz_coopB_bias_TNN",
        "sm90_xmma_gemm_bf16bf16_bf16f32_f32_tn_n_tilesize128x128x64_warpgroupsize1x1x1_cublas",
        "void cutlass::Kernel2<cutlass_80_wmma_tensorop_bf16_s161616gemm_bf16_32x32_32x1_tn>",
        "void cublasLt::splitKreduce_kernel<32, 16, int, __nv_bfloat16, float>",
        "triton_tem_fused_addmm_3",
        "aten::addmm",
        "aten::bmm",
        "autograd::engine::evaluate_function: MmBackward0",
    ],
    "attention": [
        "void pytorch_flash::flash_fwd_kernel<pytorch_flash::Flash_fwd_kernel_traits<64, 128>>",
        "cudnn_generated_fort_native_sdpa_sm90_flash_fprop_wgmma_f16_knob_3_64x128x64_4x1x1_0",
        "fmha_cutlassF_bf16_aligned_64x64_rf_sm80(PyTorchMemEffAttention::AttentionKernel<x>)",
        "aten::_scaled_dot_product_flash_attention_for_cpu_backward",
        "aten::_softmax",
        "triton_per_fused__softmax_mul_2",
    ],
    "GELU": [
        "triton_poi_fused_addmm_gelu_view_5",
        "triton_poi_fused_gelu_gelu_backward_view_4",
        f"{NATIVE}vectorized_elementwise_kernel<4, at::native::GeluCUDAKernelImpl(...)>",
        "aten::gelu_backward",
    ],
    "layer norm": [
        "triton_per_fused_add_native_layer_norm_native_layer_norm_backward_sum_12",
        "triton_red_fused__to_copy_native_layer_norm_backward_1",
        "graph_0_cpp_fused_native_layer_norm_3",
        f"{NATIVE}(anonymous namespace)::vectorized_layer_norm_kernel<c10::BFloat16, float>",
        f"{NATIVE}(anonymous namespace)::GammaBetaBackwardCUDAKernelTemplate<float, 64u>",
    ],
    "patch embedding": [
        "void implicit_convolve_sgemm<__nv_bfloat16, __nv_bfloat16, 128, 5, 5, 3, 3, 3, 1>",
        "void cudnn::engines_precompiled::nchwToNhwcKernel<__nv_bfloat16, float, false, true>",
        "sm80_xmma_wgrad_implicit_gemm_indexed_bf16bf16_bf16f32_f32_nhwckrsc_nhwc",
        "aten::mkldnn_convolution",
    ],
    "optimizer": [
        f"{NATIVE}(anonymous namespace)::multi_tensor_apply_kernel<FusedAdamMathFunctor<float>>",
        "aten::_fused_adamw_",
        "Optimizer.step#AdamW.step",
        "aten::_foreach_lerp_",
    ],
    "casts and copies": [
        "triton_poi_fused__to_copy_t_7",
        "triton_poi_fused_cat_3",
        "Memcpy DtoD (Device -> Device)",
        "Memset (Device)",
        f"{NATIVE}elementwise_kernel<128, 4, gpu_kernel_impl<direct_copy_kernel_cuda>>",
        f"{NATIVE}(anonymous namespace)::CatArrayBatchedCopy_aligned16_contig<x>",
        "aten::copy_",
    ],
    "selection": [
        "triton_poi_fused_gather_2",
        "triton_per_fused_sort_4",
        "triton_poi_fused_scatter_add_zeros_3",
        f"{NATIVE}radixSortKVInPlace<2, -1, 128, 32, float, long, unsigned int>",
        f"{NATIVE}vectorized_gather_kernel<16, long>",
        "aten::index_select",
    ],
    "loss": [
        "triton_per_fused__log_softmax_nll_loss_forward_9",
        "void cunn_SoftMaxForward<4, c10::BFloat16, at::native::LogSoftMaxForwardEpilogue>",
        "aten::_log_softmax",
    ],
    "other": [
        "triton_red_fused_sum_7",
        "triton_poi_fused_add_3",
        f"{NATIVE}vectorized_elementwise_kernel<4, at::native::CUDAFunctor_add<c10::BFloat16>>",
        "aten::add",
        "aten::comma",
    ],
}


@pytest.mark.parametrize(
    ("name", "group"), [(name, group) for group, names in NAMES.items() for name in names]
)
def test_kernels_are_known_by_their_names(name: str, group: str) -> None:
    assert group_of(name) == group


def test_every_group_is_tried() -> None:
    assert tuple(NAMES) == GROUPS or set(NAMES) == set(GROUPS)


def test_own_attention_kernels_are_attention() -> None:
    """Whatever they are called: no kernel of the package falls into another group."""
    folder = Path(str(short_attention.__file__)).parent
    lines = [line for file in folder.glob("*.py") for line in file.read_text().split("@triton.jit")]
    names = [part.split("def ")[1].split("(")[0] for part in lines if part.startswith("\ndef ")]
    kernels = [name for name in names if name.endswith("_kernel")]
    assert len(kernels) >= 3
    assert {group_of(name) for name in kernels} == {"attention"}


def test_overlapping_kernels_count_once() -> None:
    assert covered([]) == 0
    assert covered([(5, 7), (0, 2), (1, 3), (1.5, 2.5), (7, 8)]) == 6


def test_a_row_is_the_mean_of_its_shapes() -> None:
    row = Row(name="mix", text="a mix", weights={"a": 0.25, "b": 0.75})
    first = StepProfile(8.0, 2.0, 6.0, 4, 40, {"aten::mm": 4.0, "aten::add": 2.0})
    second = StepProfile(4.0, 1.0, 4.0, 8, 80, {"aten::mm": 4.0})
    assert row_profile(row, {"a": first}) is None
    mean = row_profile(row, {"a": first, "b": second})
    assert mean is not None
    assert mean["groups_ms"] == dict.fromkeys(GROUPS, 0.0) | {"products": 4.0, "other": 0.5}
    assert mean["others_ms"] == {"aten::add": 0.5}
    assert (mean["step_ms"], mean["host_ms"], mean["busy_ms"]) == (5.0, 1.25, 4.5)
    assert (mean["idle_ms"], mean["launches"], mean["kernels"]) == (0.5, 7.0, 70.0)
    assert profile_table([mean])[0][:2] == ("a mix", "4.00")
    assert profile_notes([mean]) == ["Other, a mix: `aten::add` 0.500."]


def test_kernels_of_a_gpu_are_told_from_the_hosts_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """The events are made up: of two steps, each one replayed graph of two kernels."""
    cuda, cpu = torch.autograd.DeviceType.CUDA, torch.autograd.DeviceType.CPU

    def event(name: str, start: float, end: float, device: Any = cuda, note: bool = False) -> Any:
        span = SimpleNamespace(start=start, end=end)
        return SimpleNamespace(
            name=name, time_range=span, device_type=device, is_user_annotation=note
        )

    events = [
        event("cudaGraphLaunch", 0, 1, cpu),
        event("cudaDeviceSynchronize", 1, 2, cpu),
        event("nvjet_tst_192x192", 0, 1000),
        event("triton_poi_fused_gelu_1", 500, 2000),
        event("Optimizer.step#AdamW.step", 0, 9000, note=True),
        event("cudaGraphLaunch", 3000, 3001, cpu),
        event("nvjet_tst_192x192", 3000, 4000),
        event("triton_poi_fused_gelu_1", 4000, 5000),
    ]

    class Profiler:
        def __init__(self, **_: Any) -> None: ...
        def __enter__(self) -> "Profiler":
            return self

        def __exit__(self, *_: Any) -> None: ...
        def events(self) -> list[Any]:
            return events

    monkeypatch.setattr(profile, "profile", Profiler)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda _: None)
    step: Any = SimpleNamespace(run=lambda: None)
    found = profile_step(step, torch.device("cuda"), 2)
    assert (found.busy_ms, found.launches, found.kernels) == (2.0, 1.0, 2.0)
    assert found.by_name == {"nvjet_tst_192x192": 1.0, "triton_poi_fused_gelu_1": 1.25}


def test_profiles_stand_beside_the_times(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["bench", "train", "--preset", "tiny", "--row", "token_0.7", "--rounds", "1"]
    assert main([*command, "--profile", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "where the time goes" in printed and "`aten::" in printed
    result = json.loads((tmp_path / "train-tiny.json").read_text())
    dense, token = result["profiles"]
    assert (dense["row"], token["row"]) == ("dense", "token_0.7")
    for part in ("products", "attention", "GELU", "layer norm", "optimizer", "loss"):
        assert dense["groups_ms"][part] > 0, part
    assert token["groups_ms"]["selection"] > dense["groups_ms"]["selection"]
    assert dense["busy_ms"] == pytest.approx(sum(dense["groups_ms"].values()))
    table = (tmp_path / "train-tiny.md").read_text()
    assert "| ms of a step | products |" in table
    assert (tmp_path / "train-tiny-profile.png").read_bytes().startswith(b"\x89PNG")
