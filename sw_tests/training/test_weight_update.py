"""From gradients to weights: in one buffer, on copies, and as if neither were there."""

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from trivit.models.data import load_dataset
from trivit.models.families import model_config
from trivit.models.families.vision_transformer import VisionTransformer
from trivit.models.runs.checkpoint import load_checkpoint, save_checkpoint
from trivit.models.training import ExperimentConfig, train
from trivit.models.training.device import autocast
from trivit.models.training.flat_weights import FlatLayout, FlatWeights
from trivit.models.training.initial_weights import load_initial_weights
from trivit.models.training.optimisation import WeightUpdate, make_optimizer, warmed_up_decay
from trivit.models.training.run_state import RunState

from .conftest import assert_same_bits

Everything = Callable[..., ExperimentConfig]

BFLOAT16 = "training.precision=bfloat16"
RATES = (1e-3, 3e-3, 2e-3, 1e-3)


def small_model(classes: int = 16) -> VisionTransformer:
    """A model whose parameters fill whole vectors of a CPU, unless it has other classes.

    PyTorch's fused AdamW rounds the elements behind the last whole vector of a tensor otherwise
    than the others, and in one buffer they are elsewhere.
    """
    torch.manual_seed(0)
    sizes = {"embed_dim": 32, "depth": 2, "num_heads": 2, "num_classes": classes}
    selection = {"selector_blocks": (0,), "token_keep_ratio": 0.7}
    return VisionTransformer(model_config("micro_28", **sizes, **selection))


def backward(model: nn.Module, step: int, precision: str) -> None:
    generator = torch.Generator().manual_seed(step)
    device = next(model.parameters()).device
    images = torch.randn(4, 1, 28, 28, generator=generator).to(device)
    labels = torch.randint(0, 10, (4,), generator=generator).to(device)
    with autocast(precision, device):
        loss = F.cross_entropy(model(images), labels)
    loss.backward()


def reference(
    model: VisionTransformer, config: ExperimentConfig, precision: str
) -> tuple[VisionTransformer, dict[str, Tensor]]:
    """Train parameter by parameter as PyTorch has it; return the average and the moments."""
    training = config.training
    optimizer = make_optimizer(model, training)
    average = copy.deepcopy(model)
    for step, rate in enumerate(RATES):
        for group in optimizer.param_groups:
            group["lr"] = rate
        backward(model, step, precision)
        if training.gradient_clip is not None:
            nn.utils.clip_grad_norm_(model.parameters(), training.gradient_clip)
        optimizer.step()
        optimizer.zero_grad()
        assert training.ema_decay is not None
        decay = warmed_up_decay(training.ema_decay, step)
        with torch.no_grad():
            for kept, now in zip(average.parameters(), model.parameters(), strict=True):
                kept.lerp_(now, 1 - decay)
    names = {parameter: name for name, parameter in model.named_parameters()}
    state = {
        f"optimizer/{names[parameter]}/{key}": value
        for parameter, entry in optimizer.state.items()
        for key, value in entry.items()
    }
    return average, state


def updated(model: VisionTransformer, config: ExperimentConfig, precision: str, copies: bool):  # type: ignore[no-untyped-def]
    weights = WeightUpdate(model, config.training, precision=precision, copies=copies)
    for step, rate in enumerate(RATES):
        weights.begin_step(rate)
        backward(weights.runs, step, precision)
        weights.apply()
    return weights


def assert_equal(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    assert [name for name in found if not torch.equal(found[name], expected[name])] == []


@pytest.mark.parametrize(
    ("precision", "copies", "clip", "classes"),
    [
        ("bfloat16", True, "null", 16),
        ("bfloat16", False, "null", 16),
        # Bits must hold whatever the sizes, and with clipping.
        ("float32", True, "0.1", 10),
    ],
)
def test_gives_the_bits_of_single_parameters_under_autocast(
    precision: str, copies: bool, clip: str, classes: int, everything: Everything
) -> None:
    config = everything(f"training.gradient_clip={clip}", "training.weight_decay=0.3")
    model, other = small_model(classes), small_model(classes)
    weights = updated(model, config, precision, copies)
    average, state = reference(other, config, precision)
    assert (weights.runs is model) == (precision == "float32" or not copies)
    assert_equal(model.state_dict(), other.state_dict())
    assert weights.average is not None
    assert_equal(weights.average.model.state_dict(), average.state_dict())
    assert_equal(weights.tensors(), state)
    assert not torch.equal(model.head.weight, small_model(classes).head.weight)


def test_clips_the_norm_of_all_gradients(everything: Everything) -> None:
    config = everything("training.gradient_clip=0.1")
    model, other = small_model(), small_model()
    updated(model, config, "bfloat16", True)
    reference(other, config, "bfloat16")
    unclipped = small_model()
    updated(unclipped, everything(), "bfloat16", True)
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, other.state_dict()[name], rtol=1e-4, atol=1e-6)
    assert not torch.allclose(model.head.weight, unclipped.head.weight, atol=1e-4)


def test_copies_stand_for_all_that_autocast_casts() -> None:
    model = small_model()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    runs = FlatWeights(model, copies=True).runs
    assert_equal(model.state_dict(), before)
    of_model = dict(model.named_parameters())
    for name, parameter in runs.named_parameters():
        if name.startswith(("patch_embed", "head")) or ".attn." in name or ".mlp." in name:
            assert parameter.dtype == torch.bfloat16
            assert torch.equal(parameter, of_model[name].bfloat16())
            assert parameter.storage_offset() % 64 == 0
        else:
            assert parameter is of_model[name]
    assert dict(runs.named_buffers()) == dict(model.named_buffers())


class CastsOfWeights(TorchDispatchMode):
    """Counts casts of tensors that have the shape of a matrix, transposed or not."""

    def __init__(self, model: VisionTransformer) -> None:
        super().__init__()
        self.shapes = {tuple(p.flatten(1).shape) for p in model.parameters() if p.dim() > 1}
        self.shapes |= {shape[::-1] for shape in self.shapes}
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        if func is torch.ops.aten._to_copy.default and tuple(args[0].shape) in self.shapes:
            self.count += 1
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("copies", [True, False])
def test_steps_on_copies_cast_no_matrix(copies: bool, everything: Everything) -> None:
    model = small_model()
    weights = WeightUpdate(model, everything().training, precision="bfloat16", copies=copies)
    with CastsOfWeights(model) as casts:
        backward(weights.runs, 0, "bfloat16")
    matrices = sum(isinstance(m, nn.Linear | nn.Conv2d) for m in model.modules())
    # Each weight, and its gradient.
    assert casts.count == (0 if copies else 2 * matrices)


def test_each_parameter_has_its_own_place() -> None:
    model = small_model(classes=10)
    layout = FlatLayout(model)
    values = layout.flatten(model)
    values.copy_(torch.arange(layout.size))
    taken = torch.cat([p.flatten() for p in model.parameters()])
    assert len(taken.unique()) == len(taken) == sum(p.numel() for p in model.parameters())
    for name, parameter in model.named_parameters():
        decays = parameter.dim() > 1 and name not in ("cls_token", "pos_embed")
        assert bool((parameter < layout.decayed).all()) == decays
        inside = (parameter >= layout.copied.start) & (parameter < layout.copied.stop)
        assert bool(inside.all()) == bool(inside.any()) == (name in layout.names_copied)


def test_copies_of_the_model_are_sound(everything: Everything) -> None:
    model = small_model()
    weights = WeightUpdate(model, everything().training, precision="bfloat16", copies=True)
    twin = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 1.0
    weights.refresh()
    assert torch.equal(weights.runs.head.weight, model.head.weight.bfloat16())
    assert torch.equal(twin.head.weight, small_model().head.weight)
    assert weights.average is not None
    assert torch.equal(weights.average.model.head.weight, twin.head.weight)


def test_a_parameter_without_a_gradient_is_named(everything: Everything) -> None:
    weights = WeightUpdate(small_model(), everything().training, precision="bfloat16", copies=True)
    weights.begin_step(1e-3)
    backward(weights.runs, 0, "bfloat16")
    weights.runs.norm.bias.grad = None
    with pytest.raises(RuntimeError, match=r"norm\.bias without a gradient"):
        weights.apply()


@pytest.mark.parametrize(("first", "second"), [("float32", "bfloat16"), ("bfloat16", "float32")])
def test_a_checkpoint_does_not_depend_on_buffers(
    first: str, second: str, everything: Everything, tmp_path: Path
) -> None:
    images = load_dataset(everything().data).train

    def state_of(precision: str) -> RunState:
        return RunState(everything(f"training.precision={precision}"), images, torch.device("cpu"))

    one, other = state_of(first), state_of(second)
    for step in range(2):
        one.weights.begin_step(1e-3)
        backward(one.weights.runs, step, first)
        one.weights.apply()
    save_checkpoint(tmp_path, one.checkpoint({}, torch.zeros(2).double()))
    places = {name: value.data_ptr() for name, value in other.weights._state().items()}
    other.restore(load_checkpoint(tmp_path), first=True)
    assert_equal(other.model.state_dict(), one.model.state_dict())
    assert_equal(other.weights.tensors(), one.weights.tensors())
    assert {name: value.data_ptr() for name, value in other.weights._state().items()} == places
    given = other.weights.runs.head.weight
    assert torch.equal(given, one.model.head.weight.to(given.dtype))
    missing = load_checkpoint(tmp_path)
    del missing.training["optimizer/head.bias/exp_avg"]
    with pytest.raises(KeyError, match=r"head\.bias"):
        other.restore(missing, first=True)


def test_steps_start_from_pretrained_weights(everything: Everything, tmp_path: Path) -> None:
    images = load_dataset(everything().data).train
    other = RunState(everything("seed=3"), images, torch.device("cpu")).model
    torch.save(other.state_dict(), tmp_path / "weights.pth")
    config = everything(BFLOAT16, f"training.init_from={tmp_path / 'weights.pth'}")
    state = RunState(config, images, torch.device("cpu"))
    load_initial_weights(state, config.training)
    weight = state.weights.runs.head.weight
    assert torch.equal(weight, other.head.weight.bfloat16())
    assert state.average is not None
    assert torch.equal(state.average.model.head.weight, other.head.weight)


def test_a_run_on_copies_resumes_to_the_bit(everything: Everything, tmp_path: Path) -> None:
    constant = ("training.min_learning_rate=4e-3", "training.gradient_clip=1", BFLOAT16)
    train(everything(*constant, "training.epochs=2"), tmp_path / "whole")
    train(everything(*constant, "training.epochs=1"), tmp_path / "parts")
    train(everything(*constant, "training.epochs=2"), tmp_path / "parts", resume=True)
    assert_same_bits(tmp_path / "whole", tmp_path / "parts")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_replayed_update_gives_the_bits_of_a_launched_one(everything: Everything) -> None:
    config = everything("training.gradient_clip=0.5").training
    one, other = small_model(classes=10).cuda(), small_model(classes=10).cuda()
    launched = WeightUpdate(one, config, precision="bfloat16", copies=True)
    captured = WeightUpdate(other, config, precision="bfloat16", copies=True)
    graph: torch.cuda.CUDAGraph | None = None
    gradients: list[Tensor] = []
    for step, rate in enumerate(RATES):
        for weights in (launched, captured):
            weights.begin_step(rate)
        backward(launched.runs, step, "bfloat16")
        given = [p.grad.clone() for p in launched.runs.parameters() if p.grad is not None]
        launched.apply()
        if graph is None:
            gradients, graph = given, torch.cuda.CUDAGraph()
            for parameter, gradient in zip(captured.runs.parameters(), gradients, strict=True):
                parameter.grad = gradient
            with torch.cuda.graph(graph):  # records, and does not run
                captured.apply()
        torch._foreach_copy_(gradients, given)
        graph.replay()
        assert_equal(other.state_dict(), one.state_dict())
        assert_equal(captured.tensors(), launched.tensors())
        assert launched.average is not None and captured.average is not None
        averages = launched.average.model, captured.average.model
        assert_equal(averages[0].state_dict(), averages[1].state_dict())
        assert all(
            torch.equal(a, b)
            for a, b in zip(launched.runs.parameters(), captured.runs.parameters(), strict=True)
        )
