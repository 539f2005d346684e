"""Mean and spread of a study's results, and what they say of the orderings in the papers."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from trivit.models.methods.comparison import MethodRow
from trivit.models.methods.table import DENSE, method_rows
from trivit.tools.study.spread import Spread

Result = Mapping[str, Any]


@dataclass(frozen=True)
class Claim:
    """An ordering of two methods that a paper reports.

    Attributes:
        text: what is claimed.
        better: the method that should win, a name of ``method_rows``.
        worse: the others, likewise; the best of them counts, by its mean over the seeds.
        over_sweep: compare the mean top-1 over the patch keep ratios, not top-1 on all patches.
    """

    text: str
    better: str
    worse: tuple[str, ...]
    over_sweep: bool = False


_ORDERS = {"random": "random", "l1": "L1"}


def _pss_claims() -> list[Claim]:
    claims = [
        Claim(
            f"L1 over random order, {schedule}", f"pss_l1_{schedule}", (f"pss_random_{schedule}",)
        )
        for schedule in ("fixed", "linear", "cyclic")
    ]
    for order, text in _ORDERS.items():
        others = (f"pss_{order}_fixed", f"pss_{order}_linear")
        best = f"cyclic best over the sweep, {text}"
        claims.append(Claim(best, f"pss_{order}_cyclic", others, over_sweep=True))
    for order, text in _ORDERS.items():
        over = f"cyclic over no schedule in the sweep, {text}"
        claims.append(Claim(over, f"pss_{order}_cyclic", ("pss_baseline",), over_sweep=True))
    return claims


CLAIMS: tuple[Claim, ...] = (
    Claim("online over random filtering at 0.8", "example_online", ("example_random",)),
    Claim("online over two-phase filtering at 0.8", "example_online", ("example_two_phase",)),
    Claim("online over active bias at 0.8", "example_online", ("example_active_bias",)),
    Claim("[CLS] score over static tokens at 0.7", "token_cls", ("token_static",)),
    *_pss_claims(),
)


def summarise(results: Sequence[Result]) -> dict[str, Any]:
    """Return ``rows``, one for each data set and method, and ``claims``, one for each data set."""
    datasets = list(dict.fromkeys(result["dataset"] for result in results))
    rows, claims = [], []
    for dataset in datasets:
        here = [result for result in results if result["dataset"] == dataset]
        dense = _by_seed(here, DENSE.name, False)
        for method in method_rows().values():
            own = [result for result in here if result["method"] == method.name]
            if own:
                rows.append(_row(dataset, method, own, dense))
        for claim in CLAIMS:
            if (outcome := _judge(claim, here)) is not None:
                claims.append({"dataset": dataset, "claim": claim.text, **outcome})
    return {"rows": rows, "claims": claims}


def _row(
    dataset: str, method: MethodRow, own: Sequence[Result], dense: Mapping[int, float]
) -> dict[str, Any]:
    train = own[0]["train"]
    to_dense = [r["float_top1"] - dense[r["seed"]] for r in own if r["seed"] in dense]
    ratios = [point["keep_ratio"] for point in own[0]["sweep"]]
    return {
        "dataset": dataset,
        "method": method.name,
        "level": method.level,
        "text": method.text,
        "seeds": [result["seed"] for result in own],
        "top1": asdict(Spread.of([result["float_top1"] for result in own])),
        "to_dense": asdict(Spread.of(to_dense)) if to_dense and method != DENSE else None,
        "training_macs_saved_percent": train["training_macs_saved_percent"],
        "sweep": [
            {
                "keep_ratio": ratio,
                "top1": asdict(Spread.of([r["sweep"][i]["float_top1"] for r in own])),
            }
            for i, ratio in enumerate(ratios)
        ],
    }


def _by_seed(results: Sequence[Result], method: str, over_sweep: bool) -> dict[int, float]:
    values: dict[int, float] = {}
    for result in results:
        if result["method"] != method or (over_sweep and not result["sweep"]):
            continue
        points = [point["float_top1"] for point in result["sweep"]]
        values[result["seed"]] = statistics.fmean(points) if over_sweep else result["float_top1"]
    return values


def _judge(claim: Claim, results: Sequence[Result]) -> dict[str, Any] | None:
    """Compare seed by seed; ``None`` when no seed has both sides."""
    better = _by_seed(results, claim.better, claim.over_sweep)
    rivals = [_by_seed(results, name, claim.over_sweep) for name in claim.worse]
    seeds = sorted(set(better).intersection(*rivals))
    if not seeds:
        return None
    rival = max(range(len(rivals)), key=lambda i: sum(rivals[i][seed] for seed in seeds))
    difference = Spread.of([better[seed] - rivals[rival][seed] for seed in seeds])
    return {
        "better": claim.better,
        "worse": claim.worse[rival],
        "difference": asdict(difference),
        "interval95": difference.interval(),
        "verdict": _verdict(difference),
    }


def _verdict(difference: Spread) -> str:
    interval = difference.interval()
    if interval is None or abs(difference.mean) <= interval:
        return "not decided"
    return "holds" if difference.mean > 0 else "does not hold"
