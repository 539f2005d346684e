"""Training steps on made-up images, one for each shape."""

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from trivit.models.augmentation.batches import Batch
from trivit.models.experiment.config import ExperimentConfig
from trivit.models.experiment.config_files import parse_config
from trivit.models.families import build_model
from trivit.models.families.vision_transformer import ViTConfig
from trivit.models.layers.sparse_transformer import ForwardDetails, SparseTransformer
from trivit.models.methods.examples.selector import ExampleSelector
from trivit.models.methods.patches.schedule import PatchSampler
from trivit.models.model_config import ModelConfig
from trivit.models.topology import KeepRatios
from trivit.models.training.compilation import compiled
from trivit.models.training.device import choose_device, chosen_precision
from trivit.models.training.optimisation import make_optimizer
from trivit.models.training.step import training_step
from trivit.tools.bench.train.presets import Preset
from trivit.tools.bench.train.rows import Shape, experiment

_SEED = 0


def has_timm() -> bool:
    """Return whether timm can be imported (it needs torchvision as well)."""
    return all(importlib.util.find_spec(name) is not None for name in ("timm", "torchvision"))


@dataclass(frozen=True)
class Step:
    """A step that can be repeated.

    Attributes:
        shape: what it runs.
        config: its experiment.
        run: does one step.
        examples: the statistics that it keeps.
        module: the model.
        optimizer: of its parameters.
    """

    shape: Shape
    config: ExperimentConfig
    run: Callable[[], None]
    examples: ExampleSelector
    module: nn.Module
    optimizer: torch.optim.Optimizer

    def state_bytes(self) -> int:
        """Return the size of the parameters and of the optimizer's state."""
        tensors: list[Tensor] = [*self.module.parameters()]
        tensors += [
            value
            for entry in self.optimizer.state.values()
            for value in entry.values()
            if isinstance(value, Tensor)
        ]
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def make_batch(preset: Preset) -> Batch:
    """Return one batch of random images, labels and places in the training set, on the device."""
    config = parse_config(dict(preset.settings))
    vit, count = config.model, config.training.batch_size
    device = choose_device(config.training.device)
    generator = torch.Generator().manual_seed(_SEED)
    images = torch.randn(
        count, vit.in_channels, vit.image_size, vit.image_size, generator=generator
    )
    labels = torch.randint(0, vit.num_classes, (count,), generator=generator)
    indices = torch.randperm(preset.train_images, generator=generator)[:count]
    return Batch(images.to(device), labels.to(device), indices.to(device))


@dataclass(frozen=True)
class _Trained:
    """A model with what trains it, for all shapes that differ only in ratios and methods."""

    module: nn.Module
    forward: Callable[..., ForwardDetails]
    optimizer: torch.optim.Optimizer


class StepMaker:
    """Makes the steps of a preset; shapes of the same model share its weights, as in a training."""

    def __init__(self, preset: Preset, batch: Batch, graphs: int) -> None:
        """Make steps on ``batch``.

        Args:
            preset: the experiment, and whether it is compiled.
            batch: from ``make_batch``.
            graphs: how many shapes are compiled in this process.
        """
        self._preset = preset
        self._batch = batch
        self._graphs = graphs
        self._device = batch.images.device
        self._trained: dict[object, _Trained] = {}

    def make(self, shape: Shape) -> Step:
        """Return the step of ``shape``; it is compiled, if at all, when it first runs."""
        config = experiment(self._preset, shape)
        precision = chosen_precision(config.training, self._device)
        by_variance = config.sparsity.variance_block is not None
        examples = ExampleSelector(
            config.sparsity.examples,
            self._preset.train_images,
            _SEED,
            self._device,
            by_variance=by_variance,
        )
        trained = self._shared(shape, config)
        prepare = _set_ratios(trained.module, shape, config, self._device)

        def run() -> None:
            prepare()
            training_step(
                trained.module,  # type: ignore[arg-type]  # timm's has parameters too
                trained.optimizer,
                self._batch,
                config,
                precision,
                examples,
                forward=trained.forward,
            )

        return Step(shape, config, run, examples, trained.module, trained.optimizer)

    def _shared(self, shape: Shape, config: ExperimentConfig) -> _Trained:
        compile_it = self._preset.compile and not shape.eager
        key = (shape.maker, compile_it, config.training, config.model.dense())
        if key not in self._trained:
            torch.manual_seed(_SEED)
            module, forward = _model(shape, config.model)
            module.to(self._device).train()
            if compile_it:
                forward = compiled(forward, self._graphs)
            self._trained[key] = _Trained(module, forward, make_optimizer(module, config.training))
        return self._trained[key]


def _set_ratios(
    module: nn.Module, shape: Shape, config: ExperimentConfig, device: torch.device
) -> Callable[[], None]:
    """Return what sets the model to the shape's ratios."""
    if not isinstance(module, SparseTransformer):
        return lambda: None
    vit = config.model
    ratios = shape.ratios or KeepRatios(vit.token_keep_ratio, vit.attention_keep_ratio)
    sampling = PatchSampler(config.patch_schedule, device).sampling(ratios.patch)

    def prepare() -> None:
        module.set_keep_ratios(token=ratios.token, attention=ratios.attention)
        module.set_patch_sampling(sampling)

    return prepare


def _model(shape: Shape, config: ModelConfig) -> tuple[nn.Module, Callable[..., ForwardDetails]]:
    if shape.maker == "timm":
        assert isinstance(config, ViTConfig)
        return _timm_model(config)
    model = build_model(config)
    return model, model.forward_details


def _timm_model(vit: ViTConfig) -> tuple[nn.Module, Callable[..., ForwardDetails]]:
    timm = importlib.import_module("timm.models.vision_transformer")
    arguments: Mapping[str, Any] = {
        "img_size": vit.image_size,
        "patch_size": vit.patch_size,
        "in_chans": vit.in_channels,
        "num_classes": vit.num_classes,
        "embed_dim": vit.embed_dim,
        "depth": vit.depth,
        "num_heads": vit.num_heads,
        "mlp_ratio": vit.mlp_ratio,
        "qkv_bias": vit.qkv_bias,
    }
    model: nn.Module = timm.VisionTransformer(**arguments)

    def forward(images_BCHW: Tensor, **_: object) -> ForwardDetails:
        return ForwardDetails(model(images_BCHW))

    return model, forward
