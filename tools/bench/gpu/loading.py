"""Whether ``trivit train`` from a store keeps up with the bare step: what runs, what came out."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trivit.models.data.store.images import default_processes
from trivit.models.errors import ModelsError
from trivit.models.experiment.config_files import dump_yaml, read_settings
from trivit.models.nested_settings import overlay
from trivit.models.training.reporting import Metrics, waits_for
from trivit.tools.bench.train.presets import PRESETS
from trivit.tools.bench.train.report import read_result
from trivit.tools.errors import ToolsError

TARGET = 0.97  # of the bare step's images/s

_BARE = "dense"
_REACHED = {True: "reached", False: "**not reached**"}


@dataclass(frozen=True, kw_only=True)
class LoadingPlan:
    """What is trained, and from how many photographs.

    Attributes:
        preset: whose dense step is trained, and compared with.
        images: of the training part of the store.
        side: of a stored photograph, in pixels.
        classes: of the store, as many as the model has.
        epochs: the last one counts.
        share: of the time that is left when its turn comes.
        settings: nested settings of the experiment, laid over the preset's.
    """

    preset: str
    images: int
    side: int
    classes: int
    epochs: int
    share: float
    settings: Mapping[str, Any] = field(default_factory=dict)


def experiment(plan: LoadingPlan, configs: Path, store: Path) -> str:
    """Return the YAML text of the training: the preset's dense step with DeiT's augmentation.

    Weights are not averaged, no path is dropped and no epoch but the last is evaluated, so that
    its steps are those that the benchmark times, fed from the store.

    Args:
        plan: what is trained.
        configs: the folder of experiments; its ``base/deit.yaml`` has the augmentation.
        store: folder of the photographs.
    """
    preset = PRESETS[plan.preset]
    own = {
        "augmentation": read_settings(configs / "base" / "deit.yaml")["augmentation"],
        "data": {"dataset": "store", "path": str(store)},
        "training": {
            "epochs": plan.epochs,
            "learning_rate": 1e-5,  # nothing is to be learned, and nothing to diverge
            "min_learning_rate": 0.0,
            "warmup_epochs": 0,
            "evaluate_every": plan.epochs,
            "compile": preset.compile,
            "timing_rounds": 0,
        },
    }
    return dump_yaml(overlay(overlay(preset.settings, own), plan.settings))


def loading_result(
    plan: LoadingPlan, bare: Path, run: Path, why: str = "the training has ended no epoch"
) -> dict[str, Any]:
    """Return what is known of the comparison.

    Args:
        plan: what is trained.
        bare: file of the benchmark's result.
        run: folder of the training.
        why: the reason, if the training has ended no epoch.
    """
    records = Metrics(run / "metrics.jsonl").records()
    return {
        "preset": plan.preset,
        "images": plan.images,
        "side": plan.side,
        "epochs": plan.epochs,
        "processes": default_processes("jpeg"),
        "cores": len(os.sched_getaffinity(0)),
        **compare(_bare_images_per_second(bare), records[-1] if records else None, why),
    }


def _bare_images_per_second(path: Path) -> float | None:
    try:
        rows = read_result(path)["rows"]
    except (ToolsError, ModelsError):
        return None
    return next((row["images_per_second"] for row in rows if row["row"] == _BARE), None)


def compare(bare: float | None, epoch: Mapping[str, Any] | None, why: str) -> dict[str, Any]:
    """Return the training's images/s as a ratio to the bare step's, and whether that is enough.

    Args:
        bare: images/s of the bare step (``None``: not measured).
        epoch: metrics of the training's latest epoch (``None``: none has ended).
        why: the reason, if none has ended.
    """
    trained = None if epoch is None else epoch["images_per_second"]
    reasons = [why] if epoch is None else []
    if bare is None:
        reasons.append("the bare dense step was not measured")
    ratio = None if bare is None or trained is None else trained / bare
    return {
        "epoch": None if epoch is None else epoch["epoch"],
        "images_per_second": trained,
        "bare_images_per_second": bare,
        "ratio": ratio,
        "target": TARGET,
        "reached": None if ratio is None else ratio >= TARGET,
        "why_not_measured": "; ".join(reasons) or None,
        "waits_for": None if epoch is None else waits_for(epoch),
        "data_seconds_by_cause": None if epoch is None else epoch["data_seconds_by_cause"],
        "step_seconds_by_part": None if epoch is None else epoch["step_seconds_by_part"],
    }


def loading_line(result: Mapping[str, Any]) -> str:
    """Return the comparison as a line of Markdown."""
    side = result["side"]
    what = (
        f"Loading: `trivit train` of the dense step of {result['preset']} with DeiT's "
        f"augmentation, from a store of {result['images']:,} made-up JPEG photographs of "
        f"{side} x {side}, {_by(result['processes'])} on {result['cores']} cores"
    )
    trained, bare = result["images_per_second"], result["bare_images_per_second"]
    known = ""
    if trained is not None:
        waits = f", waiting for {result['waits_for']}" if result["waits_for"] else ""
        known = f"{trained:,.0f} images/s in epoch {result['epoch']} of {result['epochs']}{waits}; "
    if result["ratio"] is None:
        return f"{what}: {known}not measured against the bare step ({result['why_not_measured']})."
    return (
        f"{what}: {known}{result['ratio']:.3f} of the bare step's {bare:,.0f}, at least "
        f"{result['target']:g} wanted: {_REACHED[result['reached']]}."
    )


def _by(processes: int) -> str:
    return f"decoded by {processes} processes" if processes else "decoded by threads"
