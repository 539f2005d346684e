"""Training steps as commands of the accelerator, interpreted, against the oracle's ops."""

from dataclasses import replace
from typing import Any

import pytest
from accelerator_steps import PRUNED_TINY, TINY, steps
from training_models import DENSE, MICRO, PRUNED, training_model

from trivit.tools.errors import ToolsError
from trivit.tools.training.schedule import lower, values

CASES = {
    "tokens pruned": PRUNED_TINY,
    "tiny": TINY,
    "masters of 16 bits": {**TINY, "masters": 16},
    "two blocks of 17 tokens": {
        **TINY,
        "depth": 2,
        "image_size": 16,
        "qkv_bias": False,
        "in_channels": 3,
    },
}


@pytest.mark.parametrize("sizes", CASES.values(), ids=CASES)
def test_an_interpreted_step_is_the_oracles(sizes: dict[str, Any]) -> None:
    steps(training_model(**sizes), 1, weight_decay=0.01)


def test_exponents_move_between_steps() -> None:
    results = steps(training_model(**TINY), 3, weight_decay=0.01, stochastic=False)
    assert any(result.moves for result in results)


@pytest.mark.full
@pytest.mark.parametrize("kept", [DENSE, {**PRUNED, "selector_blocks": (1, 3)}], ids=["all", "0.7"])
def test_steps_of_the_small_model(kept: dict[str, Any]) -> None:
    results = steps(training_model(**{**MICRO, **kept}), 3, weight_decay=0.01)
    assert any(result.moves for result in results)


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ({"selector_blocks": (0,)}, "does not have the op select_connections yet"),
        (DENSE, "has 9 columns, no multiple of 8"),
        (DENSE | {"optimizer": "adamw"}, "does not have the op update_adamw yet"),
    ],
)
def test_what_is_not_there_is_refused_in_one_line(sizes: dict[str, Any], words: str) -> None:
    with pytest.raises(ToolsError, match=words) as error:
        lower(training_model(**sizes).derived.program)
    assert "\n" not in str(error.value) and "train " in str(error.value)


def test_narrow_heads_and_small_banks_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    program = training_model(**TINY).derived.program
    narrow = [
        replace(o, attributes={**o.attributes, "heads": 8}) if "heads" in o.attributes else o
        for o in program.operations
    ]
    with pytest.raises(ToolsError, match="heads whose width is no multiple of 8"):
        lower(replace(program, operations=tuple(narrow)))
    monkeypatch.setattr(values, "ACTIVATION_DEPTH", 100)
    with pytest.raises(ToolsError, match=r"needs (\d+) words a bank, \d+ more than .* 100"):
        lower(program)


def test_weights_are_updated_with_their_biases() -> None:
    program = training_model(**TINY).derived.program
    without = [
        o
        for o in program.operations
        if o.phase != "update" or o.operands["high"].tensor != "head.bias"
    ]
    with pytest.raises(ToolsError, match=r"'head\.weight' is updated and 'head\.bias' is not"):
        lower(replace(program, operations=tuple(without)))
