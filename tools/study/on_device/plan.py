"""The runs of a study of training on the device, from a YAML file as in configs/studies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from trivit.models.data import data_at
from trivit.models.experiment.config import ExperimentConfig
from trivit.models.experiment.config_files import load_config
from trivit.models.families.vision_transformer import ViTConfig
from trivit.models.nested_settings import overlay, read_overrides
from trivit.models.settings import from_mapping
from trivit.models.yaml_text import read_yaml
from trivit.tools.errors import ToolsError
from trivit.tools.study.on_device.forward import check
from trivit.tools.training.settings import LoopSettings

Number = Literal["device", "float32"]
Settings = Mapping[str, Any]


def _as_given(mapping: Settings, place: str) -> Settings:
    """Keep settings that are laid over each other before they are read."""
    return mapping


@dataclass(frozen=True, kw_only=True)
class Row:
    """What is trained, on the device and in float32.

    Attributes:
        text: for people.
        beside: the row whose float32 runs it is compared with; by default it has its own.
        seeds: of the device's runs (default: the study's).
        token_keep_ratio, attention_keep_ratio: of every selector.
        warmup_ratios: token keep ratios of further programs, for ``training.keep_warmup``.
        masters: bits of a parameter's master on the device.
        training: settings of the loop that differ from the study's.
    """

    text: str
    beside: str | None = None
    seeds: int | None = None
    token_keep_ratio: float = 1.0
    attention_keep_ratio: float = 1.0
    warmup_ratios: tuple[float, ...] = ()
    masters: int = 32
    training: Settings = field(default_factory=dict, metadata={"parse": _as_given})

    @property
    def keep_ratios(self) -> tuple[float, ...]:
        """Token keep ratios of the row's programs, that of the end first."""
        return (self.token_keep_ratio, *self.warmup_ratios)


def _rows(mapping: Settings, place: str) -> dict[str, Row]:
    return {name: from_mapping(Row, row, f"{place}.{name}") for name, row in mapping.items()}


@dataclass(frozen=True, kw_only=True)
class StudyConfig:
    """A study as its file says.

    Attributes:
        model: an experiment, relative to the file, that names the model; it starts untrained.
        data: set or store that is trained and tested on.
        seeds: of weights, order and rounding: 0, 1, ...
        first_seed: the first of them.
        training: settings of the loop, ``LoopSettings``; the seed is the run's.
        rows: by name.
    """

    model: str
    data: str = "fashion_mnist"
    seeds: int = 3
    first_seed: int = 0
    training: Settings = field(default_factory=dict, metadata={"parse": _as_given})
    rows: Mapping[str, Row] = field(metadata={"parse": _rows})


@dataclass(frozen=True, kw_only=True)
class Run:
    """One training: a row from a seed, on the device or in float32."""

    name: str
    row: Row
    number: Number
    seed: int
    settings: LoopSettings
    study: Study

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return self.study.out / "runs" / self.name / self.number / f"seed-{self.seed}"


@dataclass(frozen=True)
class Study:
    """A study: its settings, the untrained model's experiment, its folder."""

    config: StudyConfig
    experiment: ExperimentConfig
    out: Path

    @property
    def rows(self) -> Mapping[str, Row]:
        """The rows by name."""
        return self.config.rows

    def model(self, row: Row) -> ViTConfig:
        """Return the model that a row starts from.

        Where connections close, it has the row's keep ratios, so that its dense program is the only
        one of ratio 1; the others share a model, and the formats that calibration finds for it.

        Raises:
            ToolsError: the experiment's model has no float32 twin.
        """
        model = self.experiment.model
        if not isinstance(model, ViTConfig):
            raise ToolsError(f"{model.name} has no float32 twin: choose a vision transformer")
        check(model)
        if row.attention_keep_ratio == 1:
            return model
        return replace(
            model,
            token_keep_ratio=row.token_keep_ratio,
            attention_keep_ratio=row.attention_keep_ratio,
        )

    def untrained(self, row: Row, seed: int) -> ExperimentConfig:
        """Return the experiment of a row's untrained model."""
        data = data_at(self.experiment.data, self.config.data)
        # The warm-up of the ratios is the loop's; that of the experiment may be longer than it.
        warmup = replace(self.experiment.sparsity.warmup, start_epoch=0.0, end_epoch=0.0)
        sparsity = replace(self.experiment.sparsity, warmup=warmup)
        model = self.model(row)
        return replace(self.experiment, model=model, sparsity=sparsity, seed=seed, data=data)

    def start(self, row: Row, seed: int) -> Path:
        """Return the folder of a row's untrained model; rows that start alike share it."""
        tokens, attention = row.token_keep_ratio, row.attention_keep_ratio
        name = "" if attention == 1 else f"token_{tokens:g}-attention_{attention:g}-"
        return self.out / "start" / f"{name}seed-{seed}"

    def exported(self, row: Row) -> tuple[float, ...]:
        """Return the token keep ratios of all rows that share the row's start, falling."""
        start = self.start(row, 0)
        rows = [other for other in self.rows.values() if self.start(other, 0) == start]
        return tuple(sorted({ratio for r in rows for ratio in r.keep_ratios}, reverse=True))

    def runs(self, chosen: Sequence[str] = (), seeds: int | None = None) -> list[Run]:
        """Return the runs, seed by seed: a study that ends early has compared all rows.

        Args:
            chosen: rows (default: all), with the rows that these are compared with.
            seeds: of every row (default: as the file says).

        Raises:
            ToolsError: an unknown row.
        """
        for name in chosen:
            if name not in self.rows:
                raise ToolsError(
                    f"no row '{name}' in the study: choose from {', '.join(self.rows)}"
                )
        runs = []
        for seed in range(seeds or self.config.seeds):
            for name, row in self.rows.items():
                own = not chosen or name in chosen
                beside = any(r.beside == name for n, r in self.rows.items() if n in chosen)
                if seed >= (seeds or row.seeds or self.config.seeds):
                    continue
                for number in get_args(Number):
                    wanted = own if number == "device" else row.beside is None and (own or beside)
                    if wanted:
                        runs.append(self._run(name, row, number, self.config.first_seed + seed))
        return runs

    def _run(self, name: str, row: Row, number: Number, seed: int) -> Run:
        settings = from_mapping(LoopSettings, overlay(self.config.training, row.training))
        settings = replace(settings, seed=seed)
        return Run(name=name, row=row, number=number, seed=seed, settings=settings, study=self)


def load_study(path: Path, out: Path, overrides: Sequence[str] = ()) -> Study:
    """Read a study's file.

    Args:
        path: the YAML file.
        out: folder of the study.
        overrides: ``a.b=value``, such as ``training.steps=1000``.

    Raises:
        ToolsError: a row beside one that does not exist or is itself beside another.
        ModelsError: a file that cannot be read, a setting that is unknown or refused.
    """
    try:
        tree = read_yaml(path)
    except OSError as error:
        raise ToolsError(f"cannot read the study {path}: {error.strerror}") from error
    if not isinstance(tree, dict):
        raise ToolsError(f"the study {path} is no mapping: start it with 'model:'")
    config = from_mapping(StudyConfig, overlay(tree, read_overrides(overrides)))
    for name, row in config.rows.items():
        if row.masters not in (16, 32):
            raise ToolsError(f"rows.{name}.masters is {row.masters}: use 32 or 16")
        if row.beside is not None and (
            row.beside not in config.rows or config.rows[row.beside].beside
        ):
            raise ToolsError(
                f"rows.{name}.beside is '{row.beside}': name a row that has float32 runs of its own"
            )
        if "seed" in {**config.training, **row.training}:
            raise ToolsError(f"rows.{name}: a study varies the seed: leave out training.seed")
    study = Study(config, load_config(path.parent / config.model), out)
    for row in config.rows.values():  # what is wrong is refused before anything is written
        study.model(row)
    for run in study.runs():
        if run.settings.clip_norm is not None or run.settings.accumulate > 1:
            raise ToolsError(
                f"rows.{run.name}: the float32 twin neither clips nor accumulates: leave out "
                "clip_norm and accumulate"
            )
    return study
