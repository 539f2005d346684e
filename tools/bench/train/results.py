"""What the rounds so far say: rows with their ratios and targets, and what is missing."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from trivit.models.experiment.config import ExperimentConfig
from trivit.tools.bench.train.measure import Round, mixed, spread
from trivit.tools.bench.train.presets import Preset, Target
from trivit.tools.bench.train.rows import Row, mac_limit
from trivit.tools.bench.train.shapes import Shape
from trivit.tools.bench.train.steps import Step

NO_TIME = "no time was left"


@dataclass
class Measured:
    """What has been measured so far.

    Attributes:
        preset: what is timed.
        table: the rows asked for.
        found: all shapes by name.
        rounds: seconds of a step by shape; the first rounds know fewer shapes.
        configs: experiment of each shape that has been made ready.
        memory: of these.
        counters: the example level's bookkeeping timed alone.
        failed: why shapes could not run, by name.
        launched: why shapes are not replayed as CUDA graphs although they should be, by name.
    """

    preset: Preset
    table: Sequence[Row]
    found: Mapping[str, Shape]
    rounds: list[Round] = field(default_factory=list)
    configs: dict[str, ExperimentConfig] = field(default_factory=dict)
    memory: dict[str, dict[str, Any]] = field(default_factory=dict)
    counters: dict[str, float] | None = None
    failed: dict[str, str] = field(default_factory=dict)
    launched: dict[str, str] = field(default_factory=dict)

    def add(self, step: Step, memory: dict[str, Any]) -> None:
        """Note that a step is ready."""
        name = step.shape.name
        self.configs[name], self.memory[name] = step.config, memory
        if step.launched is not None:
            self.launched[name] = step.launched

    def summary(self) -> dict[str, Any]:
        """Return rows, bookkeeping, targets and what is missing."""
        seconds = {row.name: mixed(self.rounds, row.weights) for row in self.table}
        done = [row for row in self.table if seconds[row.name]]
        fastest = self._fastest(seconds)
        kept = self._bookkeeping()
        lines = [self._line(row, seconds, fastest) for row in done] if fastest else []
        return {
            "rounds": len(self.rounds),
            "fastest_dense": fastest,
            "rows": lines,
            "missing": [
                {"row": row.name, "text": row.text, "why": self._why(row)}
                for row in self.table
                if not seconds[row.name]
            ],
            "bookkeeping": kept,
            "not_recorded": dict(self.launched),
            "targets": self._targets({line["row"]: line for line in lines}, kept),
            "shapes_ms": {
                name: milliseconds(mixed(self.rounds, {name: 1.0}).values())
                for name in self.found
                if any(name in round_ for round_ in self.rounds)
            },
        }

    def _fastest(self, seconds: Mapping[str, Mapping[int, float]]) -> str | None:
        dense = [row.name for row in self.table if row.dense and seconds[row.name]]
        medians = {name: statistics.median(seconds[name].values()) for name in dense}
        return min(medians, key=lambda name: medians[name]) if medians else None

    def _line(
        self, row: Row, seconds: Mapping[str, Mapping[int, float]], fastest: str
    ) -> dict[str, Any]:
        vits = {name: config.model for name, config in self.configs.items()}
        examples = {other.name: other.examples for other in self.table}
        median = statistics.median(seconds[row.name].values())
        batch_size = next(iter(self.configs.values())).training.batch_size
        own = None
        if row.own is not None and seconds.get(row.own):
            ratios = _ratios(seconds[row.name], seconds[row.own])
            scale = row.examples / examples[row.own]
            own = {"row": row.own, "ratio": spread([scale * ratio for ratio in ratios])}
        ratios = _ratios(seconds[row.name], seconds[fastest])
        return {
            "row": row.name,
            "text": row.text,
            "weights": dict(row.weights),
            "rounds": len(ratios),
            "ratio": spread([row.examples * ratio for ratio in ratios]),
            "own": own,
            "mac_limit": mac_limit(row, vits, self.found),
            "step_ms": milliseconds(seconds[row.name].values()),
            "images_per_second": batch_size / median,
            "memory": max((self.memory[name] for name in row.weights), key=lambda m: m["mib"]),
        }

    def _why(self, row: Row) -> str:
        reasons = [f"{name}: {self.failed[name]}" for name in row.weights if name in self.failed]
        return reasons[0] if reasons else NO_TIME

    def _bookkeeping(self) -> dict[str, Any] | None:
        """Return what the example level costs beside the training itself.

        ``share`` compares whole steps with and without it, round by round, so it holds the [CLS]
        row and is as noisy as the machine; ``record_ms`` and ``update_ms`` are timed alone.
        """
        pairs = [r for r in self.rounds if "example" in r and "dense" in r]
        if self.counters is None or not pairs:
            return None
        shares = spread([1.0 - r["dense"] / r["example"] for r in pairs])
        step = statistics.median(r["example"] for r in pairs)
        config = self.configs["example"]
        settings = config.sparsity.examples
        in_play = int(self.preset.train_images * settings.keep_ratio)
        steps = in_play // config.training.batch_size * settings.period_epochs
        record, update = self.counters["record"], self.counters["update"]
        return {
            "share": shares["median"],
            "share_low": shares["low"],
            "share_high": shares["high"],
            "record_ms": 1e3 * record,
            "record_share": record / step,
            "update_ms": 1e3 * update,
            "update_share": update / (steps * step),
            "steps_between_updates": steps,
        }

    def _targets(
        self, lines: Mapping[str, Mapping[str, Any]], kept: Mapping[str, Any] | None
    ) -> list[dict[str, Any]]:
        found = []
        for row in self.table:
            if (target := self.preset.targets.get(row.name)) is None:
                continue
            value = _value(target, lines.get(row.name), kept)
            found.append(
                {
                    "row": row.name,
                    "text": row.text,
                    "of": target.of,
                    "to": row.own if target.of == "own" else None,
                    "at_most": target.at_most,
                    "measured": value,
                    "reached": None if value is None else value <= target.at_most,
                }
            )
        return found


def _value(
    target: Target, line: Mapping[str, Any] | None, kept: Mapping[str, Any] | None
) -> float | None:
    if target.of == "bookkeeping":
        return None if kept is None else kept["share"]
    if line is None:
        return None
    ratio = line["ratio"] if target.of == "dense" else (line["own"] or {}).get("ratio")
    return None if ratio is None else ratio["median"]


def _ratios(own: Mapping[int, float], base: Mapping[int, float]) -> list[float]:
    """Return the ratios of the rounds that both took part in."""
    return [own[index] / base[index] for index in own if index in base]


def milliseconds(values: Sequence[float] | Any) -> dict[str, float]:
    """Return median and quartiles of seconds, in milliseconds."""
    return {name: 1e3 * value for name, value in spread(list(values)).items()}
