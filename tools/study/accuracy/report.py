"""A study's results as JSON and as Markdown tables."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from trivit.models.files import atomic_write
from trivit.tools.study.accuracy.fitting import StudyPlan
from trivit.tools.study.accuracy.picture import draw_study
from trivit.tools.study.accuracy.profiles import Profile
from trivit.tools.study.accuracy.summary import summarise

# What a run's result keeps beside its accuracy; its folder has the rest.
_TRAIN_KEYS = ("images_seen", "seconds", "seconds_by_part", "example_updates", "device", "threads")


def describe(
    profile: Profile,
    results: Sequence[Mapping[str, Any]],
    planned: int,
    overrides: Sequence[str] = (),
    *,
    plan: StudyPlan | None = None,
) -> dict[str, Any]:
    """Return everything that is known of a study, as JSON values.

    Args:
        profile: how much was trained.
        results: of the finished runs, from ``runs.finished``; at least one.
        planned: number of runs when all are finished.
        overrides: settings of the command line.
        plan: of a study whose length was chosen.
    """
    return {
        "study": "accuracy",
        "profile": profile.name,
        "text": profile.text,
        "overrides": list(overrides),
        "plan": None if plan is None else asdict(plan),
        "planned_runs": planned,
        "finished_runs": len(results),
        "machines": _distinct(results, "machine"),
        "versions": _distinct(results, "versions"),
        **summarise(results),
        "runs": [_run(result) for result in results],
    }


def _distinct(results: Sequence[Mapping[str, Any]], key: str) -> list[Any]:
    found: list[Any] = []
    for result in results:
        if result[key] not in found:
            found.append(result[key])
    return found


def _run(result: Mapping[str, Any]) -> dict[str, Any]:
    train = result["train"]
    return {
        **{key: result[key] for key in ("dataset", "method", "seed", "float_top1")},
        **{key: train[key] for key in _TRAIN_KEYS if key in train},
        "sweep": [
            {"keep_ratio": point["keep_ratio"], "float_top1": point["float_top1"]}
            for point in result["sweep"]
        ],
    }


def write_report(folder: Path, study: Mapping[str, Any]) -> None:
    """Write ``study.json``, ``study.md`` and ``study.png`` into ``folder``.

    Raises:
        OSError: a file cannot be written.
    """
    with atomic_write(folder / "study.json") as temporary:
        temporary.write_text(json.dumps(study, indent=1) + "\n", encoding="utf-8")
    with atomic_write(folder / "study.md") as temporary:
        temporary.write_text(markdown(study), encoding="utf-8")
    draw_study(folder / "study.png", study)


def markdown(study: Mapping[str, Any]) -> str:
    """Return the tables: methods, sweeps and the papers' orderings."""
    finished, planned = study["finished_runs"], study["planned_runs"]
    lines = [
        f"Profile `{study['profile']}`: {study['text']}.",
        f"{finished} of {planned} runs. " + "; ".join(map(_machine, study["machines"])) + ".",
        "Versions: " + "; ".join(map(_versions, study["versions"])) + ".",
    ]
    for dataset in dict.fromkeys(row["dataset"] for row in study["rows"]):
        rows = [row for row in study["rows"] if row["dataset"] == dataset]
        lines += ["", f"### {dataset}", ""]
        lines += _table(
            ("method", "training MACs saved", "top-1, %", "against dense", "seeds"),
            [
                (
                    row["text"],
                    f"{row['training_macs_saved_percent']:.1f} %",
                    spread(row["top1"]),
                    spread(row["to_dense"], sign=True) if row["to_dense"] else "",
                    str(row["top1"]["n"]),
                )
                for row in rows
            ],
        )
        lines += ["", *_sweeps([row for row in rows if row["sweep"]])]
    if study["claims"]:
        lines += ["", "### The papers' orderings", "", *_claims(study["claims"])]
    return "\n".join(lines) + "\n"


def _sweeps(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    if not rows:
        return []
    ratios = [point["keep_ratio"] for point in rows[0]["sweep"]]
    return _table(
        ("top-1 at rho", *(f"{ratio:g}" for ratio in ratios)),
        [(row["text"], *(spread(point["top1"]) for point in row["sweep"])) for row in rows],
    )


def _claims(claims: Sequence[Mapping[str, Any]]) -> list[str]:
    return _table(
        ("claim", "data set", "difference, points", "95 % interval", "seeds", "found"),
        [
            (
                claim["claim"],
                claim["dataset"],
                spread(claim["difference"], sign=True),
                "" if claim["interval95"] is None else f"± {claim['interval95']:.2f}",
                str(claim["difference"]["n"]),
                claim["verdict"],
            )
            for claim in claims
        ],
    )


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def spread(value: Mapping[str, Any], sign: bool = False) -> str:
    """Return ``mean ± standard deviation``; the mean alone of a single value."""
    mean = f"{value['mean']:+.2f}" if sign else f"{value['mean']:.2f}"
    return mean if value["std"] is None else f"{mean} ± {value['std']:.2f}"


def _machine(machine: Mapping[str, Any]) -> str:
    gpu = f", {machine['gpu']}" if "gpu" in machine else ""
    return f"{machine['processor']}, {machine['cores']} cores{gpu}"


def _versions(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())
