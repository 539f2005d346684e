"""Fixtures: small exported models, and one thread."""

from collections.abc import Callable

import pytest
import torch
from exported_model import Exported, build


@pytest.fixture
def exported() -> Callable[..., Exported]:
    """Return the function that exports a small model (results are cached)."""
    return build


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)
