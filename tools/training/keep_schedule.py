"""Which program a step runs: the token keep ratio, warmed up as in training in PyTorch."""

from __future__ import annotations

import math

from trivit.host.training.bundle import TrainingBundle
from trivit.host.training.program import TrainingProgram
from trivit.models.methods.warmup import WarmupConfig, warmup_keep_ratio
from trivit.tools.errors import ToolsError
from trivit.tools.training.settings import LoopSettings


class KeepSchedule:
    """The program of each step: that of the final ratios, or during a warm-up the nearest one.

    Tri-Level warms up both ratios at once, tokens and connections; the nearest program is that of
    the smallest sum of both distances, of several the one that keeps more.
    """

    def __init__(self, bundle: TrainingBundle, settings: LoopSettings) -> None:
        """Choose from a bundle's programs.

        Raises:
            HostError: none has the final ratio.
            ToolsError: a warm-up without a program of ratio 1, or to one that keeps everything.
        """
        self.final = bundle.choose(settings.keep)
        self._programs = sorted(bundle.programs, key=_ratios, reverse=True)
        self._warmup: WarmupConfig | None = None
        if settings.keep_warmup is None:
            return
        start, end = settings.keep_warmup
        if _ratios(self.final) == (1.0, 1.0):
            raise ToolsError(
                "--keep-warmup ends with a program that keeps everything: name another with --keep"
            )
        if _ratios(self._programs[0]) != (1.0, 1.0):
            raise ToolsError(
                "--keep-warmup begins with ratio 1, which the bundle has no program of: compile "
                "it with `trivit compile RUN --training --keep 1,...`"
            )
        self._warmup = WarmupConfig(start_epoch=start, end_epoch=end)

    def program(self, epoch: float) -> TrainingProgram:
        """Return the program at ``epoch``, which advances by fractions with every step."""
        if self._warmup is None:
            return self.final
        warmup = self._warmup
        wanted = [warmup_keep_ratio(ratio, epoch, warmup) for ratio in _ratios(self.final)]
        if wanted == list(_ratios(self.final)):
            return self.final

        def distance(program: TrainingProgram) -> float:
            return math.fsum(abs(a - b) for a, b in zip(_ratios(program), wanted, strict=True))

        return min(self._programs, key=distance)


def _ratios(program: TrainingProgram) -> tuple[float, float]:
    return program.token_keep_ratio, program.attention_keep_ratio
