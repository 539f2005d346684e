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
from trivit.models.nested_settings import overlay
from trivit.models.training.compilation import compiled
from trivit.models.training.device import choose_device, chosen_precision
from trivit.models.training.optimisation import PlainUpdate, WeightUpdate
from trivit.models.training.step import training_step
from trivit.tools.bench.train.presets import Preset
from trivit.tools.bench.train.rows import Shape

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


def experiment(preset: Preset, shape: Shape) -> ExperimentConfig:
    """Return the experiment of a shape."""
    return parse_config(overlay(preset.settings, shape.settings))


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


def make_step(preset: Preset, shape: Shape, batch: Batch, graphs: int) -> Step:
    """Return the step of ``shape``; it is compiled, if at all, when it first runs.

    Args:
        preset: the experiment, and whether it is compiled.
        shape: the method.
        batch: from ``make_batch``.
        graphs: how many shapes are compiled in this process.
    """
    config = experiment(preset, shape)
    device = batch.images.device
    torch.manual_seed(_SEED)
    module, forward = _model(shape, config.model)
    module.to(device).train()
    precision = chosen_precision(config.training, device)
    weights: WeightUpdate | PlainUpdate
    if isinstance(module, SparseTransformer):
        weights = WeightUpdate(module, config.training, precision=precision, copies=True)
        forward = weights.runs.forward_details
        sampler = PatchSampler(config.patch_schedule, device)
        weights.runs.set_patch_sampling(sampler.sampling(shape.patch))
    else:
        weights = PlainUpdate(module, config.training)
    if preset.compile and not shape.eager:
        forward = compiled(forward, graphs)
    by_variance = config.sparsity.variance_block is not None
    examples = ExampleSelector(
        config.sparsity.examples, preset.train_images, _SEED, device, by_variance=by_variance
    )

    def run() -> None:
        if isinstance(weights, WeightUpdate):
            weights.begin_step(config.training.learning_rate)
        training_step(weights, forward, batch, config, precision, examples)

    return Step(shape, config, run, examples, module, weights.optimizer)


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
