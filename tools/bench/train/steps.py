"""Training steps on made-up images, one for each shape."""

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

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
from trivit.models.topology import KeepRatios
from trivit.models.training.compilation import compiled
from trivit.models.training.device import choose_device, chosen_precision, use_attention
from trivit.models.training.graphs import Recorder, Work, recorded, recorder_for, why_not_recorded
from trivit.models.training.optimisation import PlainUpdate, WeightUpdate
from trivit.models.training.step import training_step
from trivit.tools.bench.train.presets import Preset
from trivit.tools.bench.train.shapes import Shape, experiment

_SEED = 0


def has_timm() -> bool:
    """Return whether timm can be imported (it needs torchvision as well)."""
    return all(importlib.util.find_spec(name) is not None for name in ("timm", "torchvision"))


class Step:
    """A step that can be repeated.

    Attributes:
        shape: what it runs.
        config: its experiment.
        weights: what it updates, and the model that it runs.
        examples: the statistics that it keeps.
        launched: why it is not replayed as a CUDA graph (``None``: it is, or nobody asked for it).
    """

    def __init__(
        self,
        shape: Shape,
        config: ExperimentConfig,
        weights: WeightUpdate | PlainUpdate,
        examples: ExampleSelector,
        prepare: Work,
        work: Work,
    ) -> None:
        """Make steps of ``work``, which the device does alone; ``prepare`` sets the model's ratios.

        What differs between the steps of a training is set by the host before ``work``.
        """
        self.shape = shape
        self.config = config
        self.weights = weights
        self.examples = examples
        self.launched: str | None = None
        self._prepare = prepare
        self._work = work

    def run(self) -> None:
        """Do one step."""
        self._prepare()
        if isinstance(self.weights, WeightUpdate):
            self.weights.begin_step(self.config.training.learning_rate)
        self._work()

    def record(self, recorder: Recorder | None) -> None:
        """Replay the step from now on; where that fails, ``launched`` says why."""
        self._prepare()
        try:
            self._work = recorded(self._work, recorder)
        except RuntimeError as error:
            self.launched = why_not_recorded(error)


def make_batch(preset: Preset) -> Batch:
    """Return one batch of random images, labels and places in the training set, on the device.

    The images are in the precision of the steps, as a training's augmentation gives them.
    """
    config = parse_config(dict(preset.settings))
    vit, count = config.model, config.training.batch_size
    device = choose_device(config.training.device)
    generator = torch.Generator().manual_seed(_SEED)
    images = torch.randn(
        count, vit.in_channels, vit.image_size, vit.image_size, generator=generator
    )
    labels = torch.randint(0, vit.num_classes, (count,), generator=generator)
    indices = torch.randperm(preset.train_images, generator=generator)[:count]
    if chosen_precision(config.training, device) == "bfloat16":
        images = images.bfloat16()
    return Batch(images.to(device), labels.to(device), indices.to(device))


class _Trained(NamedTuple):
    """A model with what trains it, for all shapes that differ only in ratios and methods."""

    weights: WeightUpdate | PlainUpdate
    forward: Callable[..., ForwardDetails]


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
        self._recorder = recorder_for(True, self._device)

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
            copies=config.augmentation.repeats > 1,
        )
        weights, forward = self._shared(shape, config, precision)
        prepare = _set_ratios(weights.runs, shape, config, self._device)

        def work() -> None:
            training_step(weights, forward, self._batch, config, precision, examples)

        return Step(shape, config, weights, examples, prepare, work)

    def record(self, step: Step) -> None:
        """Let a step that has run be replayed as a CUDA graph, if its training's would be."""
        if step.config.training.cuda_graphs and isinstance(step.weights, WeightUpdate):
            step.record(self._recorder)

    def _shared(self, shape: Shape, config: ExperimentConfig, precision: str) -> _Trained:
        compile_it = self._preset.compile and not shape.eager
        key = (shape.maker, compile_it, shape.copies, config.training, config.model.dense())
        if key not in self._trained:
            torch.manual_seed(_SEED)
            weights, forward = _model(shape, config, precision, self._device)
            if compile_it:
                forward = compiled(forward, self._graphs)
            self._trained[key] = _Trained(weights, forward)
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


def _model(
    shape: Shape, config: ExperimentConfig, precision: str, device: torch.device
) -> _Trained:
    """Return a shape's model on the device, in training mode, not compiled."""
    vit, training = config.model, config.training
    if shape.maker == "timm":
        assert isinstance(vit, ViTConfig)
        module, forward = _timm_model(vit)
        return _Trained(PlainUpdate(module.to(device).train(), training), forward)
    model = build_model(vit).to(device).train()
    use_attention(model, training, device)
    weights = WeightUpdate(model, training, precision=precision, copies=shape.copies)
    weights.runs.train()
    return _Trained(weights, weights.runs.forward_details)


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
