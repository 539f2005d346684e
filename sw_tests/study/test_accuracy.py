"""The accuracy study: every method trains, a killed study goes on, its statistics are right."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, ClassVar

import pytest

from trivit.models.experiment.schedules import keep_ratios
from trivit.models.methods.comparison import MethodRow
from trivit.models.methods.table import method_rows
from trivit.models.methods.tokens.selection import TOKEN_SCORES
from trivit.models.methods.tokens.static import Static
from trivit.tools.cli import main
from trivit.tools.errors import ToolsError
from trivit.tools.study.accuracy import profiles, summary
from trivit.tools.study.accuracy.profiles import PROFILES
from trivit.tools.study.accuracy.runs import Run, carry_out, chosen_methods, finished, plan

from .conftest import TINY


def result(method: str, seed: int, top1: float, sweep: tuple[float, ...] = ()) -> dict[str, Any]:
    return {
        "dataset": "synthetic",
        "method": method,
        "seed": seed,
        "float_top1": top1,
        "train": {"training_macs_saved_percent": 10.0},
        "sweep": [{"keep_ratio": 1.0 - i / 5, "float_top1": v} for i, v in enumerate(sweep)],
        "machine": {"processor": "p", "cores": 1},
        "versions": {"python": "3"},
    }


@pytest.mark.parametrize("setting", ["seed=3", "data.dataset=synthetic"])
def test_settings_that_the_study_varies_are_refused(setting: str, tmp_path: Path) -> None:
    with pytest.raises(ToolsError, match="use --seeds and --dataset, not --set"):
        plan(PROFILES["cpu"], chosen_methods(None), tmp_path, overrides=[setting])


@pytest.mark.parametrize("profile", PROFILES)
def test_every_run_of_a_profile_is_a_valid_experiment(profile: str, tmp_path: Path) -> None:
    chosen = PROFILES[profile]
    runs = plan(chosen, chosen_methods(None), tmp_path)
    assert len({run.folder for run in runs}) == len(runs)
    assert {run.method.name for run in runs} == set(method_rows())
    assert {run.dataset for run in runs} == {"fashion_mnist", "cifar10"}
    for run in runs:
        config = run.config
        epochs, examples = config.training.epochs, config.sparsity.examples
        assert config.seed == run.seed and config.data.dataset == run.dataset
        # The final ratios hold for a while, and enough updates happen to mean something.
        last = keep_ratios(config, epochs - 0.5)
        assert last.token == config.model.token_keep_ratio
        if examples.keep_ratio < 1 and examples.method in ("online", "random"):
            assert 2 * examples.period_epochs < epochs
            assert examples.period_epochs >= 2
        assert run.method.sweep == (config.model.pooling == "mean")
    schedules = {run.config.patch_schedule.schedule for run in runs}
    assert schedules == {"none", "fixed", "linear", "cyclic"}


def test_all_methods_train_and_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(profiles.PROFILES, "tiny", TINY)
    command = ["study", "accuracy", "--profile", "tiny", "--out", str(tmp_path), "--seeds", "1"]
    assert main(command) == 0
    assert "### synthetic" in capsys.readouterr().out
    study = json.loads((tmp_path / "study.json").read_text())
    assert study["finished_runs"] == study["planned_runs"] == len(method_rows())
    assert [row["method"] for row in study["rows"]] == list(method_rows())
    assert {claim["claim"] for claim in study["claims"]} == {c.text for c in summary.CLAIMS}
    assert all(claim["verdict"] == "not decided" for claim in study["claims"])  # one seed
    assert (tmp_path / "study.png").read_bytes().startswith(b"\x89PNG")
    saved = {row["method"]: row["training_macs_saved_percent"] for row in study["rows"]}
    assert saved["dense"] == 0 < saved["token_cls"] < saved["tri_level_0.7"]
    swept = {row["method"]: [p["keep_ratio"] for p in row["sweep"]] for row in study["rows"]}
    assert swept["pss_l1_cyclic"] == [1.0, 0.4] and swept["dense"] == []
    # The report can be written again without training, and other settings are refused.
    capsys.readouterr()
    assert main([*command, "--minutes", "0"]) == 0
    capsys.readouterr()
    assert main([*command, "--set", "training.learning_rate=1e-3"]) == 2
    assert "trained with other settings" in capsys.readouterr().err


_KILLED = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from conftest import TINY
from trivit.tools.study.accuracy.runs import carry_out, chosen_methods, plan
runs = plan(TINY, chosen_methods(["dense", "token_cls"]), Path({out!r}))
for _ in carry_out(runs, TINY.sweep):
    pass
"""


def test_a_killed_study_keeps_its_results_and_ends_with_the_same_ones(tmp_path: Path) -> None:
    methods = chosen_methods(["dense", "token_cls"])
    killed = plan(TINY, methods, tmp_path / "killed")
    code = _KILLED.format(tests=str(Path(__file__).parent), out=str(tmp_path / "killed"))
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, "-c", code], env=environment)
    first = killed[0].folder / "result.json"
    deadline = time.monotonic() + 60
    while not first.is_file() and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert len(finished(killed)) < len(killed)
    written = first.stat().st_mtime_ns
    again = {folder_of(run): top1(r) for run, r in carry_out(killed, TINY.sweep)}
    assert first.stat().st_mtime_ns == written
    whole = plan(TINY, methods, tmp_path / "whole")
    assert again == {folder_of(run): top1(r) for run, r in carry_out(whole, TINY.sweep)}


def folder_of(run: Run) -> tuple[str, int]:
    return run.method.name, run.seed


def top1(outcome: dict[str, Any]) -> list[float]:
    return [record["loss"] for record in outcome["metrics"]] + [outcome["float_top1"]]


def test_no_run_starts_after_the_time_is_up(tmp_path: Path) -> None:
    runs = plan(TINY, chosen_methods(["dense"]), tmp_path)
    assert [run.seed for run in runs] == [0, 1]
    assert list(carry_out(runs, (), seconds=0)) == []
    assert finished(runs) == []


def test_important_methods_get_all_seeds_and_seeds_take_turns(tmp_path: Path) -> None:
    runs = plan(TINY, chosen_methods(["attention", "dense"]), tmp_path)
    assert [(run.seed, run.method.name) for run in runs] == [
        (0, "dense"),
        (0, "attention"),
        (1, "dense"),
    ]


def test_the_seeds_of_a_round_take_first_what_the_papers_claim_most() -> None:
    """The order in which the published studies ran."""
    assert [row.name for row in chosen_methods(None) if row.important] == [
        "dense",
        "token_cls",
        "token_static",
        "example_online",
        "example_random",
        "pss_baseline",
        *(f"pss_{o}_{s}" for s in ("fixed", "linear", "cyclic") for o in ("random", "l1")),
    ]
    important = [row.important for row in chosen_methods(None)]
    assert important == sorted(important, reverse=True)


def test_claims_are_about_methods_of_the_table() -> None:
    rows = method_rows()
    for claim in summary.CLAIMS:
        for name in (claim.better, *claim.worse):
            assert name in rows and (rows[name].sweep or not claim.over_sweep), claim


def test_a_method_registered_elsewhere_joins_the_study(tmp_path: Path) -> None:
    class MadeUp(Static):
        rows: ClassVar = (
            MethodRow(
                name="token_made_up",
                level="token",
                text="made up",
                settings={"model": {"token_keep_ratio": 0.5, "token_score": "made_up"}},
            ),
        )

    TOKEN_SCORES.register("made_up")(MadeUp)
    try:
        (run,) = plan(TINY, chosen_methods(["token_made_up"]), tmp_path)
        assert run.config.model.token_score == "made_up"
        assert summary.summarise([result("token_made_up", 0, 50.0)])["rows"][0]["text"] == "made up"
    finally:
        TOKEN_SCORES.remove("made_up")


def test_spread_and_paired_verdicts() -> None:
    results = [
        *(result("example_online", s, v) for s, v in enumerate((80.0, 81.0, 82.0))),
        *(result("example_random", s, v) for s, v in enumerate((79.0, 79.9, 81.1))),
        # Better on average, but not from seed to seed.
        *(result("token_cls", s, v) for s, v in enumerate((70.0, 74.0, 75.0))),
        *(result("token_static", s, v) for s, v in enumerate((73.0, 70.0, 74.0))),
        *(result("dense", s, v) for s, v in enumerate((81.0, 82.0, 83.0))),
    ]
    found = summary.summarise(results)
    rows = {row["method"]: row for row in found["rows"]}
    assert rows["example_online"]["top1"] == {"mean": 81.0, "std": 1.0, "n": 3}
    assert rows["example_online"]["to_dense"] == {"mean": -1.0, "std": 0.0, "n": 3}
    assert rows["dense"]["to_dense"] is None
    claims = {claim["claim"]: claim for claim in found["claims"]}
    online = claims["online over random filtering at 0.8"]
    assert online["difference"]["mean"] == pytest.approx(1.0)
    assert online["interval95"] == pytest.approx(4.303 * 0.1 / 3**0.5)
    assert online["verdict"] == "holds"
    assert claims["[CLS] score over static tokens at 0.7"]["verdict"] == "not decided"
    assert "L1 over random order, cyclic" not in claims


def test_sweep_claims_compare_the_mean_over_the_ratios_with_the_best_rival() -> None:
    results = []
    for seed in (0, 1):
        results += [
            result("pss_l1_cyclic", seed, 90.0, (90.0, 60.0 + seed)),
            result("pss_l1_linear", seed, 95.0, (95.0, 65.0 + seed)),
            result("pss_l1_fixed", seed, 99.0, (99.0, 0.0)),
        ]
    claims = {c["claim"]: c for c in summary.summarise(results)["claims"]}
    claim = claims["cyclic best over the sweep, L1"]
    assert claim["worse"] == "pss_l1_linear"
    assert claim["difference"] == {"mean": -5.0, "std": 0.0, "n": 2}
    assert claim["verdict"] == "does not hold"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--profile", "tpu"], "unknown profile 'tpu'"),
        (["--method", "magic"], "unknown method 'magic'"),
        (["--dataset", "mnist"], "no data set 'mnist'"),
        (["--set", "training.epoch=3"], "unknown setting 'training.epoch'"),
        (["--minutes", "0"], "holds no finished run"),
    ],
)
def test_bad_requests_are_one_line(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["study", "accuracy", "--out", str(tmp_path / "new"), *arguments]) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1
    assert not (tmp_path / "new").exists()


def test_a_damaged_result_is_named(tmp_path: Path) -> None:
    runs = plan(TINY, chosen_methods(["dense"]), tmp_path)
    runs[0].folder.mkdir(parents=True)
    (runs[0].folder / "result.json").write_text("{")
    with pytest.raises(ToolsError, match=r"result\.json is no result of a study: delete it"):
        finished(runs)
