"""A study as asked for: its profile at a chosen length, and its runs in the order of a plan."""

from collections.abc import Sequence
from pathlib import Path

from trivit.models.methods.comparison import MethodRow
from trivit.tools.study.accuracy.budget import Budget
from trivit.tools.study.accuracy.fitting import (
    choose_length,
    measure_steps,
    ratios,
    read_plan,
    with_length,
)
from trivit.tools.study.accuracy.orderings import by_importance
from trivit.tools.study.accuracy.profiles import Profile
from trivit.tools.study.accuracy.runs import Run, plan


class Study:
    """Which runs a folder's study consists of.

    With minutes, and a profile that has lengths, a length is chosen once; the folder keeps it as
    ``plan.json``, and later calls go on with it, with minutes or without.

    Attributes:
        profile: at the length of the plan, if there is one.
        plan: ``None``: the profile's own length.
    """

    def __init__(
        self,
        profile: Profile,
        methods: Sequence[MethodRow],
        folder: Path,
        *,
        datasets: Sequence[str] | None = None,
        seeds: int | None = None,
        overrides: Sequence[str] = (),
    ) -> None:
        """Read the plan of ``folder``, if it has one; arguments as for ``runs.plan``.

        Raises:
            ToolsError: the plan is damaged, or of another profile.
        """
        self.profile = profile
        self.plan = read_plan(folder, profile)
        self._folder = folder
        self._methods = methods
        self._datasets = datasets
        self._seeds = seeds
        self._overrides = overrides
        self._kept = self.plan is not None

    def runs(self, minutes: float | None, budget: Budget, jobs: int = 1) -> list[Run]:
        """Return the runs; choose their length first, where that is due.

        Args:
            minutes: of the whole command; ``None``: no limit.
            budget: that is left of them; learns what runs are expected to take.
            jobs: runs at once: on one GPU they are expected to take so many times as long.

        Raises:
            ToolsError: an unknown data set, or too few minutes for any length.
            ModelsError: a refused setting, or images that are not found.
        """
        if self.plan is None and minutes and self.profile.lengths and not self._has_runs():
            self.plan = choose_length(
                self.profile, self._at, minutes=minutes, left=budget.left, measure=measure_steps
            )
            self.plan.save(self._folder)
        if self.plan is None:
            return self._planned(self.profile, self._datasets)
        self.profile = with_length(self.profile, self.plan.settings, self.plan.text)
        taken = self.plan.measured
        budget.expect = lambda run: jobs * taken.of(run.config, ratios(run, self.profile))
        return by_importance(self._planned(self.profile, self._datasets or self.plan.datasets))

    def lines(self) -> list[str]:
        """Return what is printed of the plan, if there is one."""
        if self.plan is None:
            return []
        kept = [f"{self._folder}: goes on with its plan"] if self._kept else []
        return kept + self.plan.lines()

    def _has_runs(self) -> bool:
        return (self._folder / "runs").is_dir()

    def _at(self, profile: Profile) -> list[Run]:
        return by_importance(self._planned(profile, self._datasets or self.profile.limited_to))

    def _planned(self, profile: Profile, datasets: Sequence[str] | None) -> list[Run]:
        return plan(
            profile,
            self._methods,
            self._folder,
            datasets=datasets or None,
            seeds=self._seeds,
            overrides=self._overrides,
        )
