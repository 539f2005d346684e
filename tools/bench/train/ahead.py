"""Shapes compiled in processes of their own, into a cache folder that this process then reads.

A graph takes one core up to a minute. The compiler finds in the folder what another process has
compiled for the same graph, device and versions (``TORCHINDUCTOR_CACHE_DIR``; the kernels of Triton
lie in it too).
"""

import gc
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
import torch._dynamo
from torch._dynamo.utils import counters

from trivit import models
from trivit.models.training.device import choose_device
from trivit.tools.bench.train.presets import Preset
from trivit.tools.bench.train.processes import Processes, environment
from trivit.tools.bench.train.rows import chosen_rows, rows, waves
from trivit.tools.bench.train.shapes import Shape, experiment, shapes
from trivit.tools.bench.train.steps import StepMaker, has_timm, make_batch
from trivit.tools.errors import ToolsError

_INDUCTOR = "TORCHINDUCTOR_CACHE_DIR"
_TRITON = "TRITON_CACHE_DIR"
_COMPILE_THREADS = "TORCHINDUCTOR_COMPILE_THREADS"

_GIB = 1 << 30
# What CUDA and its libraries take in each process, and what a block keeps for the backward pass:
# about twenty values of two bytes for each token and channel.
_CONTEXT_BYTES = 3 * _GIB // 2
_KEPT_BYTES = 40
# Weights, their gradients and AdamW's two averages.
_WEIGHT_BYTES = 16


def default_cache() -> Path:
    """Return the folder that the environment names, or ``~/.cache/trivit/compiled``."""
    if named := os.environ.get(_INDUCTOR):
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "trivit" / "compiled"


@contextmanager
def compile_cache(folder: Path) -> Iterator[None]:
    """Let compilers in the body read and write ``folder``.

    Raises:
        OSError: it cannot be made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with environment(**cache_variables(folder)):
        yield


def cache_variables(folder: Path) -> dict[str, str]:
    """Return the environment in which a compiler reads and writes ``folder``."""
    return {_INDUCTOR: str(folder.resolve()), _TRITON: str(folder.resolve() / "triton")}


def cache_counts() -> dict[str, int]:
    """Return how many graphs this process has found in the cache so far, and how many not."""
    inductor, autograd = counters["inductor"], counters["aot_autograd"]
    return {
        "found": inductor["fxgraph_cache_hit"] + autograd["autograd_cache_hit"],
        "missed": inductor["fxgraph_cache_miss"] + autograd["autograd_cache_miss"],
    }


def fitting_processes(preset: Preset, device: torch.device) -> int:
    """Return how many processes may compile at once: one a core, and on CUDA what memory holds.

    Each runs a step of the preset's batch on the device; its memory is estimated.
    """
    cores = len(os.sched_getaffinity(0))
    if device.type != "cuda":
        return cores
    free, _ = torch.cuda.mem_get_info(device)
    # This process needs twice a step's memory: for the kernels that it launches, and for graphs.
    return max(1, min(cores, free // step_bytes(preset) - 2))


def step_bytes(preset: Preset) -> int:
    """Return about what a process needs on a GPU for a dense step of the preset."""
    config = experiment(preset, Shape(name="dense"))
    vit = config.model
    tokens = config.training.batch_size * (vit.num_patches + vit.prefix_tokens)
    width, depth = vit.embedding.width, len(vit.blocks)
    weights = depth * 12 * width**2 * _WEIGHT_BYTES
    return _CONTEXT_BYTES + weights + depth * tokens * width * _KEPT_BYTES


def compile_shape(job: tuple[Preset, Shape]) -> None:
    """Run one step of a shape, so that its graphs are in the cache."""
    preset, shape = job
    if preset.threads is not None:  # what is compiled for a CPU holds for a number of threads
        torch.set_num_threads(preset.threads)
    batch = make_batch(preset)
    StepMaker(preset, batch, 1).make(shape).run()
    if batch.images.device.type == "cuda":
        torch.cuda.synchronize()
    del batch
    torch._dynamo.reset()
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


class CompiledShapes:
    """Which shapes a cache folder holds, by marks that processes leave when they have compiled."""

    def __init__(self, folder: Path, preset: Preset, device: torch.device) -> None:
        """Know the marks of ``preset`` on ``device``: of this code and these versions alone."""
        self._folder = folder / "shapes"
        self._preset = preset
        name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
        self._common = repr((preset.settings, torch.__version__, name, _sources()))

    def lacking(self, wanted: Sequence[Shape]) -> list[Shape]:
        """Return those of ``wanted`` that are compiled, if at all, and have no mark."""
        return [s for s in wanted if not s.eager and not self._mark(s).is_file()]

    def compile(
        self, pool: Processes, wanted: Sequence[Shape], seconds: float | None
    ) -> dict[str, float | str]:
        """Compile what is lacking; return for each its seconds, or why it was not compiled."""
        jobs = self.lacking(wanted)
        outcome = pool.run([(self._preset, shape) for shape in jobs], seconds)
        self._folder.mkdir(parents=True, exist_ok=True)
        for shape, told in zip(jobs, outcome, strict=True):
            if not isinstance(told, str):
                self._mark(shape).touch()
        return {shape.name: told for shape, told in zip(jobs, outcome, strict=True)}

    def _mark(self, shape: Shape) -> Path:
        return self._folder / hashlib.sha256(f"{self._common}{shape!r}".encode()).hexdigest()


def _sources() -> str:
    """Return a fingerprint of the code that a graph may depend on."""
    digest = hashlib.sha256()
    for file in sorted(Path(models.__path__[0]).rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def compilers(count: int) -> Processes:
    """Return processes that compile shapes; together they start about one compiler for a core."""
    threads = max(1, len(os.sched_getaffinity(0)) // count)
    return Processes(compile_shape, count, {_COMPILE_THREADS: str(threads)})


def compile_ahead(
    preset: Preset,
    *,
    only: Sequence[str] = (),
    minutes: float | None = None,
    processes: int | None = None,
    cache: Path | None = None,
) -> dict[str, float | str]:
    """Compile what is lacking and time nothing; return for each shape its seconds, or why not.

    Arguments are those of ``bench_train``.

    Raises:
        ModelsError: the preset's device is not there.
        ToolsError: an unknown row, or a preset that compiles nothing.
    """
    if not preset.compile:
        raise ToolsError(f"preset '{preset.name}' compiles nothing: leave --compile-only out")
    found = shapes(preset, with_timm=has_timm())
    table = chosen_rows(rows(preset, found), only)
    wanted = [found[name] for group in waves(table, 1) for name in group]
    device = choose_device(experiment(preset, Shape(name="dense")).training.device)
    count = processes or fitting_processes(preset, device)
    folder = cache or default_cache()
    with compile_cache(folder), compilers(count) as pool:
        seconds = None if minutes is None else 60 * minutes
        return CompiledShapes(folder, preset, device).compile(pool, wanted, seconds)
