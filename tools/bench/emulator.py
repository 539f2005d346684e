"""The emulator's speed beside PyTorch's in float32, on one core, turn by turn in one process."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any

import numpy as np

from trivit.host.backends.emulator import EmulatorBackend
from trivit.host.images import preprocess
from trivit.models.families import build_model, model_config
from trivit.models.model_config import ModelConfig
from trivit.tools.compiler.named import untrained_program
from trivit.tools.report.machine import describe_machine, library_versions

_SEED = 0
#: Environment variables that keep PyTorch's libraries to a narrower set of instructions.
_LIMITS = ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "MKL_ENABLE_INSTRUCTIONS")


def bench_emulator(
    model: str,
    *,
    token_keep: float = 1.0,
    attention_keep: float = 1.0,
    repeats: int = 7,
    march: str | None = None,
) -> dict[str, Any]:
    """Time one image of an untrained ``model`` on the emulator and in PyTorch float32.

    Both run pinned to one core, alternately, after a warm-up; the medians of ``repeats`` turns
    are compared, in processor time, so that other programs on the machine count little. PyTorch
    runs the same sparse model, its attention fused where nothing selects. ``march`` is the
    processor that the emulator is compiled for (``build_library``); PyTorch is kept to its
    instructions by the environment alone, which the result repeats.

    Raises:
        ModelsError: an unknown model or a keep ratio outside (0, 1].
        HostError: the emulator cannot be built, or this machine cannot run it.
    """
    import torch

    config = model_config(model, token_keep_ratio=token_keep, attention_keep_ratio=attention_keep)
    busy = os.getloadavg()[0]
    emulator = EmulatorBackend(march)
    with _one_core():
        emulated, floating = _alternate(emulator, config, model, repeats)
    seconds = {"emulator": statistics.median(emulated), "pytorch": statistics.median(floating)}
    return {
        "model": model,
        "token_keep": token_keep,
        "attention_keep": attention_keep,
        "emulator": emulator.form,
        "pytorch": torch.backends.cpu.get_cpu_capability(),
        "pytorch_limits": {name: os.environ[name] for name in _LIMITS if name in os.environ},
        "emulator_ms": 1e3 * seconds["emulator"],
        "pytorch_float32_ms": 1e3 * seconds["pytorch"],
        "ratio": seconds["emulator"] / seconds["pytorch"],
        "emulator_ms_all": [round(1e3 * s, 2) for s in emulated],
        "pytorch_float32_ms_all": [round(1e3 * s, 2) for s in floating],
        "cores_used": 1,
        "load_average_before": round(busy, 2),
        "when": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "machine": describe_machine(),
        "versions": library_versions(),
    }


def _alternate(
    emulator: EmulatorBackend, config: ModelConfig, name: str, repeats: int
) -> tuple[list[float], list[float]]:
    """Return the processor seconds of each turn of the emulator and of PyTorch."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(_SEED)
    network = build_model(config).eval()
    bundle = untrained_program(config, name, seed=_SEED)
    side = config.image_size
    pixels = np.random.default_rng(_SEED).integers(
        0, 256, (1, config.in_channels, side, side), dtype=np.uint8
    )
    inputs = preprocess(bundle, pixels)
    images = torch.from_numpy(pixels).float().div_(255).sub_(0.5).div_(0.5)
    emulated: list[float] = []
    floating: list[float] = []
    with torch.inference_mode():
        for turn in range(repeats + 1):
            start = time.process_time()
            emulator.run_batch(bundle, inputs)
            between = time.process_time()
            network(images)
            end = time.process_time()
            if turn:  # the first turn warms caches and allocators up
                emulated.append(between - start)
                floating.append(end - between)
    return emulated, floating


@contextmanager
def _one_core() -> Iterator[None]:
    """Keep the process, and threads that it starts, on one core."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
