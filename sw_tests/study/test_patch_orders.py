"""Probes of the L1 order: what each ranks by, and what is measured of the sets they choose."""

import json
from pathlib import Path

import pytest
import torch

from trivit.models.families import build_model
from trivit.models.methods.patches.orders import PATCH_ORDERS, PatchSampling
from trivit.tools.study.accuracy import profiles
from trivit.tools.study.patch_orders.__main__ import RESULT, VARIANTS, runs
from trivit.tools.study.patch_orders.chosen_sets import (
    by_place,
    chosen,
    in_both,
    patch_statistics,
    rank_correlation,
)
from trivit.tools.study.patch_orders.probes import PROBES, l1_norm, probe_orders
from trivit.tools.study.patch_orders.separate import _mean, _open_to, separate

from .conftest import TINY


def patches(seed: int = 0) -> torch.Tensor:
    """Return 3 images of 4 x 4 patches of width 5."""
    return torch.randn(3, 16, 5, generator=torch.Generator().manual_seed(seed))


def test_probes_are_registered_within_and_not_after() -> None:
    with probe_orders():
        assert set(PROBES) <= set(PATCH_ORDERS.names())
        first = PATCH_ORDERS["probe_noisy_l1"].scores(patches())
    assert not set(PROBES) & set(PATCH_ORDERS.names())
    with probe_orders():  # the noise starts anew
        assert torch.equal(PATCH_ORDERS["probe_noisy_l1"].scores(patches()), first)
        assert not torch.equal(PATCH_ORDERS["probe_noisy_l1"].scores(patches()), first)


def test_what_probes_rank_by() -> None:
    x_BND = patches()
    with probe_orders():
        lowest, subset, mean, edges = (
            PATCH_ORDERS[f"probe_{name}"].scores(x_BND)
            for name in ("lowest_l1", "one_subset", "from_mean", "edges")
        )
        brighter = PATCH_ORDERS["probe_from_mean"].scores(x_BND + 100.0)
        flat = PATCH_ORDERS["probe_edges"].scores(torch.ones(1, 16, 5))
        spot = torch.ones(1, 16, 5)
        spot[0, 5] = 9.0
        spotted = PATCH_ORDERS["probe_edges"].scores(spot)
    torch.testing.assert_close(lowest, -PATCH_ORDERS["l1"].scores(x_BND))
    assert torch.equal(subset[0], subset[2]) and len(subset[0].unique()) == 16
    # What all patches share does not count.
    torch.testing.assert_close(mean, brighter, atol=1e-3, rtol=1e-3)
    assert not torch.equal(l1_norm(x_BND).argsort(), l1_norm(x_BND + 100.0).argsort())
    assert float(flat.abs().max()) < 1e-6 and int(spotted.argmax()) == 5
    assert edges.shape == (3, 16)


def test_chosen_sets_and_their_measures() -> None:
    scores = torch.tensor([[3.0, 1.0, 2.0, 0.0], [0.0, 3.0, 2.0, 1.0]])
    kept = chosen(scores, 0.6)  # round(0.6 * 5) = 3 tokens, [CLS] among them
    assert kept.tolist() == [[True, False, True, False], [False, True, True, False]]
    assert by_place(kept) == {"least": 0.0, "most": 100.0}
    assert in_both(kept, kept) == 100 and in_both(kept, ~kept) == 0
    assert in_both(kept[:1], kept[1:]) == 50
    assert rank_correlation(scores, 2 * scores + 1) == pytest.approx(1)
    assert rank_correlation(scores, -scores) == pytest.approx(-1)
    pixels = torch.zeros(1, 1, 2, 4)
    pixels[0, 0, :, :2] = 1.0  # a bright flat patch
    pixels[0, 0, 0, 2:], pixels[0, 0, 1, 2:] = 1.0, -1.0  # a grey one with an edge
    found = {name: values[0].tolist() for name, values in patch_statistics(pixels, 2).items()}
    assert found["brightness"] == [1.0, 0.0] and found["magnitude"] == [1.0, 1.0]
    assert found["contrast"][0] == 0 < found["contrast"][1]


def test_keys_and_pooling_are_told_apart() -> None:
    """Without attention between tokens the others as keys change nothing; with it they do."""
    torch.manual_seed(0)
    model = build_model(
        "micro_28", embed_dim=16, depth=1, pooling="mean", selector_blocks=()
    ).eval()
    images = torch.randn(4, 1, 28, 28)
    own = torch.arange(49).expand(4, 49) < 20
    model.set_patch_sampling(PatchSampling())
    logits_own, everything = model(images), torch.ones_like(own)
    classes = separate(model, images, everything)
    assert torch.equal(classes["keys_own"], logits_own.argmax(1))
    assert torch.equal(classes["pooled_own"], logits_own.argmax(1))
    # What the others hold does not reach its own patches unless somebody attends to them.
    other = images.clone()
    other[:, :, 12:] = 9.0  # behind the first three rows of seven patches

    def pooled(pixels: torch.Tensor, masked: bool) -> torch.Tensor:
        tokens = model.embed(pixels)
        tokens.mask = _open_to(own) if masked else None
        return _mean(model.run_blocks(tokens).x[:, 1:], own)

    with torch.inference_mode():
        torch.testing.assert_close(pooled(images, True), pooled(other, True))
        assert not torch.allclose(pooled(images, False), pooled(other, False))


def test_a_probe_trains_and_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(profiles.PROFILES, "cpu", TINY)
    (line,) = runs("synthetic", "fixed", ["noisy"], 1, ["training.epochs=1"], tmp_path)
    assert {"all", "own", "largest", "smallest", "random", "keys_own", "sets"} <= set(line)
    assert len(line["sweep"]) == 4
    assert len(line["sets"]["also_in_the_other_sense_percent"]) == 2
    folder = tmp_path / "synthetic" / "fixed" / "noisy" / "seed-0"
    written = (folder / RESULT).stat().st_mtime_ns
    assert json.loads((folder / RESULT).read_text())["all"] == line["all"]
    (again,) = runs("synthetic", "fixed", ["noisy"], 1, ["training.epochs=1"], tmp_path)
    assert again == line and (folder / RESULT).stat().st_mtime_ns == written


def test_every_variant_names_an_order() -> None:
    with probe_orders():
        for variant in VARIANTS.values():
            assert variant.order in PATCH_ORDERS.names()
