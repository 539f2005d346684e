"""Nested settings laid over each other, and bars that show only on terminals."""

import io

import pytest
from rich.console import Console

from trivit.models.errors import ModelsError
from trivit.models.nested_settings import leaves, overlay
from trivit.models.progress import ProgressBars


def test_later_settings_replace_earlier_ones() -> None:
    below = {"a": {"x": 1, "y": [1, 2]}, "b": None, "c": {"z": 1}}
    above = {"a": {"y": [3]}, "b": {"w": 4}, "c": None}
    assert overlay(below, above) == {"a": {"x": 1, "y": [3]}, "b": {"w": 4}, "c": None}
    assert overlay(below, above, {"a": {"x": 5}})["a"] == {"x": 5, "y": [3]}
    assert leaves(overlay(below, above)) == {"a.x", "a.y", "b.w", "c"}


def test_the_result_shares_nothing_with_what_it_is_made_of() -> None:
    below, above = {"a": {"x": [1]}}, {"b": {"y": [2]}}
    both = overlay(below, above)
    both["a"]["x"].append(9)
    both["b"]["y"].append(9)
    assert (below, above) == ({"a": {"x": [1]}}, {"b": {"y": [2]}})


@pytest.mark.parametrize(
    "pair", [({"a": {"b": {}}}, {"a": {"b": 3}}), ({"a": {"b": 3}}, {"a": {"b": {}}})]
)
def test_a_section_and_a_value_of_one_name_are_refused(pair: tuple[dict, dict]) -> None:
    with pytest.raises(ModelsError, match=r"^a\.b is a section and cannot be 3$"):
        overlay(*pair)


@pytest.mark.parametrize("terminal", [True, False])
def test_bars_and_lines_show_on_terminals_only(terminal: bool) -> None:
    written = io.StringIO()
    with ProgressBars(Console(file=written, force_terminal=terminal, width=100)) as bars:
        bars.advance()  # no bar yet
        bars.start("train", total=3, done=1)
        bars.advance()
        bars.print("epoch 1")
    assert ("epoch 1" in written.getvalue()) == terminal
    assert ("2/3" in written.getvalue()) == terminal
