"""Training with quantizers in place."""

import pytest
import torch

from trivit.models.data import DataConfig, load_dataset
from trivit.models.errors import ModelsError
from trivit.models.families import model_config
from trivit.models.families.vision_transformer import VisionTransformer
from trivit.models.quantization.calibration import calibrate
from trivit.models.quantization.finetune import fine_tune
from trivit.models.quantization.formats import fraction_lengths
from trivit.models.quantization.vision_transformer import QuantVisionTransformer

DATA = DataConfig(dataset="synthetic", train_images=128, test_images=10)


def fresh() -> QuantVisionTransformer:
    torch.manual_seed(0)
    config = model_config(
        "micro_28",
        patch_size=7,
        embed_dim=16,
        depth=2,
        selector_blocks=(0,),
        token_keep_ratio=0.7,
        attention_keep_ratio=0.5,
    )
    model = QuantVisionTransformer.from_float(VisionTransformer(config).eval())
    dataset = load_dataset(DATA)
    calibrate(model, [dataset.info.normalise(dataset.train.pixels[:64])], 4.0)
    return model


def run(model: QuantVisionTransformer, steps: int, rate: float = 3e-3) -> list[float]:
    dataset = load_dataset(DATA)
    losses: list[float] = []
    last = fine_tune(
        model,
        dataset.train,
        dataset.info,
        DATA,
        steps=steps,
        batch_size=32,
        learning_rate=rate,
        seed=0,
        on_step=losses.append,
    )
    assert last == losses[-1]
    return losses


def test_steps_lower_the_loss_and_keep_the_formats() -> None:
    model = fresh()
    formats = fraction_lengths(model)
    losses = run(model, 24)
    assert len(losses) == 24
    assert sum(losses[-4:]) < 0.9 * sum(losses[:4])
    assert fraction_lengths(model) == formats
    assert not model.training


def test_every_parameter_receives_a_gradient() -> None:
    model = fresh()
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    run(model, 2)
    for name, parameter in model.named_parameters():
        assert not torch.equal(before[name], parameter), name


def test_the_same_seed_gives_the_same_weights() -> None:
    first, second = fresh(), fresh()
    assert run(first, 3) == run(second, 3)
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)


def test_more_images_than_there_are_is_refused() -> None:
    dataset = load_dataset(DATA)
    with pytest.raises(ModelsError, match="128 images, less than batch_size 500"):
        fine_tune(
            fresh(),
            dataset.train,
            dataset.info,
            DATA,
            steps=1,
            batch_size=500,
            learning_rate=1e-3,
            seed=0,
        )


def test_divergence_is_reported() -> None:
    model = fresh()
    with torch.no_grad():
        model.head.weight.fill_(float("nan"))
    with pytest.raises(ModelsError, match="diverged at step 0"):
        run(model, 1)
