"""Rows and images in the order of the ports."""

import numpy as np
import pytest

from trivit.host.errors import HostError
from trivit.host.schedule import ImageLayout, port_order


@pytest.mark.parametrize("rows", [1, 3, 4, 9])
def test_port_p_brings_every_fourth_row(rows: int) -> None:
    values = np.arange(rows * 16, dtype=np.int16).reshape(rows, 16)
    segments = port_order(values).reshape(4, -1, 16)
    assert segments.shape[1] == -(-rows // 4)
    for row in range(rows):
        assert (segments[row % 4, row // 4] == values[row]).all()
    assert np.count_nonzero(segments) == np.count_nonzero(values)


def test_images_lie_patch_by_patch() -> None:
    layout = ImageLayout(channels=2, height=4, width=6, patch=2, rows=6, words=1)
    region = np.arange(48, dtype=np.int16)[None]
    segments = layout.arrange(region).reshape(4, 2, 8)
    image = region.reshape(2, 4, 6)
    for patch in range(6):
        y, x = 2 * (patch // 3), 2 * (patch % 3)
        expected = image[:, y : y + 2, x : x + 2].ravel()
        assert (segments[patch % 4, patch // 4] == expected).all()
    assert layout.region_words * 8 == segments.size
    with pytest.raises(HostError, match="input regions hold 47 values, an image has 48"):
        layout.arrange(region[:, :47])
