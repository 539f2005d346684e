"""The levels of a training on the device: those of an experiment, and options before them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from trivit.models.experiment.config_files import load_config
from trivit.models.methods.examples.method import ExampleConfig, parse_examples
from trivit.tools.errors import ToolsError


def levels(
    config: Path | None = None,
    *,
    keep: float | None = None,
    keep_warmup: tuple[float, ...] | None = None,
    examples: Mapping[str, Any] | None = None,
    compat: str | None = None,
) -> dict[str, Any]:
    """Return the settings of :class:`LoopSettings` that the three levels have.

    Args:
        config: an experiment; its final token keep ratio, its warm-up where it prunes, and its
            example level hold where no option is given.
        keep: token keep ratio of the final program.
        keep_warmup: first and last epoch of the warm-up.
        examples: settings of the example level by name; ``None`` where an option is not given.
        compat: ``paper`` or ``code``.

    Raises:
        ModelsError: a config that cannot be read, or a setting outside its range.
        ToolsError: options of the example level without a part to leave out.
    """
    given = {name: value for name, value in (examples or {}).items() if value is not None}
    start: dict[str, Any] = {}
    if config is not None:
        experiment = load_config(config)
        model, sparsity = experiment.model, experiment.sparsity
        if keep is None:
            keep = model.token_keep_ratio
        if keep_warmup is None and min(keep, model.attention_keep_ratio) < 1:
            keep_warmup = (sparsity.warmup.start_epoch, sparsity.warmup.end_epoch)
        compat = sparsity.compat if compat is None else compat
        if given.get("method", sparsity.examples.method) == sparsity.examples.method:
            start = {f.name: getattr(sparsity.examples, f.name) for f in fields(sparsity.examples)}
    chosen: ExampleConfig = parse_examples({**start, **given}, "sparsity.examples")
    if chosen.keep_ratio == 1 and given.keys() - {"keep_ratio"}:
        names = ", ".join(f"--{_OPTIONS[name]}" for name in given if name != "keep_ratio")
        raise ToolsError(f"{names} without --example-keep below 1: all examples are in play")
    return {
        "keep": keep,
        "keep_warmup": keep_warmup,
        "examples": None if chosen.keep_ratio == 1 else chosen,
        "compat": "paper" if compat is None else compat,
    }


_OPTIONS = {
    "method": "example-method",
    "update_ratio": "example-update",
    "period_epochs": "example-period",
    "updates": "example-updates",
}
