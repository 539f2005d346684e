"""In which order a study of limited minutes trains: what the papers claim most comes first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trivit.tools.study.accuracy.runs import Run


@dataclass(frozen=True)
class Ordering:
    """Methods that are compared with each other, seed by seed.

    Attributes:
        text: what is compared.
        methods: names of ``method_rows``.
    """

    text: str
    methods: tuple[str, ...]


# Schedules first in random order: what the L1 order does to small images (docs/results/) would
# lie over the difference between them.
ORDERINGS = (
    Ordering("online over random filtering at 0.8", ("example_online", "example_random")),
    Ordering("[CLS] over static tokens at 0.7", ("token_cls", "token_static")),
    Ordering(
        "cyclic against fixed and linear over the sweep",
        ("pss_random_cyclic", "pss_random_linear", "pss_random_fixed"),
    ),
    *(
        Ordering(f"L1 over random order, {schedule}", (f"pss_l1_{schedule}",))
        for schedule in ("cyclic", "linear", "fixed")
    ),
)


def importance(method: str) -> int:
    """Return the place of the first ordering that needs ``method``; beyond all of them if none."""
    for place, ordering in enumerate(ORDERINGS):
        if method in ordering.methods:
            return place
    return len(ORDERINGS)


def by_importance(runs: Sequence["Run"]) -> list["Run"]:
    """Return ``runs`` ordering by ordering, and seed by seed within each.

    So both methods of a pair are there with one seed before either starts with the next. Runs that
    no ordering needs follow in the order in which they came.
    """

    def key(run: "Run") -> tuple[int, int]:
        place = importance(run.method.name)
        return place, run.seed if place < len(ORDERINGS) else 0

    return sorted(runs, key=key)


def first_seeds(runs: Sequence["Run"], seeds: int, *, first: bool) -> list["Run"]:
    """Return what ``seeds`` seeds of every ordering need, or of the ``first`` that there is.

    Of runs that no ordering needs: those of the first seeds.
    """
    early = [run for run in runs if run.seed < seeds]
    needed = [run for run in early if importance(run.method.name) < len(ORDERINGS)] or early
    if not first:
        return needed
    least = min(importance(run.method.name) for run in needed)
    return [run for run in needed if importance(run.method.name) == least]
