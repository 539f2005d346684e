"""An experiment's settings: YAML into frozen dataclasses."""

import copy
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal

from trivit.models.augmentation.config import AugmentationConfig
from trivit.models.data.config import DataConfig
from trivit.models.errors import ModelsError
from trivit.models.files import atomic_write
from trivit.models.sparsity.config import PatchScheduleConfig, SparsityConfig
from trivit.models.training.config_files import merged, read_settings
from trivit.models.training.lengths import check_lengths
from trivit.models.training.mapping import from_mapping, to_mapping
from trivit.models.training.overrides import read_overrides
from trivit.models.training.scaling import epochs_of, leaves, scale_schedules
from trivit.models.training.training_config import TrainingConfig, require
from trivit.models.vit_config import ViTConfig, named_config
from trivit.models.yaml_text import dump_yaml


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """A named model; settings left out (``None``) come from the name's registered configuration.

    After construction every setting is filled in.
    """

    name: str
    image_size: int | None = None
    patch_size: int | None = None
    in_channels: int | None = None
    num_classes: int | None = None
    embed_dim: int | None = None
    depth: int | None = None
    num_heads: int | None = None
    mlp_ratio: float | None = None
    qkv_bias: bool | None = None
    selector_blocks: tuple[int, ...] | None = None
    token_keep_ratio: float | None = None
    attention_keep_ratio: float | None = None
    init_std: float | None = None
    pooling: Literal["cls", "mean"] | None = None
    relative_position_bias: bool | None = None
    token_score: Literal["cls", "column_sum", "static"] | None = None
    fuse_tokens: bool | None = None
    attention_pattern: Literal["largest", "magnitude", "window"] | None = None
    attention_compat: Literal["paper", "code"] | None = None
    class_connections: Literal["open", "closed"] | None = None
    class_token: bool | None = None
    drop_path: float | None = None

    def __post_init__(self) -> None:
        given = {f.name: getattr(self, f.name) for f in fields(ViTConfig)}
        vit = named_config(self.name, **{k: v for k, v in given.items() if v is not None})
        for f in fields(ViTConfig):
            object.__setattr__(self, f.name, getattr(vit, f.name))

    @property
    def vit(self) -> ViTConfig:
        """The complete model configuration."""
        return ViTConfig(**{f.name: getattr(self, f.name) for f in fields(ViTConfig)})


@dataclass(frozen=True, kw_only=True)
class ExperimentConfig:
    """Everything that one training run depends on."""

    seed: int = 0
    model: ModelConfig
    data: DataConfig = field(default_factory=DataConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    sparsity: SparsityConfig = field(default_factory=SparsityConfig)
    patch_schedule: PatchScheduleConfig = field(default_factory=PatchScheduleConfig)

    def __post_init__(self) -> None:
        require(0 <= self.seed < 2**63, "seed", self.seed, "0 to 2^63 - 1")
        block, depth = self.sparsity.variance_block, self.model.vit.depth
        holds = block is None or -depth <= block < depth
        require(holds, "sparsity.variance_block", block, f"{-depth} to {depth - 1}, or null")
        check_lengths(self)


def parse_config(mapping: object, overrides: list[str] | None = None) -> ExperimentConfig:
    """Build the configuration from nested mappings and ``a.b=value`` overrides (values in YAML).

    Raises:
        ModelsError: unknown key, wrong type, value out of range, or overrides that cannot be read
            or contradict each other.
    """
    if not isinstance(mapping, dict):
        raise ModelsError("the config is no mapping of settings: start it with 'model:'")
    given = read_overrides(overrides or [])
    tree = merged(copy.deepcopy(mapping), given)
    scale_schedules(tree, epochs_of(mapping), leaves(given))
    return from_mapping(ExperimentConfig, tree)


def load_config(path: Path | str, overrides: list[str] | None = None) -> ExperimentConfig:
    """Read an experiment from a YAML file, over its ``base``, and apply ``a.b=value`` overrides.

    Raises:
        ModelsError: a file is missing or no YAML, or its settings are refused.
    """
    path = Path(path)
    mapping = read_settings(path)
    try:
        return parse_config(mapping, overrides)
    except ModelsError as error:
        raise ModelsError(f"{path}: {error}") from None


def save_config(config: ExperimentConfig, path: Path) -> None:
    """Write the resolved configuration; ``load_config`` reads the same one back."""
    with atomic_write(path) as temporary:
        temporary.write_text(dump_yaml(to_mapping(config)), encoding="utf-8")
