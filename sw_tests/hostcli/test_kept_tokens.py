"""From the lists of selectors to patches of the image, on programs with and without commands."""

from dataclasses import replace

import numpy as np
import pytest

from trivit.host.backends import open_backend
from trivit.host.check.self_test import load_self_test, self_test_images
from trivit.host.errors import HostError
from trivit.host.kept_tokens import kept_positions, list_names, original_positions, patch_size
from trivit.host.tracing import with_trace
from trivit.tools.compiler.kept_tokens import with_kept_tokens
from trivit.tools.compiler.named import named_program
from trivit.tools.errors import ToolsError
from trivit.tools.estimate import estimate_bundle


def test_lists_map_back_to_the_image() -> None:
    first = np.array([[0, 2, 3, 5, 9, 0, 0, 0]])  # patches 1, 2, 4, 8
    second = np.array([[0, 1, 4, 0, 0, 0, 0, 0]])  # of those the first and the last
    positions = original_positions([first, second], 9)
    assert [p.tolist() for p in positions] == [[[1, 2, 4, 8]], [[1, 8]]]
    with pytest.raises(HostError, match="outside"):
        original_positions([first, np.array([[0, 5]])], 9)


def test_later_selectors_keep_some_of_what_earlier_ones_kept() -> None:
    bundle = load_self_test()
    result = open_backend("reference").run(bundle, self_test_images(bundle))
    first, second = kept_positions(bundle, result.tensors)
    patches = (bundle.preprocessing.height // patch_size(bundle.first)) ** 2
    assert first.shape[1] == 12 and second.shape[1] == 9 and patches == 16
    for before, after in zip(first, second, strict=True):
        assert set(after) < set(before) <= set(range(patches))
    assert len({tuple(row) for row in second.tolist()}) > 1  # images differ in what they keep


def test_a_result_without_lists_is_refused() -> None:
    bundle = load_self_test()
    with pytest.raises(HostError, match=r"does not bring blocks\.0\.selector\.kept back"):
        kept_positions(bundle, {})


def test_a_compiled_program_brings_its_lists_back_and_keeps_its_commands() -> None:
    plain = named_program("deit_tiny", token_keep=0.7)
    bundle = with_kept_tokens(plain)
    assert list_names(bundle.first) == [f"blocks.{i}.selector.kept" for i in (3, 6, 9)]
    assert [output.name for output in bundle.outputs] == ["logits", *list_names(bundle.first)]
    stores = [c for c in bundle.first.commands().watched if c.name in list_names(bundle.first)]
    assert len(stores) == 3
    # The figures of the instructions still stand beside them.
    entries = bundle.first.info["instructions"]
    assert len(entries) == len(bundle.program)
    assert sum(entry["macs"] for entry in entries) == plain.first.info["macs"]
    before, after = estimate_bundle(plain), estimate_bundle(bundle)
    assert before.cycles <= after.cycles < 1.001 * before.cycles


def test_a_dense_program_stays_as_it_is() -> None:
    plain = named_program("deit_tiny")
    bundle = with_kept_tokens(plain)
    assert np.array_equal(bundle.program, plain.program)
    assert bundle.outputs == plain.outputs


def test_a_program_that_no_longer_fits_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def unscheduled(bundle: object) -> object:
        first = replace(bundle.first, schedule=None, unscheduled="no slot")  # type: ignore[attr-defined]
        return replace(bundle, programs=(first,))  # type: ignore[type-var]

    monkeypatch.setattr("trivit.tools.compiler.kept_tokens.with_commands", unscheduled)
    with pytest.raises(ToolsError, match=r"its kept tokens back: no slot; compile without"):
        with_kept_tokens(load_self_test())


def test_tracing_brings_the_same_lists() -> None:
    bundle = load_self_test()
    plain = replace(bundle.first, outputs=(bundle.output("logits"),))
    traced = with_trace(replace(bundle, programs=(plain,)), list_names(plain))
    images = self_test_images(bundle)
    one, other = (open_backend("reference").run(b, images).tensors for b in (bundle, traced))
    for name in list_names(plain):
        assert np.array_equal(one[name], other[name])
