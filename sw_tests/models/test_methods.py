"""Every training method: builds, trains a step, resumes exactly, exports or says why not, and
composes with every other.

The methods are levels of factors; two levels of one factor are alternatives. ``covering_array``
chooses experiments of one level of each factor in which every two methods meet.
"""

import itertools
import json
import math
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from trivit.models.errors import ModelsError
from trivit.models.training import ExperimentConfig, load_run, train
from trivit.models.training.checkpoint import load_checkpoint
from trivit.models.training.trainer import Trainer

from .covering import Choice, covering_array

Tiny = Callable[..., ExperimentConfig]

DENSE = (
    # Connections closed in the last block alone would not reach [CLS], whose row stays open.
    "model.depth=3",
    "model.embed_dim=16",
    "model.token_keep_ratio=1",
    "model.attention_keep_ratio=1",
    "sparsity.examples.keep_ratio=1",
    "sparsity.warmup={start_epoch: 0, end_epoch: 1, steps: 2}",
    "data.train_images=72",
    "data.test_images=10",
    "training.batch_size=12",
    "training.epochs=2",
    "training.evaluate_every=2",
)


def examples(settings: str, *others: str) -> tuple[str, ...]:
    """An example level that updates at each epoch."""
    common = "keep_ratio: 0.8, update_ratio: 0.1, period_epochs: 1"
    return (f"sparsity.examples={{{common}, {settings}}}", *others)


OFF: tuple[str, ...] = ()
TOKENS = "model.token_keep_ratio=0.7"
CONNECTIONS = "model.attention_keep_ratio=0.4"
MIXED = "random_resized_crop: true, flip: 0.5, erasing: 0.25, mixup: 0.8, cutmix: 1.0"

FACTORS: dict[str, dict[str, tuple[str, ...]]] = {
    "pooling": {
        "cls": OFF,
        "mean": ("model.pooling=mean",),
        "no_cls": (
            "model.class_token=false",
            "model.pooling=mean",
            "model.token_score=column_sum",
        ),
    },
    "positions": {"absolute": OFF, "relative": ("model.relative_position_bias=true",)},
    "examples": {
        "all": OFF,
        "online": examples("method: online"),
        "online_code": examples("method: online", "sparsity.compat=code"),
        "balanced_in_order": examples("class_balanced: true, shuffle_restored: false"),
        "random": examples("method: random"),
        "fixed": examples("method: fixed"),
        "two_phase": examples("method: two_phase"),
        "active_bias": examples("method: active_bias"),
        "without_variance": examples("method: online", "sparsity.variance_block=null"),
        "first_block": examples("method: online, updates: 1", "sparsity.variance_block=0"),
    },
    "tokens": {
        "all": OFF,
        "scored": (TOKENS,),
        "by_column": (TOKENS, "model.token_score=column_sum"),
        "static": (TOKENS, "model.token_score=static"),
        "fused": (TOKENS, "model.fuse_tokens=true"),
        "two_selectors": (TOKENS, "model.selector_blocks=[0, 1]"),
    },
    "connections": {
        "all": OFF,
        "largest": (CONNECTIONS,),
        "largest_code": (CONNECTIONS, "model.attention_compat=code"),
        "cls_closed": (CONNECTIONS, "model.class_connections=closed"),
        "magnitude": (CONNECTIONS, "model.attention_pattern=magnitude"),
        "window": (CONNECTIONS, "model.attention_pattern=window"),
    },
    "warmup": {
        "quantized": OFF,
        "per_step": ("sparsity.warmup={start_epoch: 0, end_epoch: 2, steps: null}",),
        "none": ("sparsity.warmup={start_epoch: 0, end_epoch: 0}",),
    },
    "patches": {
        "all": OFF,
        "fixed": ("patch_schedule={schedule: fixed, order: l2}",),
        "linear_random_code": (
            "patch_schedule={schedule: linear, order: random, compat: code, cooldown_epochs: 0.5}",
        ),
        "cyclic_l1": ("patch_schedule={schedule: cyclic, order: l1}",),
        "cosine_random": ("patch_schedule={schedule: cosine, order: random, steps: null}",),
        "list_l1_code": ("patch_schedule={schedule: list, ratios: [0.5, 1.0, 0.3], compat: code}",),
    },
    "depth": {"all": OFF, "stochastic": ("model.drop_path=0.3",)},
    "images": {
        "plain": OFF,
        "mixed": (f"augmentation={{{MIXED}}}",),
        "repeated": ("augmentation={repeats: 3, policy: randaugment}",),
    },
    "weights": {"last": OFF, "averaged": ("training.ema_decay=0.9",)},
}

METHODS = [
    (factor, level) for factor, levels in FACTORS.items() for level, settings in levels.items()
    if settings
]  # fmt: skip

# A warm-up needs something to warm up.
COMPANIONS = {"warmup": (TOKENS, CONNECTIONS)}

# What the accelerator does not compute; the quantizer names the setting.
FLOAT_ONLY = {
    ("pooling", "mean"): "model.pooling is 'mean'",
    ("pooling", "no_cls"): "model.class_token is False",
    ("positions", "relative"): "model.relative_position_bias is True",
    ("tokens", "by_column"): "model.token_score is 'column_sum'",
    ("tokens", "static"): "model.token_score is 'static'",
    ("tokens", "fused"): "model.fuse_tokens is True",
    ("connections", "largest_code"): "model.attention_compat is 'code'",
    ("connections", "cls_closed"): "model.class_connections is 'closed'",
    ("connections", "magnitude"): "model.attention_pattern is 'magnitude'",
    ("connections", "window"): "model.attention_pattern is 'window'",
}

COMBINATIONS = covering_array({factor: list(levels) for factor, levels in FACTORS.items()})


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def overrides(choice: Choice) -> list[str]:
    """Settings of the chosen levels, in the order of the factors, in place of the dense ones."""
    chosen = [FACTORS[factor][choice[factor]] for factor in FACTORS if factor in choice]
    companions = [
        COMPANIONS[factor] for factor in choice if len(choice) == 1 and factor in COMPANIONS
    ]
    last: dict[str, str] = {}
    for setting in itertools.chain(DENSE, *companions, *chosen):
        name = setting.partition("=")[0]
        for other in [other for other in last if f"{other}.".startswith(f"{name}.")]:
            del last[other]
        last[name] = setting
    return list(last.values())


def train_and_resume(config: ExperimentConfig, folder: Path) -> tuple[Path, Path]:
    """Train; continue a copy of the folder as it stood after the first epoch. Return both."""
    whole, resumed = folder / "whole", folder / "resumed"
    original = Trainer._run_epoch

    def copying(self: Trainer, *arguments: object) -> object:
        if self.out == whole and (whole / "checkpoint").exists() and not resumed.exists():
            shutil.copytree(whole, resumed)
        return original(self, *arguments)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "_run_epoch", copying)
        train(config, whole)
    epochs = [json.loads(line)["epoch"] for line in (resumed / "metrics.jsonl").open()]
    assert epochs == [1]
    torch.rand(13)  # whatever a new process has drawn by then
    train(config, resumed, resume=True)
    return whole, resumed


def tensors(run: Path) -> dict[str, torch.Tensor]:
    checkpoint = load_checkpoint(run / "checkpoint")
    average = {f"average/{name}": value for name, value in checkpoint.average.items()}
    return {**checkpoint.model, **checkpoint.training, **average}


def assert_trained_and_resumed(config: ExperimentConfig, folder: Path) -> dict[str, torch.Tensor]:
    whole, resumed = map(tensors, train_and_resume(config, folder))
    assert whole.keys() == resumed.keys()
    different = [key for key in whole if not torch.equal(whole[key], resumed[key])]
    assert not different
    losses = [json.loads(line)["loss"] for line in (folder / "whole" / "metrics.jsonl").open()]
    assert len(losses) == 2
    # Chance is ln 10 = 2.3; a method that breaks the forward pass is far from it.
    assert all(0.5 < loss < 3.5 for loss in losses), losses
    return whole


@pytest.fixture(scope="module")
def dense(tmp_path_factory: pytest.TempPathFactory) -> Callable[[ExperimentConfig], Path]:
    """Train an experiment once for all tests."""
    folder = tmp_path_factory.mktemp("dense")

    def run(config: ExperimentConfig) -> Path:
        if not (folder / "run").exists():
            train(config, folder / "run")
        return folder / "run"

    return run


@pytest.mark.parametrize(("factor", "level"), METHODS, ids=map("-".join, METHODS))
def test_resumes_with_the_same_bits_and_quantizes_or_names_the_setting(
    factor: str,
    level: str,
    tiny: Tiny,
    tmp_path: Path,
    dense: Callable[[ExperimentConfig], Path],
) -> None:
    config = tiny(*overrides({factor: level}))
    whole = assert_trained_and_resumed(config, tmp_path)
    plain = tensors(dense(tiny(*DENSE)))
    assert any(
        key not in plain or value.shape != plain[key].shape or not torch.equal(value, plain[key])
        for key, value in whole.items()
    ), "the method changes nothing"
    module = pytest.importorskip(
        "trivit.models.quantization.vision_transformer", reason="Brevitas is not installed"
    )
    model = load_run(tmp_path / "whole").model
    if message := FLOAT_ONLY.get((factor, level)):
        with pytest.raises(ModelsError, match=message) as caught:
            module.QuantVisionTransformer.from_float(model)
        assert "\n" not in str(caught.value)
    else:
        quantized = module.QuantVisionTransformer.from_float(model)
        weight = quantized.blocks[1].mlp.fc1.weight
        assert torch.equal(weight, model.blocks[1].mlp.fc1.weight)


def test_the_combinations_contain_every_pair() -> None:
    met = {
        frozenset(((f, choice[f]), (g, choice[g])))
        for choice in COMBINATIONS
        for f in FACTORS
        for g in FACTORS
        if f != g
    }
    sizes = [len(levels) for levels in FACTORS.values()]
    assert len(met) == sum(a * b for i, a in enumerate(sizes) for b in sizes[:i])
    largest = sorted(sizes)[-2:]
    assert len(COMBINATIONS) < 1.2 * math.prod(largest)


@pytest.mark.parametrize("choice", COMBINATIONS, ids=lambda choice: "-".join(choice.values()))
def test_composes(choice: Choice, tiny: Tiny, tmp_path: Path) -> None:
    assert_trained_and_resumed(tiny(*overrides(choice)), tmp_path)


def test_all_that_the_accelerator_supports_exports_in_one_run(tiny: Tiny, tmp_path: Path) -> None:
    quantization = pytest.importorskip(
        "trivit.models.quantization", reason="Brevitas is not installed"
    )
    choice = {
        "examples": "online",
        "tokens": "two_selectors",
        "connections": "largest",
        "patches": "cyclic_l1",
        "depth": "stochastic",
        "images": "mixed",
        "weights": "averaged",
    }
    train(tiny(*overrides(choice), "model.patch_size=7"), tmp_path)
    settings = quantization.QuantizeConfig(
        calibration_images=16, reference_images=1, qonnx_images=1, onnxruntime_images=4
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        summary = quantization.quantize(tmp_path, settings)
    assert summary["test_images"] == 10 and "reference" in summary
    assert (tmp_path / quantization.FOLDER / "model.onnx").is_file()
