"""Skips of DeiT's sizes on kernels that `trivit explore` made for a smaller model."""

import pytest

from trivit.host.generated.spec import ACTIVATION_DEPTH


def deit_of_width(width: int) -> pytest.MarkDecorator:
    """Return the mark of a test that compiles DeiT, 197 tokens of ``width`` elements."""
    words = 25 * 6 * width // 8  # 25 row groups: tokens and queries, keys, values; or the MLP's
    return pytest.mark.skipif(
        words > ACTIVATION_DEPTH, reason=f"the model needs {words:,} words in a bank"
    )
