"""The order of an attention's scores and context."""

import pytest

from trivit.tools.schedule.operations import Attention, Value
from trivit.tools.schedule.steps import Step, steps


def attention(rows: int, heads: int) -> Attention:
    values = [Value(name, rows, words, 0, 0) for name, words in (("qkv", 9), ("context", 3))]
    return Attention(0, {"tokens": rows, "heads": heads}, *values)


@pytest.mark.parametrize("rows", [1, 8, 9, 17, 40, 69, 98, 197, 208])
@pytest.mark.parametrize("lag", [1, 3, 6, 30])
def test_each_step_has_its_scores_before_its_context(rows: int, lag: int) -> None:
    found = steps(attention(rows, 3), lag)
    groups = -(-rows // 8)
    done: dict[str, list[tuple[int, int]]] = {"scores": [], "context": []}
    for scores, context in found.order():
        for what, step in (("scores", scores), ("context", context)):
            if step is not None:
                numbers = range(step.first, step.first + step.groups)
                done[what] += [(step.head, number) for number in numbers]
            # Row groups whose probabilities are not read yet; keys are released in order.
            assert len(done["scores"]) - len(done["context"]) <= found.row_groups <= groups
    everything = [(head, group) for head in range(3) for group in range(groups)]
    assert done["scores"] == done["context"] == everything


def test_long_heads_go_row_group_by_row_group() -> None:
    found = steps(attention(197, 3), 6)
    assert (found.products, found.lag, found.row_groups) == (75, 6, 7)
    order = list(found.order())
    assert order[0] == (Step(0, 0, 1), None)
    assert order[24] == (Step(0, 24, 1), Step(0, 18, 1))
    assert order[-1] == (None, Step(2, 24, 1))


def test_short_heads_have_steps_of_two_row_groups() -> None:
    found = steps(attention(69, 3), 6)
    assert (found.products, found.lag, found.row_groups) == (15, 3, 9)
    order = list(found.order())
    assert order[4] == (Step(0, 8, 1), Step(0, 2, 2))
    assert order[-1] == (None, Step(2, 8, 1))
