"""Models whose activations do not fit the banks: places used again, what waits in DDR."""

from importlib import import_module
from itertools import combinations
from typing import Any

import pytest
from accelerator_steps import DEIT_T_BLOCK, PRUNED_TINY, TINY, steps
from training_models import training_model

from trivit.host.generated.spec import ACTIVATION_DEPTH
from trivit.host.training.program import TrainingProgram
from trivit.models.families import model_config
from trivit.tools.compiler.named import untrained_source
from trivit.tools.training.derive import derive
from trivit.tools.training.schedule import listing, lower
from trivit.tools.training.schedule.footprint import footprint
from trivit.tools.training.schedule.lower import commands
from trivit.tools.training.schedule.places import Lives, arrange

LOWER = import_module("trivit.tools.training.schedule.lower")
TWO_BLOCKS = {**TINY, "depth": 2, "image_size": 16, "in_channels": 3}


def deit(name: str) -> TrainingProgram:
    """The training program of a dense named configuration, weights zero."""
    config = model_config(name, token_keep_ratio=1.0, attention_keep_ratio=1.0)
    return derive(untrained_source(config, name).model).program


@pytest.mark.parametrize(
    ("sizes", "last_block"),
    [(TWO_BLOCKS, False), (PRUNED_TINY, True)],
    ids=["all but the last block", "pruned, all"],
)
def test_a_step_whose_activations_wait_is_the_oracles(
    sizes: dict[str, Any], last_block: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = training_model(**sizes)
    c = commands(model.derived.program, last_block)
    lives = Lives(c.banks.values, c.listing.drafts)
    _, words = arrange(lives.lives)
    monkeypatch.setattr(LOWER, "ACTIVATION_DEPTH", words)
    schedule = lower(model.derived.program)
    assert schedule.output_words == c.waiting.words > 1
    steps(model, 1, weight_decay=0.01)


@pytest.mark.parametrize("name", ["deit_tiny", "deit_small"])
def test_whole_models_find_places_that_no_other_value_has_at_the_time(name: str) -> None:
    program = deit(name)
    assert lower(program).output_words * 16 > 12e6  # all fields hold their values
    c = commands(program, wait=True)
    lives = Lives(c.banks.values, c.listing.drafts)
    places, words = arrange(lives.lives)
    assert words <= ACTIVATION_DEPTH
    for one, other in combinations(places, 2):
        if one.first < other.end and other.first < one.end:
            apart = places[one] + one.words <= places[other]
            assert apart or places[other] + other.words <= places[one]


def test_ops_share_tags_where_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    model = training_model(**TINY)
    monkeypatch.setattr(listing, "_TAGS", len(model.derived.program.operations) // 2)
    steps(model, 1, weight_decay=0.01)


def test_a_base_model_fits_the_boards_memory() -> None:
    found = footprint(deit("deit_base"))
    parameters = sum(t.rows * t.columns for t in deit("deit_base").parameters)
    # High and low plane, momentum, gradients.
    assert 4 * 2 * parameters <= found.planes <= 1.01 * 4 * 2 * parameters
    assert found.total == sum(
        (found.planes, found.constants, found.inputs, found.waiting, found.commands)
    )
    assert found.total < 4e9


@pytest.mark.full
def test_a_step_of_a_block_of_deit_t() -> None:
    steps(training_model(**DEIT_T_BLOCK), 1, weight_decay=0.01)
