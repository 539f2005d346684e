"""How much is trained: a profile for a CPU and one for a GPU, and shorter lengths of the latter."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trivit.tools.errors import ToolsError

SWEEP = (1.0, 0.8, 0.6, 0.4, 0.2)


@dataclass(frozen=True, kw_only=True)
class Length:
    """A model and a number of epochs that a study of limited minutes may choose.

    Attributes:
        size: name of the model; all lengths of a size take the same time for a step.
        epochs: of the training.
        text: what a reader of the results must know of it.
        settings: nested settings, laid over those of the profile.
    """

    size: str
    epochs: int
    text: str
    settings: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The experiment that every method is laid over.

    Attributes:
        name: as on the command line.
        text: what a reader of the results must know of it.
        settings: nested settings of an experiment.
        datasets: settings by data set, laid over ``settings``.
        seeds: of the methods that a claim rests on.
        other_seeds: of the others.
        sweep: shares of the patches at which patch sampling is evaluated.
        lengths: what a study of limited minutes chooses from, the most wanted first; empty: minutes
            limit how many runs are made, and not their length.
        limited_to: data sets of a study that has chosen a length, unless others are named.
    """

    name: str
    text: str
    settings: Mapping[str, Any]
    datasets: Mapping[str, Mapping[str, Any]]
    seeds: int
    other_seeds: int
    sweep: tuple[float, ...] = SWEEP
    lengths: tuple[Length, ...] = ()
    limited_to: tuple[str, ...] = ()


# Data sets in the order in which they take turns.
_CPU = Profile(
    name="cpu",
    text=(
        "a small model (width 32, depth 6, patch 4), 4,000 training and 2,000 test images, "
        "8 epochs: far from trained out, so read differences between methods, not accuracies"
    ),
    settings={
        "model": {"embed_dim": 32, "num_heads": 2, "init_std": 0.12},
        "data": {"train_images": 4000, "test_images": 2000},
        "training": {
            "epochs": 8,
            "batch_size": 64,
            "learning_rate": 3e-3,
            "warmup_epochs": 0.5,
            "weight_decay": 0.05,
            "beta2": 0.98,
            "label_smoothing": 0.05,
            "evaluate_every": 2,
            "timing_rounds": 0,
        },
        "sparsity": {
            # Two presentations between updates, or no example could be forgotten; as many
            # updates as the keep ratio asks for: 3 at 0.8, before epochs 3, 5 and 7.
            "examples": {"period_epochs": 2, "update_ratio": 0.1},
            "warmup": {"start_epoch": 1, "end_epoch": 4, "steps": 4},
        },
    },
    datasets={
        "fashion_mnist": {"model": {"name": "micro_28"}},
        "cifar10": {"model": {"name": "micro_32"}, "data": {"flip": True}},
    },
    seeds=3,
    other_seeds=1,
)

# Sizes, from the one of the papers' smallest model on CIFAR's 64 patches downwards.
_SIZES: dict[str, dict[str, Any]] = {
    "192x12": {"embed_dim": 192, "depth": 12, "num_heads": 3, "selector_blocks": [3, 6, 9]},
    "192x6": {"embed_dim": 192, "depth": 6, "num_heads": 3, "selector_blocks": [1, 3]},
    "96x6": {"embed_dim": 96, "depth": 6, "num_heads": 3, "selector_blocks": [1, 3]},
}
_EPOCHS = {"192x12": (300, 200, 100, 60, 40, 30), "192x6": (30, 20), "96x6": (20,)}


def length(size: str, epochs: int, model: Mapping[str, Any]) -> Length:
    """Return a length whose schedules are Tri-Level's, in proportion to the epochs.

    Of 300 epochs these are 30 between updates of the examples, and a warm-up of the keep ratios
    from 10 to 110.
    """
    return Length(
        size=size,
        epochs=epochs,
        text=f"width {model['embed_dim']}, depth {model['depth']}, patch 4, all images, "
        f"{epochs} epochs",
        settings={
            "model": model,
            "training": {
                "epochs": epochs,
                "warmup_epochs": epochs / 20,
                "evaluate_every": epochs,
            },
            "sparsity": {
                "examples": {"period_epochs": epochs // 10},
                "warmup": {"start_epoch": epochs / 30, "end_epoch": 11 * epochs / 30},
            },
        },
    )


_GPU = Profile(
    name="gpu",
    text="width 192, depth 12, patch 4, all images, 100 epochs",
    settings={
        "model": {
            "embed_dim": 192,
            "depth": 12,
            "num_heads": 3,
            "selector_blocks": [3, 6, 9],
            "init_std": 0.04,
        },
        "training": {
            "epochs": 100,
            "batch_size": 512,
            "learning_rate": 1e-3,
            "warmup_epochs": 5,
            "weight_decay": 0.05,
            "label_smoothing": 0.1,
            "evaluate_every": 10,
            "timing_rounds": 0,
        },
        "sparsity": {
            # Tri-Level's 30 of 300 epochs between updates, and its warm-up from 10 to 110.
            "examples": {"period_epochs": 10, "update_ratio": 0.05},
            "warmup": {"start_epoch": 4, "end_epoch": 37, "steps": 10},
        },
    },
    datasets={
        "fashion_mnist": {"model": {"name": "micro_28"}, "data": {"shift": 2, "flip": True}},
        "cifar10": {"model": {"name": "micro_32"}, "data": {"shift": 4, "flip": True}},
    },
    seeds=3,
    other_seeds=3,
    lengths=tuple(
        length(size, epochs, _SIZES[size]) for size in _SIZES for epochs in _EPOCHS[size]
    ),
    limited_to=("cifar10",),
)

PROFILES: dict[str, Profile] = {profile.name: profile for profile in (_CPU, _GPU)}


def chosen_profile(name: str) -> Profile:
    """Return the profile called ``name``.

    Raises:
        ToolsError: unknown name.
    """
    if name not in PROFILES:
        raise ToolsError(f"unknown profile '{name}': choose from {', '.join(PROFILES)}")
    return PROFILES[name]
