"""YAML to configuration: what is refused, and that nothing is lost on the way back."""

import re
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from trivit.models.data import train_image_count
from trivit.models.errors import ModelsError
from trivit.models.experiment.config_files import save_config
from trivit.models.experiment.costs import savings, training_macs
from trivit.models.topology import passages
from trivit.models.training import ExperimentConfig, load_config, parse_config

FOLDER = Path(__file__).parents[2] / "configs"
README = (FOLDER / "README.md").read_text()
LEVELS = sorted(FOLDER.glob("levels/*.yaml"))
CONFIGS = [*sorted(FOLDER.glob("*.yaml")), *LEVELS]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_config_of_the_project_loads(path: Path, tmp_path: Path) -> None:
    config = load_config(path)
    save_config(config, tmp_path / "config.yaml")
    assert load_config(tmp_path / "config.yaml") == config


def test_project_has_configs() -> None:
    assert {"fashion_mnist_micro", "cifar10_deit_tiny"} <= {path.stem for path in CONFIGS}


@pytest.mark.parametrize("path", LEVELS, ids=lambda path: path.stem)
def test_a_level_alone_saves_what_the_readme_says(path: Path) -> None:
    """Nothing else differs from the baseline, and no other level saves anything."""
    data, level = re.fullmatch(r"(fashion_mnist|cifar10)_([a-z]+)_.*", path.stem).groups()  # type: ignore[union-attr]
    config = load_config(path)
    dense = load_config(FOLDER / f"{data}_micro_dense.yaml")
    count = train_image_count(config.data)
    alone = asdict(savings(config, count))
    names = {"connections": "attention"}
    assert alone.pop(names.get(level, level)) > 0
    assert alone.pop("shapes") >= 1
    assert not any(alone.values())
    model = replace(config.model, token_keep_ratio=1.0, attention_keep_ratio=1.0)
    plain = replace(
        config, model=model, sparsity=dense.sparsity, patch_schedule=dense.patch_schedule
    )
    assert plain == dense
    (row,) = [line for line in README.splitlines() if f"`levels/{path.name}`" in line]
    fashion, cifar = re.findall(r"[\d.]+(?= [/%])", row.split("|")[-2])
    shown = float({"fashion_mnist": fashion, "cifar10": cifar}[data])
    assert shown == round(training_macs(config, count).saved_percent, 1)


def test_overrides_are_typed_values(tiny: Callable[..., ExperimentConfig]) -> None:
    config = tiny(
        "training.epochs=9",
        "training.learning_rate=1e-3",
        "data.flip=true",
        "model.selector_blocks=[0, 1]",
        "data.train_images=null",
    )
    assert config.training.epochs == 9
    assert config.training.learning_rate == 1e-3
    assert config.data.flip is True
    assert config.model.selector_blocks == (0, 1)
    assert config.data.train_images is None


def test_model_settings_are_filled_in_from_the_name() -> None:
    config = parse_config({"model": {"name": "deit_tiny", "token_keep_ratio": 0.7}})
    assert config.model.embed_dim == 192
    steps = passages(config.model, config.model.final_ratios())
    assert [p.left for p in steps if p.selection is not None] == [138, 97, 68]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.batchsize=3", "unknown setting 'training.batchsize': did you mean 'training.ba"),
        ("modle.name=x", "unknown setting 'modle': did you mean 'model'"),
        ("training.batch_size=many", "training.batch_size is 'many': expected a whole number"),
        ("training.batch_size=1.5", "training.batch_size is 1.5: expected a whole number"),
        ("training.batch_size=true", "training.batch_size is True: expected a whole number"),
        ("training.batch_size=0", "training.batch_size is 0: use 1 or more"),
        ("training.learning_rate=fast", "training.learning_rate is 'fast': expected a number"),
        ("training.learning_rate=-1", "training.learning_rate is -1.0: use more than 0"),
        ("training.learning_rate=.nan", "training.learning_rate is nan"),
        (
            "training.min_learning_rate=1",
            "training.min_learning_rate is 1.0: use at most training.",
        ),
        ("training.beta2=1.0", "training.beta2 is 1.0: use 0 up to below 1"),
        ("training.device=tpu", "training.device is 'tpu': choose one of auto, cpu, cuda"),
        ("data.flip=1", "data.flip is 1: expected true or false"),
        ("data.dataset=mnist", "data.dataset is 'mnist': choose one of"),
        ("model.num_heads=5", "num_heads 5 does not divide embed_dim 32"),
        ("model.token_keep_ratio=0", "token_keep_ratio is 0"),
        ("model.name=micro_82", "unknown model 'micro_82': did you mean 'micro_"),
        ("model.selector_blocks=1", "model.selector_blocks is 1: expected a list"),
        (
            "model.selector_blocks=[a]",
            r"selector_blocks\[0\] is 'a': expected a whole number",
        ),
        ("sparsity.examples=0.8", "sparsity.examples is a section and cannot be 0.8"),
        ("training.epochs.x=1", "training.epochs is a section and cannot be 4"),
        ("training.epochs", "cannot read --set 'training.epochs': write it as key=value"),
        ("data.shift=[", "--set 'data.shift=\\[' line 1 is not valid YAML"),
        ("sparsity.variance_block=2", "sparsity.variance_block is 2: use -2 to 1"),
        ("seed=-1", "seed is -1"),
    ],
)
def test_bad_settings_are_named_in_one_line(
    override: str, message: str, tiny: Callable[..., ExperimentConfig]
) -> None:
    with pytest.raises(ModelsError, match=message) as caught:
        tiny(override)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model: {name: micro_28", "line .* is not valid YAML"),
        ("- 1\n", "no mapping of settings"),
        ("seed: 1\n", "setting 'model' is missing"),
        ("model: {}\n", "setting 'model.name' is missing"),
        ("model: {name: [1]}\n", "model.name is .*: expected a text"),
    ],
)
def test_bad_files_are_named_in_one_line(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(ModelsError, match=message) as caught:
        load_config(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_and_binary_files(tmp_path: Path) -> None:
    with pytest.raises(ModelsError, match="does not exist"):
        load_config(tmp_path / "none.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ModelsError, match="not UTF-8"):
        load_config(tmp_path / "binary.yaml")
