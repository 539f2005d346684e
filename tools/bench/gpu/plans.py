"""The plans of the script: one for a GPU, and a rehearsal for a CPU."""

from collections.abc import Sequence
from dataclasses import dataclass

from trivit.tools.bench.gpu.loading import LoadingPlan
from trivit.tools.bench.train.presets import PRESETS


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the script does.

    Attributes:
        table_minutes: for tests and steps; what is left of all minutes is the study's.
        steps: presets, each with arguments of ``trivit bench train`` and its share of the time that
            is left when its turn comes.
        loading: the training that is compared with the dense step, after its preset's turn.
        compiles: whether these presets compile.
        study: profile of the accuracy study (``None``: none).
    """

    table_minutes: float
    steps: Sequence[tuple[str, Sequence[str], float]]
    loading: LoadingPlan
    compiles: bool
    study: str | None


def _rows(preset: str, *others: str) -> tuple[str, ...]:
    """Return the arguments that choose the rows of ``preset`` with targets, and ``others``."""
    names = (*PRESETS[preset].targets, *others)
    return tuple(word for name in names for word in ("--row", name))


_BEFORE = ("dense_before", "token_0.7_before", "pss_none_before")

PLANS = {
    "gpu": Plan(
        table_minutes=8.0,
        steps=(
            ("deit_small", (*_rows("deit_small", *_BEFORE), "--profile"), 0.55),
            ("deit_tiny", _rows("deit_tiny"), 1.0),
        ),
        # An epoch of 150 steps: beside it, the wait for its first batch is small.
        loading=LoadingPlan(
            preset="deit_small", images=38_400, side=256, classes=1000, epochs=3, share=0.5
        ),
        compiles=True,
        study="gpu",
    ),
    "cpu": Plan(
        table_minutes=8.0,
        steps=(("cpu", ("--row", "token_0.7", "--rounds", "2"), 0.5),),
        loading=LoadingPlan(
            preset="cpu",
            images=192,
            side=32,
            classes=10,
            epochs=2,
            share=0.5,
            settings={"model": {"in_channels": 3}},
        ),
        compiles=False,
        study=None,
    ),
}
