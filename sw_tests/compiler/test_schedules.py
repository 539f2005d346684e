"""Compiled models, scheduled for the accelerator: every tensor is that of the reference."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trivit.host.backends import open_backend
from trivit.host.images import preprocess
from trivit.host.oracle.commands import interpret
from trivit.host.tracing import with_trace
from trivit.tools.compiler import compile_model
from trivit.tools.schedule import schedule

VARIANTS: dict[str, dict[str, Any]] = {
    "dense": {"sparse": False},
    "tokens dropped in two blocks": {
        "depth": 3,
        "selector_blocks": (0, 1),
        "attention_keep_ratio": 1.0,
        "seed": 6,
    },
}


@pytest.mark.parametrize("name", VARIANTS)
def test_a_schedule_computes_every_tensor(
    name: str, exported: Callable[..., Any], tmp_path: Path
) -> None:
    model = exported(**VARIANTS[name])
    bundle = compile_model(model.save(tmp_path))
    scheduled = schedule(bundle)
    pixels = model.pixels[:2]
    reference = open_backend("reference").run(with_trace(bundle), pixels)
    for image, region in enumerate(preprocess(bundle, pixels)):
        outcome = interpret(scheduled, bundle, region)
        for watched in scheduled.watched:
            expected = reference.tensors[watched.name][image]
            expected = expected[watched.first_row :][: watched.rows]
            got = outcome.tensors[watched.name][:, : watched.columns]
            assert np.array_equal(got, expected), watched.name
        logits = outcome.output[: reference.logits.shape[1]]
        assert np.array_equal(logits, reference.logits[image])
    assert {w.name for w in scheduled.watched} == {t.name for t in bundle.tensors}
