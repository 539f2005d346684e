"""The Triton kernels: interpreted, compiled for a GPU that is not here, and on one."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from trivit.models.augmentation import AugmentationConfig, Augmenter
from trivit.models.augmentation.draws import draw

from .images import COLOUR, make_images

pytest.importorskip("triton", reason="Triton is not installed: operations augment")


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
    )


def test_under_the_interpreter() -> None:
    """Triton must be told of the interpreter before it is loaded: in a process of its own."""
    # The interpreter of 3.6 fails with numpy 2.4; the kernels themselves compile with it.
    pytest.importorskip("triton", minversion="3.7")
    checks = Path(__file__).with_name("interpreted_kernels.py")
    done = run("-m", "pytest", "-q", "-p", "no:cacheprovider", str(checks), TRITON_INTERPRET="1")
    assert done.returncode == 0 and " passed" in done.stdout, done.stdout[-6000:]
    assert "skipped" not in done.stdout


@pytest.mark.full
def test_all_kernels_compile_for_a_gpu_that_is_not_here() -> None:
    """The interpreter takes what the compiler refuses, such as a name of two types."""
    program = (
        "from sys import argv\n"
        "from triton import compile\n"
        "from triton.backends.compiler import GPUTarget\n"
        "from triton.compiler import ASTSource\n"
        "from trivit.models.augmentation.kernels import crop, finish, policy\n"
        "P, F, I = '*u8', '*fp32', 'i32'\n"
        "for fn, types, consts in (\n"
        "    (crop._along_rows, [P, F, '*fp16', I, I, I, I], (1, 64, 3, False)),\n"
        "    (crop._along_columns, ['*fp16', F, P, I, I, I], (1, 64, 3, False)),\n"
        "    (policy._tables, [P, F, F, P, I], (3, 128)),\n"
        "    (policy._apply, [P, P, F, F, F, P, P, I], (3, False, 64)),\n"
        "    (finish._finish, [P, '*bf16', F, F, I, I, I, 'fp32', I, I, I, I], (3, True, 64)),\n"
        "):\n"
        "    names = fn.arg_names\n"
        "    signature = dict(zip(names, [*types, *['constexpr'] * len(consts)], strict=True))\n"
        "    given = {(len(types) + i,): value for i, value in enumerate(consts)}\n"
        "    source = ASTSource(fn=fn, signature=signature, constexprs=given)\n"
        "    compile(source, target=GPUTarget('cuda', 90, 32), options={'num_warps': 1})\n"
        "    print(fn.__name__)\n"
    )
    done = run("-c", program, TRITON_INTERPRET="0")
    assert len(done.stdout.split()) == 5, done.stderr


DEIT = AugmentationConfig(
    random_resized_crop=True, flip=0.5, policy="randaugment", mixup=0.8, cutmix=1.0
)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_on_a_gpu_a_batch_is_that_of_the_operations(dtype: torch.dtype) -> None:
    pixels = make_images(64, 3, 256, 256).cuda()
    for seed in range(8):
        augmenter = Augmenter(DEIT, replace(COLOUR, height=256, width=256), 224, dtype=dtype)
        draws = draw(DEIT, seed, 64, (256, 256), 224)
        expected = augmenter._by_operations(pixels, draws, slice(None)).float()
        made = augmenter._by_kernels(pixels, draws, slice(None)).float()
        assert ((made - expected).abs() > 0.05).float().mean() < 0.02
    augmenter(pixels, torch.zeros(64, dtype=torch.long, device="cuda"), 0)
    assert augmenter._kernels, "the kernels serve"
