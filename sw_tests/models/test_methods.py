"""Every training method: builds, trains a step, resumes exactly, exports or says why not, and
composes with every other.

``composition.py`` lists the methods as levels of factors; ``covering_array`` chooses experiments of
one level of each factor in which every two methods meet.
"""

import ast
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from trivit.models.errors import ModelsError
from trivit.models.methods.patches.schedule import PatchScheduleConfig
from trivit.models.methods.table import REGISTRIES
from trivit.models.nested_settings import read_overrides
from trivit.models.registry import Registry
from trivit.models.training import load_run, train

from ..run_folders import tensors
from .composition import (
    FACTORS,
    FLOAT_ONLY,
    TOKENS,
    check,
    compositions_with,
    differs,
    experiment,
)
from .covering import Choice, covering_array, pairs_of

ROOT = Path(__file__).parents[2]

METHODS = [
    (factor, level) for factor, levels in FACTORS.items() for level, settings in levels.items()
    if settings
]  # fmt: skip

COMBINATIONS = covering_array({factor: list(levels) for factor, levels in FACTORS.items()})


@pytest.fixture(scope="module")
def dense(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Train the dense experiment once for all tests."""
    folder = tmp_path_factory.mktemp("dense")

    def run() -> Path:
        if not (folder / "run").exists():
            train(experiment({}), folder / "run")
        return folder / "run"

    return run


@pytest.mark.parametrize("registry", REGISTRIES, ids=lambda registry: registry.setting)
def test_every_registered_method_is_a_level(registry: Registry[Any]) -> None:
    found = set()
    for levels in FACTORS.values():
        for settings in levels.values():
            value: Any = read_overrides(settings)
            for name in registry.setting.split("."):
                value = value.get(name) if isinstance(value, dict) else None
            found.add(value)
    assert set(registry.names()) - found <= {PatchScheduleConfig.schedule}


@pytest.mark.parametrize("package", ["models", "tools"])
def test_no_code_asks_which_method_it_is(package: str) -> None:
    """What depends on a method is an attribute of it."""
    settings = {registry.setting.rpartition(".")[2] for registry in REGISTRIES}
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Compare)
        and (getattr(node.left, "attr", None) or getattr(node.left, "id", None)) in settings
        and any(
            isinstance(part, ast.Constant) and isinstance(part.value, str)
            for comparator in node.comparators
            for part in ast.walk(comparator)
        )
    ]
    assert not found


@pytest.mark.parametrize(("factor", "level"), METHODS, ids=map("-".join, METHODS))
def test_resumes_with_the_same_bits_and_quantizes_or_names_the_setting(
    factor: str, level: str, tmp_path: Path, dense: Callable[[], Path]
) -> None:
    whole = check(experiment({factor: level}), tmp_path)
    assert differs(whole, tensors(dense())), "the method changes nothing"
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
def test_composes(choice: Choice, tmp_path: Path) -> None:
    check(experiment(choice), tmp_path)


def test_a_new_level_meets_every_other_one() -> None:
    settings = (TOKENS, "model.token_score=static", "model.selector_blocks=[1]")
    found = dict(compositions_with("tokens", "made_up", settings))
    met = {
        pair
        for name in found
        for pair in pairs_of(dict(zip(FACTORS, name.split("-"), strict=True)))
        if ("tokens", "made_up") in pair
    }
    others = [levels for factor, levels in FACTORS.items() if factor != "tokens"]
    assert len(met) == sum(map(len, others)) and len(found) == max(map(len, others))
    for name, config in found.items():
        assert config.model.selector_blocks == (1,), name
    new = dict(compositions_with("a_new_factor", "made_up", ("training.batch_size=9",)))
    assert len(new) == max(map(len, FACTORS.values()))
    assert all(config.training.batch_size == 9 for config in new.values())


def test_all_that_the_accelerator_supports_exports_in_one_run(tmp_path: Path) -> None:
    quantization = pytest.importorskip(
        "trivit.models.quantization", reason="Brevitas is not installed"
    )
    choice = {
        "examples": "online",
        "tokens": "two_selectors",
        "connections": "largest",
        "patches": "cyclic_l2",
        "depth": "stochastic",
        "images": "mixed",
        "weights": "averaged",
    }
    train(experiment(choice, "model.patch_size=7"), tmp_path)
    settings = quantization.QuantizeConfig(
        calibration_images=16, reference_images=1, qonnx_images=1, onnxruntime_images=4
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        summary = quantization.quantize(tmp_path, settings)
    assert summary["test_images"] == 10 and "reference" in summary
    assert (tmp_path / quantization.FOLDER / "model.onnx").is_file()
