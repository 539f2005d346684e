"""A small bundle and its images, made once."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from trivit.host.bundle import Bundle

from .fake_device import noise, two_programs


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    return two_programs()


@pytest.fixture(scope="session")
def images(bundle: Bundle) -> NDArray[np.uint8]:
    return noise(bundle, 3)
