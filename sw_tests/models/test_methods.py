"""Every training method: builds, trains a step, resumes exactly, exports or says why not, and
composes with every other.
"""

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from trivit.models.errors import ModelsError
from trivit.models.training import ExperimentConfig, load_run, train
from trivit.models.training.checkpoint import load_checkpoint
from trivit.models.training.trainer import Trainer

Tiny = Callable[..., ExperimentConfig]

DENSE = (
    # Connections closed in the last block alone would not reach [CLS], whose row stays open.
    "model.depth=3",
    "model.token_keep_ratio=1",
    "model.attention_keep_ratio=1",
    "sparsity.examples.keep_ratio=1",
    "sparsity.warmup={start_epoch: 0, end_epoch: 1, steps: 2}",
    "data.train_images=120",
    "data.test_images=20",
    "training.batch_size=24",
    "training.epochs=2",
)


def examples(settings: str) -> tuple[str, ...]:
    """An example level that updates at each epoch."""
    common = "keep_ratio: 0.8, update_ratio: 0.1, period_epochs: 1"
    return (f"sparsity.examples={{{common}, {settings}}}",)


METHODS: dict[str, tuple[str, ...]] = {
    "examples": examples("method: online"),
    "examples_balanced": examples("class_balanced: true, shuffle_restored: false"),
    "examples_random": examples("method: random"),
    "examples_fixed": examples("method: fixed"),
    "examples_two_phase": examples("method: two_phase"),
    "examples_active_bias": examples("method: active_bias"),
    "examples_without_variance": (*examples("method: online"), "sparsity.variance_block=null"),
    "examples_first_block": (*examples("method: online"), "sparsity.variance_block=0"),
    "tokens": ("model.token_keep_ratio=0.7",),
    "tokens_by_column": ("model.token_score=column_sum", "model.token_keep_ratio=0.7"),
    "tokens_static": ("model.token_score=static", "model.token_keep_ratio=0.7"),
    "tokens_fused": ("model.fuse_tokens=true", "model.token_keep_ratio=0.7"),
    "tokens_without_warmup": (
        "model.token_keep_ratio=0.7",
        "sparsity.warmup={start_epoch: 0, end_epoch: 0}",
    ),
    "tokens_in_the_last_block": ("model.selector_blocks=[0, 1]", "model.token_keep_ratio=0.7"),
    "attention": ("model.attention_keep_ratio=0.4",),
    "attention_magnitude": (
        "model.attention_pattern=magnitude",
        "model.attention_keep_ratio=0.4",
    ),
    "attention_window": ("model.attention_pattern=window", "model.attention_keep_ratio=0.4"),
    "patches_l1_cyclic": ("patch_schedule={schedule: cyclic, order: l1}",),
    "patches_random_linear": ("patch_schedule={schedule: linear, order: random, compat: code}",),
    "relative_positions": ("model.relative_position_bias=true",),
    "mean_pooling": ("model.pooling=mean",),
}

# What the accelerator does not compute; the quantizer names the setting.
FLOAT_ONLY = {
    "tokens_by_column": "model.token_score is 'column_sum'",
    "tokens_static": "model.token_score is 'static'",
    "tokens_fused": "model.fuse_tokens is True",
    "attention_magnitude": "model.attention_pattern is 'magnitude'",
    "attention_window": "model.attention_pattern is 'window'",
    "relative_positions": "model.relative_position_bias is True",
    "mean_pooling": "model.pooling is 'mean'",
}


def settings_of(name: str) -> set[str]:
    return {override.partition("=")[0] for override in METHODS[name]}


def combine(*names: str) -> list[str]:
    """Overrides of the methods together, or of none."""
    return [*DENSE, *(override for name in names for override in METHODS[name])]


PAIRS = [
    pair
    for pair in itertools.combinations(METHODS, 2)
    # Two values of one setting are alternatives, not methods that can be combined.
    if not settings_of(pair[0]) & settings_of(pair[1])
    or set(METHODS[pair[0]]) & set(METHODS[pair[1]])
]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def stop_after_one_epoch(config: ExperimentConfig, run: Path) -> None:
    """Leave the folder as a process does that dies in its second epoch."""

    class KilledError(Exception):
        pass

    original = Trainer._run_epoch

    def dying(self: Trainer, progress: object) -> dict[str, object]:
        if self.epochs_done == 1:
            raise KilledError
        return original(self, progress)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(Trainer, "_run_epoch", dying)
        train(config, run)


def tensors(run: Path) -> dict[str, torch.Tensor]:
    checkpoint = load_checkpoint(run / "checkpoint")
    return {**checkpoint.model, **checkpoint.training}


def assert_trained(run: Path, epochs: int = 2) -> None:
    losses = [json.loads(line)["loss"] for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert len(losses) == epochs
    # Chance is ln 10 = 2.3; a method that breaks the forward pass is far from it.
    assert all(0.5 < loss < 3.5 for loss in losses), losses


@pytest.mark.parametrize("name", METHODS)
def test_resumes_with_the_same_bits(name: str, tiny: Tiny, tmp_path: Path) -> None:
    config = tiny(*combine(name))
    train(config, tmp_path / "whole")
    assert_trained(tmp_path / "whole")
    stop_after_one_epoch(config, tmp_path / "resumed")
    torch.rand(13)
    train(config, tmp_path / "resumed", resume=True)
    whole, resumed = tensors(tmp_path / "whole"), tensors(tmp_path / "resumed")
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)
    train(tiny(*DENSE), tmp_path / "dense")
    dense = tensors(tmp_path / "dense")
    assert any(
        key not in dense or value.shape != dense[key].shape or not torch.equal(value, dense[key])
        for key, value in whole.items()
    ), "the method changes nothing"


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_composes(pair: tuple[str, str], tiny: Tiny, tmp_path: Path) -> None:
    # Methods that start in the second epoch have their part in the tests of resuming.
    train(tiny(*combine(*pair), "training.epochs=1"), tmp_path)
    assert_trained(tmp_path, epochs=1)


def test_the_papers_three_levels_and_a_schedule_compose(tiny: Tiny, tmp_path: Path) -> None:
    names = ("examples", "tokens", "attention", "patches_l1_cyclic", "relative_positions")
    train(tiny(*combine(*names)), tmp_path)
    assert_trained(tmp_path)


@pytest.mark.parametrize("name", METHODS)
def test_quantizes_or_names_the_setting(name: str, tiny: Tiny, tmp_path: Path) -> None:
    module = pytest.importorskip("trivit.models.quantization.vision_transformer")
    train(tiny(*combine(name), "training.epochs=1"), tmp_path)
    model = load_run(tmp_path).model
    if name in FLOAT_ONLY:
        with pytest.raises(ModelsError, match=FLOAT_ONLY[name]) as caught:
            module.QuantVisionTransformer.from_float(model)
        assert "\n" not in str(caught.value)
    else:
        quantized = module.QuantVisionTransformer.from_float(model)
        weight = quantized.blocks[1].mlp.fc1.weight
        assert torch.equal(weight, model.blocks[1].mlp.fc1.weight)
