"""A study whose trainings take less than a second."""

from trivit.tools.study.accuracy.profiles import Profile

TINY = Profile(
    name="tiny",
    text="for tests",
    settings={
        "model": {"embed_dim": 16, "depth": 3, "selector_blocks": [1], "num_heads": 2},
        "data": {"train_images": 60, "test_images": 40},
        "training": {
            "epochs": 3,
            "batch_size": 10,
            "learning_rate": 4e-3,
            "warmup_epochs": 0.5,
            "device": "cpu",
            "timing_rounds": 0,
        },
        "sparsity": {
            "examples": {"period_epochs": 1, "update_ratio": 0.1},
            "warmup": {"start_epoch": 0.5, "end_epoch": 2, "steps": 2},
        },
    },
    datasets={"synthetic": {"model": {"name": "micro_28"}}},
    seeds=2,
    other_seeds=1,
    sweep=(1.0, 0.4),
)
