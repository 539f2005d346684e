"""Training methods as levels of factors, and experiments that combine them.

Two levels of one factor are alternatives. The methods of the registries are found, not listed: a
new one is combined with all others by being there. A test that makes up a method and registers it
combines it likewise::

    settings = (TOKENS, "model.token_score=made_up")
    for name, config in compositions_with("tokens", "made_up", settings):
        check(config, tmp_path / name)

Such a test registers its method while it runs and removes it again: ``FACTORS`` is computed when
tests are collected, alike in every process.
"""

import itertools
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import torch

from trivit.models.methods.connections.patterns import CONNECTION_PATTERNS
from trivit.models.methods.examples.method import EXAMPLE_METHODS
from trivit.models.methods.patches.orders import PATCH_ORDERS
from trivit.models.methods.patches.schedule import PATCH_SCHEDULES, PatchScheduleConfig
from trivit.models.methods.tokens.selection import TOKEN_SCORES
from trivit.models.model_config import ModelConfig
from trivit.models.training import ExperimentConfig, parse_config, train
from trivit.models.training.trainer import Trainer

from ..run_folders import tensors
from .conftest import TINY
from .covering import Choice, choices_with

Settings = tuple[str, ...]
Factors = Mapping[str, Mapping[str, Settings]]

DENSE: Settings = (
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

OFF: Settings = ()
TOKENS = "model.token_keep_ratio=0.7"
CONNECTIONS = "model.attention_keep_ratio=0.4"
MIXED = "random_resized_crop: true, flip: 0.5, erasing: 0.25, mixup: 0.8, cutmix: 1.0"

_SCORE = f"{TOKEN_SCORES.setting}="
_NO_CLASS_TOKEN = "model.class_token=false"


def examples(settings: str, *others: str) -> Settings:
    """An example level that updates at each epoch."""
    common = "keep_ratio: 0.8, update_ratio: 0.1, period_epochs: 1"
    return (f"sparsity.examples={{{common}, {settings}}}", *others)


def _schedules() -> dict[str, Settings]:
    """Each schedule with an order, and each order with a schedule."""
    more = {
        "linear": "compat: code, cooldown_epochs: 0.5",
        "cosine": "steps: null",
        "list": "ratios: [0.5, 1.0, 0.3], compat: code",
    }
    names = [name for name in PATCH_SCHEDULES.names() if name != PatchScheduleConfig.schedule]
    orders = PATCH_ORDERS.names()[::-1]
    levels: dict[str, Settings] = {}
    for place in range(max(len(names), len(orders))):
        name, order = names[place % len(names)], orders[place % len(orders)]
        text = ", ".join([f"schedule: {name}", f"order: {order}", *filter(None, [more.get(name)])])
        levels[f"{name}_{order}"] = (f"patch_schedule={{{text}}}",)
    return levels


FACTORS: Factors = {
    "pooling": {
        "cls": OFF,
        "mean": ("model.pooling=mean",),
        "no_cls": (_NO_CLASS_TOKEN, "model.pooling=mean"),
    },
    "positions": {"absolute": OFF, "relative": ("model.relative_position_bias=true",)},
    "examples": {
        "all": OFF,
        **{name: examples(f"method: {name}") for name in EXAMPLE_METHODS.names()},
        "online_code": examples("method: online", "sparsity.compat=code"),
        "balanced_in_order": examples("class_balanced: true, shuffle_restored: false"),
        "without_variance": examples("method: online", "sparsity.variance_block=null"),
        "first_block": examples("method: online, updates: 1", "sparsity.variance_block=0"),
    },
    "tokens": {
        "all": OFF,
        **{name: (TOKENS, f"{_SCORE}{name}") for name in TOKEN_SCORES.names()},
        "fused": (TOKENS, "model.fuse_tokens=true"),
        "two_selectors": (TOKENS, "model.selector_blocks=[0, 1]"),
    },
    "connections": {
        "all": OFF,
        **{
            name: (CONNECTIONS, f"{CONNECTION_PATTERNS.setting}={name}")
            for name in CONNECTION_PATTERNS.names()
        },
        "largest_code": (CONNECTIONS, "model.attention_compat=code"),
        "cls_closed": (CONNECTIONS, "model.class_connections=closed"),
    },
    "warmup": {
        "quantized": OFF,
        "per_step": ("sparsity.warmup={start_epoch: 0, end_epoch: 2, steps: null}",),
        "none": ("sparsity.warmup={start_epoch: 0, end_epoch: 0}",),
    },
    "patches": {"all": OFF, **_schedules()},
    "depth": {"all": OFF, "stochastic": ("model.drop_path=0.3",)},
    "images": {
        "plain": OFF,
        "mixed": (f"augmentation={{{MIXED}}}",),
        "repeated": ("augmentation={repeats: 3, policy: randaugment}",),
    },
    "weights": {"last": OFF, "averaged": ("training.ema_decay=0.9",)},
}

# A warm-up needs something to warm up.
COMPANIONS: Mapping[str, Settings] = {"warmup": (TOKENS, CONNECTIONS)}


def _float_only() -> Iterator[tuple[tuple[str, str], str]]:
    for factor, registry in (("tokens", TOKEN_SCORES), ("connections", CONNECTION_PATTERNS)):
        for name in registry.names():
            if not registry[name].on_accelerator:
                yield (factor, name), f"{registry.setting} is '{name}'"


# What the accelerator does not compute; the quantizer names the setting.
FLOAT_ONLY: Mapping[tuple[str, str], str] = {
    **dict(_float_only()),
    ("pooling", "no_cls"): "model.class_token is False",
    ("tokens", "fused"): "model.fuse_tokens is True",
    ("connections", "largest_code"): "model.attention_compat is 'code'",
    ("connections", "cls_closed"): "model.class_connections is 'closed'",
}


def experiment(choice: Choice, *more: str, factors: Factors = FACTORS) -> ExperimentConfig:
    """The experiment of the chosen levels and of ``more`` settings; all else is dense.

    Without [CLS] a score that needs it gives way to the sums of columns, as in the papers.
    """
    chosen = [factors[factor][choice[factor]] for factor in factors if factor in choice]
    companions = [COMPANIONS[f] for f in choice if len(choice) == 1 and f in COMPANIONS]
    settings = _laid_over(itertools.chain(DENSE, *companions, *chosen, more))
    scores = [s.removeprefix(_SCORE) for s in settings if s.startswith(_SCORE)]
    score = scores[0] if scores else ModelConfig.token_score
    if _NO_CLASS_TOKEN in settings and TOKEN_SCORES[score].needs_class_token:
        settings = _laid_over([*settings, f"{_SCORE}column_sum"])
    return parse_config(TINY, settings)


def _laid_over(settings: Iterator[str] | list[str]) -> list[str]:
    """The settings, each but the last of a name or of a part of its section left out."""
    last: dict[str, str] = {}
    for setting in settings:
        name = setting.partition("=")[0]
        for other in [other for other in last if f"{other}.".startswith(f"{name}.")]:
            del last[other]
        last[name] = setting
    return list(last.values())


def compositions_with(
    factor: str, level: str, settings: Settings
) -> Iterator[tuple[str, ExperimentConfig]]:
    """Yield few experiments, by name, in which a level meets every level of every other factor.

    Args:
        factor: one of ``FACTORS``, to whose levels it is an alternative, or a new one.
        level: its name.
        settings: what it sets.
    """
    factors = {**FACTORS, factor: {**FACTORS.get(factor, {}), level: settings}}
    levels = {name: list(levels) for name, levels in factors.items()}
    for choice in choices_with(levels, factor, level):
        yield "-".join(choice.values()), experiment(choice, factors=factors)


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


def check(config: ExperimentConfig, folder: Path) -> dict[str, torch.Tensor]:
    """Train, interrupt, resume: the same bits, and losses near chance. Return the tensors.

    The uninterrupted run is in ``folder / "whole"``.
    """
    whole, resumed = map(tensors, train_and_resume(config, folder))
    assert whole.keys() == resumed.keys()
    different = [key for key in whole if not torch.equal(whole[key], resumed[key])]
    assert not different
    losses = [json.loads(line)["loss"] for line in (folder / "whole" / "metrics.jsonl").open()]
    assert len(losses) == 2
    # Chance is ln 10 = 2.3; a method that breaks the forward pass is far from it.
    assert all(0.5 < loss < 3.5 for loss in losses), losses
    return whole


def differs(trained: Mapping[str, torch.Tensor], other: Mapping[str, torch.Tensor]) -> bool:
    """Whether the tensors of a training are not all those of another one."""
    return any(
        key not in other or value.shape != other[key].shape or not torch.equal(value, other[key])
        for key, value in trained.items()
    )
