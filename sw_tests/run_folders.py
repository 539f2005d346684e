"""What tests read from run folders."""

from pathlib import Path

import torch

from trivit.models.runs.checkpoint import load_checkpoint


def tensors(run: Path) -> dict[str, torch.Tensor]:
    """All tensors of a run's checkpoint."""
    saved = load_checkpoint(run / "checkpoint")
    average = {f"average/{name}": value for name, value in saved.average.items()}
    return {**saved.model, **average, **saved.training}


def assert_same_bits(run: Path, other: Path) -> None:
    ours, theirs = tensors(run), tensors(other)
    assert ours.keys() == theirs.keys()
    different = [name for name in ours if not torch.equal(ours[name], theirs[name])]
    assert not different
