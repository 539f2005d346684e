"""Carrying out the runs of a study; killed at any moment, the same call goes on where it was.

A run is a folder. Its ``result.json`` appears when it is trained and tested; until then its
checkpoint says where it is. A process that works in a folder holds its lock, so that several share
one list.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from trivit.host.training.bundle import TrainingBundle
from trivit.models.file_lock import BusyError, run_lock
from trivit.models.files import atomic_write
from trivit.models.quantization import FOLDER
from trivit.models.settings import to_mapping
from trivit.tools.compiler.exports import exported_models
from trivit.tools.errors import ToolsError
from trivit.tools.report.machine import describe_machine, library_versions
from trivit.tools.study.on_device.plan import Run
from trivit.tools.study.on_device.twin import FloatTwin
from trivit.tools.training.builder import MasterBits
from trivit.tools.training.compile import TRAINING_FILE, training_bundle
from trivit.tools.training.learner import Learner
from trivit.tools.training.loop import CHECKPOINT, METRICS, open_session, train_with
from trivit.tools.training.settings import LoopSettings
from trivit.tools.training.untrained import untrained_start

RESULT = "result.json"
#: Block, from the end, whose [CLS] attention orders examples: the compiler's default.
_SHOWN_BLOCK = -1


def carry_out(runs: Sequence[Run], seconds: float | None = None) -> Iterator[Run]:
    """Train and test the runs that have no result yet, one by one; yield each when it has one.

    Runs that another process works on are left to it. With ``seconds`` no run starts after so long.

    Raises:
        ToolsError: a folder holds a run of other settings, or a run diverges.
        ModelsError, HostError: see :func:`~trivit.tools.training.loop.train`.
        OSError: a folder cannot be written.
    """
    begun = time.monotonic()
    for run in runs:
        if read_result(run) is None:
            if seconds is not None and time.monotonic() - begun >= seconds:
                return
            try:
                with run_lock(run.folder):
                    if read_result(run) is None:
                        _carry_out(run)
            except BusyError:
                continue
        yield run


def read_result(run: Run) -> dict[str, Any] | None:
    """Return the result of a finished run, or ``None``.

    Raises:
        ToolsError: the folder holds a result of other settings, or an unreadable one.
    """
    path = run.folder / RESULT
    try:
        result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        settings = result["settings"]
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        raise ToolsError(f"{path} is no result of a study: delete it") from None
    if _with_defaults(settings) != _settings(run):
        raise ToolsError(
            f"{run.folder} was trained with other settings: name another folder with --out"
        )
    return result


def _settings(run: Run) -> dict[str, Any]:
    """Return what makes the run this run and no other, as JSON values."""
    row, config = run.row, run.study.config
    found = {
        "model": to_mapping(run.study.model(row)),
        "data": config.data,
        "token_keep_ratio": row.token_keep_ratio,
        "warmup_ratios": row.warmup_ratios,
        "masters": row.masters if run.number == "device" else 32,
        "training": asdict(run.settings),
    }
    values: dict[str, Any] = json.loads(json.dumps(found))
    return values


def _with_defaults(settings: dict[str, Any]) -> dict[str, Any]:
    """Give a result's settings the defaults of those that are newer than it."""
    defaults = json.loads(json.dumps(asdict(LoopSettings())))
    training = {**defaults, **settings["training"]}
    return {"warmup_ratios": [], **settings, "training": training}


def _carry_out(run: Run) -> None:
    study, row, settings, out = run.study, run.row, run.settings, run.folder
    path = out / TRAINING_FILE
    if not path.is_file():
        exports = exported_models(_started(run), row.keep_ratios)
        masters: MasterBits = 16 if row.masters == 16 else 32
        shown = None if settings.examples is None else _SHOWN_BLOCK
        bundle = training_bundle(exports, masters, variance_block=shown)
        with atomic_write(path) as temporary:
            temporary.write_bytes(bundle.to_bytes())
    bundle = TrainingBundle.load(path)
    learner: Learner
    if run.number == "device":
        learner = open_session(bundle, settings)
    else:
        learner = FloatTwin(
            study.model(row),
            bundle,
            momentum=settings.momentum,
            weight_decay=settings.weight_decay,
            shown_block=len(study.model(row).blocks) + _SHOWN_BLOCK,
        )
    begun = time.perf_counter()
    resume = (out / CHECKPOINT).is_file()
    figures = train_with(learner, bundle, study.config.data, out, settings, resume=resume)
    result = {
        "row": run.name,
        "number": run.number,
        "seed": run.seed,
        **figures,
        "seconds_since_resume": round(time.perf_counter() - begun, 1),
        "settings": _settings(run),
        "metrics": [json.loads(line) for line in (out / METRICS).read_text().splitlines()],
        "machine": describe_machine(),
        "versions": library_versions(),
    }
    with atomic_write(out / RESULT) as temporary:
        temporary.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def _started(run: Run) -> Path:
    """Return the folder of the run's untrained model, quantized; another process may make it."""
    study, row, seed = run.study, run.row, run.seed
    start = study.start(row, seed)
    while not (start / FOLDER).is_dir():
        try:
            with run_lock(start):
                if not (start / FOLDER).is_dir():
                    untrained_start(study.untrained(row, seed), start, study.exported(row))
        except BusyError:
            time.sleep(1.0)
    return start
