"""Patch sampling schedule: levels, counts and orders of the paper and of its released code."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from trivit.models.errors import ModelsError
from trivit.models.families import model_config
from trivit.models.families.vision_transformer import VisionTransformer
from trivit.models.methods.counts import sampled_patches
from trivit.models.methods.patches.orders import PATCH_ORDERS, PatchSampling, sample_patches
from trivit.models.methods.patches.schedule import (
    PATCH_SCHEDULES,
    PatchSampler,
    PatchScheduleConfig,
    scheduled_keep_ratio,
)
from trivit.models.settings import Compat
from trivit.models.training import ExperimentConfig, evaluate, parse_config, train
from trivit.tools.cli.main import main

Tiny = Callable[..., ExperimentConfig]


def shares(config: PatchScheduleConfig, epochs: int, span: float) -> dict[float, float]:
    """Part of the first ``span`` epochs that each ratio holds."""
    steps = 9000
    ratios = [scheduled_keep_ratio(config, span * i / steps, epochs) for i in range(steps)]
    return {ratio: count / steps for ratio, count in Counter(ratios).items()}


def test_counts_are_the_papers() -> None:
    assert [1 + sampled_patches(196, r) for r in (0.2, 0.4, 0.6, 0.8, 1.0)] == [
        39,
        79,
        118,
        158,
        197,
    ]
    # Without [CLS] the ratio is that of the patches.
    assert [sampled_patches(196, r, prefix=0) for r in (0.2, 0.5, 1.0)] == [39, 98, 196]
    assert sampled_patches(4, 0.01) == sampled_patches(4, 0.01, prefix=0) == 1


@pytest.mark.parametrize("schedule", ["linear", "cyclic"])
def test_code_levels_last_as_in_the_released_code(schedule: Any) -> None:
    config = PatchScheduleConfig(schedule=schedule, compat="code", cooldown_epochs=0)
    span = 1.0 if schedule == "cyclic" else 10.0
    expected = {0.2: 1 / 9, 0.4: 2 / 9, 0.6: 2 / 9, 0.8: 2 / 9, 1.0: 2 / 9}
    assert shares(config, 10, span) == pytest.approx(expected, abs=2e-3)
    # The drop ratio of the released code: from 0.8 to -0.1, rounded to fifths, never negative.
    for i in range(1, 900):
        progress = i / 900
        if schedule == "cyclic":
            progress = 1 - abs(2 * progress - 1)
        fifths = (0.8 - 0.9 * progress) * 5
        if abs(fifths % 1 - 0.5) < 1e-6:
            continue  # a border
        ratio = scheduled_keep_ratio(config, span * i / 900, 10)
        assert ratio == pytest.approx(1 - max(0.0, round(fifths) / 5))


def released_ratio(schedule: str, step: int, steps: int, epochs: int) -> float:
    """Keep ratio of a step as the released DeiT code finds it: drop 0.8 to -0.1, then a cooldown
    of 10 epochs."""
    iterations = (epochs - 10) * steps
    if schedule == "cyclic":
        if step > iterations - 1:
            return 1.0
        within = step % steps
        progress = within / (steps / 2) if within <= steps // 2 else (steps - within) / (steps / 2)
    else:
        progress = step / iterations
    return 1 - max(0.0, round((0.8 - 0.9 * progress) * 5) / 5)


@pytest.mark.parametrize("schedule", ["linear", "cyclic"])
def test_only_the_code_ends_with_a_cooldown(schedule: Any) -> None:
    steps, epochs = 50, 300
    config = PatchScheduleConfig(schedule=schedule, compat="code")
    ratios = [scheduled_keep_ratio(config, step / steps, epochs) for step in range(steps * epochs)]
    released = [released_ratio(schedule, step, steps, epochs) for step in range(steps * epochs)]
    assert ratios == pytest.approx(released)
    assert set(ratios[290 * steps :]) == {1.0}
    assert ratios[290 * steps - 1] == (0.2 if schedule == "cyclic" else 1.0)
    # 5.8 / 9 without the cooldown, and 0.648 for a cycle in 50 steps.
    mean = {"linear": 0.6563, "cyclic": 0.6597}[schedule]
    assert sum(ratios) / len(ratios) == pytest.approx(mean, abs=1e-4)
    paper = PatchScheduleConfig(schedule=schedule)
    assert paper.cooldown == 0


def test_a_cooldown_may_be_of_any_length() -> None:
    cosine = PatchScheduleConfig(schedule="cosine", start=1.0, end=0.4, cooldown_epochs=2)
    assert [scheduled_keep_ratio(cosine, epoch, 4) for epoch in (0, 1.99, 2, 3.9)] == [
        1.0,
        0.4,
        0.4,
        0.4,
    ]
    listed = PatchScheduleConfig(schedule="list", ratios=(0.5, 1.0), compat="code")
    assert scheduled_keep_ratio(listed, 3.9, 4) == 1.0  # the released code has no lists
    with pytest.raises(ModelsError, match="cooldown_epochs does nothing with schedule fixed"):
        PatchScheduleConfig(schedule="fixed", cooldown_epochs=3)
    short = {"model": {"name": "micro_28"}, "training": {"epochs": 10}}
    with pytest.raises(ModelsError, match=r"cooldown_epochs is 10\.0: use fewer than the 10 epo"):
        parse_config({**short, "patch_schedule": {"schedule": "cyclic", "compat": "code"}})


@pytest.mark.parametrize("schedule", ["linear", "cyclic"])
def test_paper_levels_last_equally_long(schedule: Any) -> None:
    config = PatchScheduleConfig(schedule=schedule)
    expected = dict.fromkeys((0.2, 0.4, 0.6, 0.8, 1.0), 0.2)
    assert shares(config, 10, 10.0) == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize("compat", ["paper", "code"])
def test_courses(compat: Compat) -> None:
    def course(points: int, span: float, **settings: Any) -> list[float]:
        if compat == "code" and PATCH_SCHEDULES[settings.get("schedule", "none")].cools_down:
            settings["cooldown_epochs"] = 0
        config = PatchScheduleConfig(compat=compat, **settings)
        return [scheduled_keep_ratio(config, span * i / points, 4) for i in range(points)]

    linear = course(400, 4.0, schedule="linear")
    assert linear == sorted(linear)
    assert (linear[0], linear[-1]) == (0.2, 1.0)
    falling = course(400, 4.0, schedule="linear", start=1.0, end=0.4)
    assert falling == sorted(falling, reverse=True)
    assert (falling[0], falling[-1]) == (1.0, 0.4)
    cycle = course(100, 1.0, schedule="cyclic")
    assert cycle[:51] == sorted(cycle[:51])
    assert cycle[50:] == sorted(cycle[50:], reverse=True)
    assert (cycle[0], cycle[50], cycle[-1]) == (0.2, 1.0, 0.2)
    assert course(200, 2.0, schedule="cyclic") == cycle * 2
    assert course(100, 2.0, schedule="cyclic", cycle_epochs=2.0) == cycle
    cosine = course(400, 4.0, schedule="cosine")
    assert cosine == sorted(cosine)
    assert set(cosine) == {0.2, 0.4, 0.6, 0.8, 1.0}
    assert set(course(10, 4.0, schedule="fixed", keep_ratio=0.6)) == {0.6}
    assert set(course(10, 4.0)) == {1.0}
    listed = course(8, 4.0, schedule="list", ratios=(0.5, 0.5, 1.0, 0.3))
    assert listed == [0.5, 0.5, 0.5, 0.5, 1.0, 1.0, 0.3, 0.3]
    assert course(4, 4.0, schedule="list", ratios=(0.5, 1.0), cycle_epochs=2.0) == [0.5, 1.0] * 2


def test_a_schedule_takes_all_its_levels_and_no_others() -> None:
    cases: list[tuple[dict[str, Any], list[float]]] = [
        ({}, [1.0]),
        ({"schedule": "fixed", "keep_ratio": 0.6}, [0.6]),
        ({"schedule": "linear", "compat": "code", "cooldown_epochs": 1}, [0.2, 0.4, 0.6, 0.8, 1.0]),
        ({"schedule": "cyclic", "start": 0.25, "end": 0.75, "steps": 4}, [0.25, 0.5, 0.75]),
        ({"schedule": "cosine", "start": 1.0, "end": 0.6}, [0.6, 0.8, 1.0]),
        ({"schedule": "list", "ratios": (1.0, 0.5, 1.0)}, [0.5, 1.0]),
    ]
    for settings, levels in cases:
        config = PatchScheduleConfig(**settings)
        seen = {scheduled_keep_ratio(config, i / 100, 5) for i in range(500)}
        assert sorted(seen) == levels, settings


def test_norms_rank_and_ties_go_to_the_lower_index() -> None:
    patches = torch.tensor([[[3.0, -3.0], [0.0, 5.0], [-3.0, 3.0], [1.0, 1.0]]])
    assert sample_patches(PATCH_ORDERS["l1"].scores(patches), 0.6).tolist() == [[0, 2]]
    assert sample_patches(PATCH_ORDERS["l2"].scores(patches), 0.6).tolist() == [[0, 1]]
    assert sample_patches(PATCH_ORDERS["l1"].scores(patches), 0.4).tolist() == [[0]]


def test_everything_that_ranks_is_wide_in_bfloat16() -> None:
    torch.manual_seed(0)
    patches = torch.randn(4, 196, 64).bfloat16()
    for order in ("l1", "l2"):
        scores = PATCH_ORDERS[order].scores(patches)  # type: ignore[arg-type]
        assert scores.dtype == torch.float32
        exact = torch.linalg.vector_norm(patches.double(), ord=int(order[1]), dim=-1)
        torch.testing.assert_close(scores.double(), exact, rtol=1e-6, atol=0)
        assert all(len(row.unique()) > 190 for row in scores)  # 38 where sums are bfloat16
    assert PATCH_ORDERS["l1"].scores(patches.double()).dtype == torch.float64
    # What the selectors rank tokens and connections by, under autocast as in training.
    config = model_config(
        "micro_28", selector_blocks=(1,), token_keep_ratio=0.5, attention_keep_ratio=0.5
    )
    model = VisionTransformer(config)
    attention = model.blocks[1].attn
    given: list[torch.dtype] = []
    attention.register_forward_hook(lambda *call: given.append(call[-1][1].matrix_BLL.dtype))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        model(torch.randn(2, 1, 28, 28))
    assert given == [torch.float32]


def test_random_order_is_uniform_and_repeatable() -> None:
    torch.manual_seed(1)
    patches = torch.zeros(4000, 10, 2)
    kept = sample_patches(PATCH_ORDERS["random"].scores(patches), 0.5)
    assert kept.shape == (4000, 5)
    frequency = torch.bincount(kept.flatten(), minlength=10) / 4000
    assert bool(((frequency - 0.5).abs() < 0.04).all())
    sampler = PatchSampler(PatchScheduleConfig(order="random"), torch.device("cpu"))
    sampler.start_epoch(5)
    whole = sampler.random_scores(0.5, 8, 10)
    sampler.start_epoch(5)
    part = sampler.random_scores(0.5, 8, 10, slice(4, 8))
    assert whole is not None and part is not None
    assert torch.equal(whole[4:], part)
    assert sampler.random_scores(1.0, 8, 10) is None


@pytest.mark.parametrize("class_token", [True, False])
def test_given_scores_leave_out_patches_before_they_are_embedded(
    class_token: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    sizes = {"depth": 2, "selector_blocks": (), "pooling": "mean", "class_token": class_token}
    model = VisionTransformer(model_config("micro_28", **sizes))
    with torch.no_grad():
        model.pos_embed.normal_()
    model.set_patch_sampling(PatchSampling(0.4, "random"))
    images, scores = torch.randn(3, 1, 28, 28), torch.rand(3, 49)
    embedded: list[int] = []
    model.patch_embed.register_forward_hook(lambda *call: embedded.append(call[-1].shape[1]))

    def run(given: torch.Tensor | None) -> tuple[torch.Tensor, ...]:
        model.zero_grad()
        logits = model.forward_details(images, patch_scores_BN=given).logits
        logits.square().sum().backward()
        assert all(p.grad is not None for p in model.parameters())
        return logits, *(p.grad.clone() for p in model.parameters() if p.grad is not None)

    early = run(scores)
    monkeypatch.setattr(type(PATCH_ORDERS["random"]), "scores", lambda *_: scores)
    late = run(None)
    assert embedded == [sampled_patches(49, 0.4, int(class_token)), 49]
    torch.testing.assert_close(early, late)


def test_the_model_ranks_before_or_after_the_positions() -> None:
    torch.manual_seed(0)
    model = VisionTransformer(model_config("micro_28", depth=1, selector_blocks=())).eval()
    with torch.no_grad():
        model.pos_embed[0, 8] += 100.0  # patch 7 becomes the largest once positions are added
    images = torch.randn(3, 1, 28, 28)
    for compat, found in (("paper", False), ("code", True)):
        model.set_patch_sampling(PatchSampling(0.1, "l1", compat))  # type: ignore[arg-type]
        tokens = model.embed(images)
        x, kept = tokens.x, tokens.places
        assert kept is not None
        assert x.shape == (3, 1 + kept.shape[1], 64) and kept.shape[1] == 4
        assert bool((kept == 7).any(dim=1).all()) == found
    everything = VisionTransformer(model.config).embed(images)
    whole, none = everything.x, everything.places
    assert none is None and whole.shape[1] == 50
    with pytest.raises(ModelsError, match=r"patch keep ratio is 0\.0"):
        model.set_patch_sampling(PatchSampling(0.0))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("patch_schedule.start=0", r"patch_schedule.start is 0.0: choose a ratio"),
        ("patch_schedule.keep_ratio=1.2", "patch_schedule.keep_ratio is 1.2"),
        ("patch_schedule={schedule: cyclic, start: 0.3}", "is 0.3: choose a multiple of 1/5"),
        ("patch_schedule={schedule: list}", "ratios is empty"),
        ("patch_schedule={schedule: list, ratios: [0.5, 2]}", r"ratios\[1\] is 2.0"),
        ("patch_schedule.steps=0", "patch_schedule.steps is 0"),
        ("patch_schedule.cycle_epochs=0", "cycle_epochs is 0.0"),
        ("patch_schedule.cycle_epochs=9", "cycle_epochs is 9.0: use at most the 4 epochs"),
        ("patch_schedule.order=l3", "choose one of l1, l2, random"),
    ],
)
def test_impossible_schedules_are_refused_in_one_line(
    override: str, message: str, tiny: Tiny
) -> None:
    name, _, value = override.partition("=")
    with pytest.raises(ModelsError, match=message) as caught:
        tiny(f"{name}={value}")
    assert "\n" not in str(caught.value)


def test_training_follows_the_schedule_and_evaluates_at_any_ratio(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = parse_config(
        {
            "model": {
                "name": "micro_28",
                "embed_dim": 32,
                "depth": 2,
                "selector_blocks": [],
                "pooling": "mean",
                "relative_position_bias": True,
            },
            "data": {"dataset": "synthetic", "train_images": 600, "test_images": 200},
            "training": {
                "epochs": 10,
                "batch_size": 50,
                "learning_rate": 4e-3,
                "warmup_epochs": 0.5,
                "device": "cpu",
                "timing_rounds": 0,
                "evaluate_every": 10,
            },
            "patch_schedule": {"schedule": "cyclic", "compat": "code", "cooldown_epochs": 1},
        }
    )
    summary = train(config, tmp_path / "run")
    assert summary["float_top1"] > 60  # chance is 10
    figures = evaluate(tmp_path / "run", [1.0, 0.6, 0.1])
    assert figures["float_top1"] == summary["float_top1"]
    sweep = figures["by_keep_ratio"]
    assert [row["patches"] for row in sweep] == [49, 29, 4]
    assert sweep[0]["float_top1"] == summary["float_top1"]
    # A third of the patches carries the class: with the four largest some images are lost.
    assert sweep[0]["float_top1"] >= sweep[2]["float_top1"] > 20
    assert all(row["images_per_second"] > 0 for row in sweep)
    with pytest.raises(ModelsError, match=r"patch keep ratio is 1\.5"):
        evaluate(tmp_path / "run", [0.5, 1.5])
    capsys.readouterr()
    command = ["evaluate", str(tmp_path / "run"), "--keep", "0.6", "--keep", "0.1"]
    assert main([*command, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)["by_keep_ratio"]
    assert [row["float_top1"] for row in shown] == [row["float_top1"] for row in sweep[1:]]
    assert main(command) == 0
    assert "keep ratio  patches" in capsys.readouterr().out
    assert main(["evaluate", str(tmp_path / "run"), "--keep", "0"]) == 2
    assert "patch keep ratio is 0.0" in capsys.readouterr().err
