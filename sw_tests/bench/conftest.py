"""A preset for tests, which the command line knows as well."""

import pytest

from trivit.tools.bench.train import presets
from trivit.tools.bench.train.presets import PRESETS, Preset

TINY = Preset(
    name="tiny",
    text="for tests",
    settings={
        "model": {"name": "micro_28", "embed_dim": 16, "depth": 4, "num_heads": 2},
        "training": {"batch_size": 8, "device": "cpu", "precision": "float32"},
    },
    train_images=100,
    compile=False,
    threads=1,
    steps=1,
    rounds=2,
    warmup=1,
    tri_level=PRESETS["cpu"].tri_level,
)


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> Preset:
    """Offer ``tiny`` on the command line, on a machine without timm."""
    monkeypatch.setitem(presets.PRESETS, "tiny", TINY)
    monkeypatch.setattr("trivit.tools.bench.train.bench.has_timm", lambda: False)
    return TINY
