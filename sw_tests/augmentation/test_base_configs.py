"""Experiments that build on other ones."""

from pathlib import Path

import pytest

from trivit.models.errors import ModelsError
from trivit.models.training import load_config

COMMON = """
model: {name: micro_28, token_keep_ratio: 0.8, selector_blocks: [1, 3]}
training: {epochs: 7, batch_size: 64}
sparsity: {warmup: {start_epoch: 1, end_epoch: 5}}
"""


def write(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        path = folder / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_settings_lie_over_those_of_the_base(tmp_path: Path) -> None:
    write(tmp_path, common=COMMON, middle="base: common.yaml\nseed: 5\ntraining: {epochs: 9}\n")
    (tmp_path / "rows").mkdir()
    child = "base: ../middle.yaml\nmodel: {selector_blocks: [2]}\ndata: {dataset: synthetic}\n"
    write(tmp_path / "rows", one=child)
    config = load_config(tmp_path / "rows" / "one.yaml", ["training.batch_size=32"])
    assert config.seed == 5
    assert config.model.token_keep_ratio == 0.8
    assert config.model.selector_blocks == (2,)
    assert (config.training.epochs, config.training.batch_size) == (9, 32)
    assert config.data.dataset == "synthetic"


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"one": "base: gone.yaml"}, r"gone\.yaml does not exist: correct 'base' in .*one\.yaml"),
        ({"one": "base: [a, b]"}, r"base is \['a', 'b'\]: give the path"),
        ({"one": "base: one.yaml"}, r"one\.yaml builds on itself: correct its 'base'"),
        ({"one": "base: two.yaml", "two": "base: one.yaml"}, r"two\.yaml builds on itself"),
        ({"one": "base: two.yaml", "two": "a: [1"}, r"two\.yaml line 1 is not valid YAML"),
        ({"one": "base: two.yaml", "two": ""}, r"two\.yaml is empty"),
        ({"one": "base: two.yaml", "two": "- seed: 3"}, r"two\.yaml is no mapping of settings"),
        (
            {"one": "base: two.yaml\ndata: {flip: true}", "two": "data: cifar10"},
            r"one\.yaml, over its base two\.yaml: data is a section and cannot be 'cifar10'",
        ),
        (
            {"one": "base: two.yaml", "two": "seed: 1\nseed: 2"},
            r"two\.yaml: 'seed' stands twice, on lines 1 and 2",
        ),
        ({"one": "base: two.yaml", "two": "modle: {}"}, r"one\.yaml: unknown setting 'modle'"),
    ],
)
def test_bad_bases_are_one_line(tmp_path: Path, texts: dict[str, str], message: str) -> None:
    write(tmp_path, **texts)
    with pytest.raises(ModelsError, match=message) as caught:
        load_config(tmp_path / "one.yaml")
    assert "\n" not in str(caught.value)
