"""Schedules compute what the instructions compute, tensor by tensor."""

from dataclasses import replace

import numpy as np
import pytest
from networks import assert_equal, compared, deit_384, most_row_groups, random_network

from trivit.host.commands import decode as decode_command
from trivit.host.commands import from_words
from trivit.host.generated.spec import OPCODES
from trivit.host.instructions import decode
from trivit.host.tracing import with_trace
from trivit.models.families import model_config
from trivit.tools.compiler.named import named_program, untrained_program
from trivit.tools.schedule import schedule


@pytest.mark.parametrize("seed", range(16))
def test_every_tensor_of_random_networks(seed: int) -> None:
    bundle = random_network(seed)
    result = compared(bundle, lag=1 + seed % 8)
    assert_equal(result)
    assert {w.name for w in result.schedule.watched} == {t.name for t in bundle.tensors} - {
        "embedded"  # v4's row 0 is computed, then loaded: the tensor is called x from there on
    }


def test_saturations_of_instructions() -> None:
    """The same, but for rows that v4 alone computes and for rows that v4 does not count."""
    total = 0
    for seed in range(8):
        bundle = random_network(seed)
        result = compared(bundle)
        assert bundle.program[2, 0] & 0xFF == OPCODES["matmul"].code
        other = [2]
        for tag, words in enumerate(bundle.program):
            instruction = decode(words)
            assert instruction is not None
            if "compact" in instruction.flags:
                other.append(tag)
        scheduled = np.delete(result.outcome.saturations, other)
        assert np.array_equal(scheduled, np.delete(result.saturations, other))
        total += int(scheduled.sum())
    assert total


@pytest.mark.parametrize("seed", [9, 13])
def test_stores_of_tensors_on_the_way(seed: int) -> None:
    plain = random_network(seed)
    names = [t.name for t in plain.tensors if t.name in ("x", "context0", "kept0")]
    assert ("kept0" in names) == (seed == 13)
    result = compared(with_trace(plain, names))
    assert_equal(result)
    assert result.output.size > plain.output_words * 8


def test_as_many_tokens_as_deit_384() -> None:
    result = compared(deit_384(0.7))
    assert_equal(result)
    assert {577, 405} <= {w.rows for w in result.schedule.watched}


def test_context_of_more_row_groups_than_nine_bits_count() -> None:
    result = compared(most_row_groups())
    assert_equal(result)
    commands = [decode_command(command) for command in from_words(result.schedule.commands)]
    firsts = [c.fields["source_first"] for c in commands if c.unit == "engine"]
    assert max(firsts) == 16 * 33 - 1


@pytest.mark.parametrize("keep", [1.0, 0.7])
def test_two_blocks_as_wide_as_deit_tiny(keep: float) -> None:
    config = model_config("deit_tiny", token_keep_ratio=keep, attention_keep_ratio=1.0)
    config = replace(config, depth=2, selector_blocks=(0,) if keep < 1 else ())
    result = compared(untrained_program(config, "two_blocks", seed=1))
    assert_equal(result)
    assert len(result.schedule.watched) == (15 if keep < 1 else 14)


@pytest.mark.parametrize("name", ["deit_small", "deit_base"])
@pytest.mark.parametrize("keep", [1.0, 0.9])
def test_wide_models_fit_the_banks(name: str, keep: float) -> None:
    config = model_config(name, token_keep_ratio=keep, attention_keep_ratio=1.0)
    config = replace(config, depth=2, selector_blocks=(0,) if keep < 1 else ())
    scheduled = schedule(untrained_program(config, name))
    assert scheduled.watched[-1].name == "head"


def test_a_whole_deit_with_selectors_is_scheduled() -> None:
    scheduled = schedule(named_program("deit_tiny", token_keep=0.7))
    assert sum(".selector.kept" in w.name for w in scheduled.watched) == 3
    assert scheduled.reports < len(scheduled.commands)
