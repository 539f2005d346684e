"""What a block's attention shows to the methods that rank by it.

Shape suffixes: B batch, H heads, L tokens present ([CLS] first, if any), N patch tokens, E head
width.
"""

from dataclasses import dataclass
from enum import Flag, auto

import torch
from torch import Tensor


class Probe(Flag):
    """What a method wants to see: nothing else is computed."""

    NONE = 0
    CLS_ROW = auto()
    COLUMN_SUMS = auto()
    MATRIX = auto()
    VALUES = auto()
    GRADIENT = auto()  # not a thing to see: what is seen carries its gradient


@dataclass(frozen=True)
class AttentionView:
    """The probes of one block, in float32 at least; those that nobody wanted are ``None``.

    Attributes:
        prefix: tokens before the patch tokens, 1 with [CLS], else 0.
        patches: N, the patch tokens present.
        device: where the tokens are.
        cls_row_BN: head mean of what [CLS] gives to each patch token; no mask closes it.
        column_sums_BN: head mean of what each patch token gets from all of them.
        matrix_BLL: head mean of the probabilities, query first.
        values_BHNE: values of the patch tokens.
    """

    prefix: int
    patches: int
    device: torch.device
    cls_row_BN: Tensor | None = None
    column_sums_BN: Tensor | None = None
    matrix_BLL: Tensor | None = None
    values_BHNE: Tensor | None = None

    def summary(self, probe: Probe) -> Tensor:
        """Return ``CLS_ROW`` or ``COLUMN_SUMS``, (B, N), which must have been wanted."""
        found = self.cls_row_BN if probe & Probe.CLS_ROW else self.column_sums_BN
        assert found is not None, f"{probe} was not asked for"
        return found
