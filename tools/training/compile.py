"""From exported models to the file of training programs over one state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from trivit.host.errors import HostError
from trivit.host.training.arena import Arena
from trivit.host.training.bundle import TrainingBundle
from trivit.host.training.program import TrainingProgram
from trivit.host.training.update_sets import UpdateSet, update_set
from trivit.models.files import atomic_write
from trivit.tools.compiler.exports import exported_models
from trivit.tools.compiler.graph import load_graph
from trivit.tools.compiler.ir import PatchEmbed
from trivit.tools.compiler.program import Source, preprocessing
from trivit.tools.compiler.recogniser import recognise
from trivit.tools.errors import ToolsError
from trivit.tools.training.builder import MasterBits, Optimizer
from trivit.tools.training.cost import step_cost
from trivit.tools.training.derive import derive
from trivit.tools.training.schedule.footprint import footprint

TRAINING_FILE = "training.trivit"


def training_file(update: UpdateSet) -> str:
    """Return the name of the file of a set of updated parameters."""
    return TRAINING_FILE if update == "all" else f"training-{update}.trivit"


def training_bundle(
    qonnx: Path | str | Mapping[str, Path],
    masters: MasterBits = 32,
    optimizer: Optimizer = "sgd",
    variance_block: int | None = None,
) -> TrainingBundle:
    """Return the training programs of exported QONNX files.

    Args:
        qonnx: a file, or several of one quantized model by the names of their programs, the
            default first.
        masters: bits of a parameter's master.
        optimizer: whose updates.
        variance_block: whose [CLS] attention a step tells of (-1: the last block's).

    Raises:
        ToolsError: an unreadable file, a model that training does not have, no such block, or
            models of different weights; one line.
    """
    files = qonnx if isinstance(qonnx, Mapping) else {"train": Path(qonnx)}
    bundles = [
        _bundle(name, path, masters, optimizer, variance_block) for name, path in files.items()
    ]
    first = bundles[0]
    for path, other in zip(files.values(), bundles, strict=True):
        for name, value in first.masters.items():
            if not np.array_equal(value, other.masters.get(name, ())):
                raise ToolsError(
                    f"'{name}' of {path} is not that of {next(iter(files.values()))}: export both "
                    "from one `trivit quantize RUN --keep`"
                )
    try:
        return replace(first, programs=tuple(bundle.program for bundle in bundles))
    except HostError as error:
        raise ToolsError(str(error)) from error


def _bundle(
    name: str,
    qonnx: Path,
    masters: MasterBits,
    optimizer: Optimizer,
    variance_block: int | None,
) -> TrainingBundle:
    graph = load_graph(qonnx)
    try:
        source = Source(name, recognise(graph), graph.metadata)
        return bundle_of_source(source, masters, optimizer, variance_block)
    except ToolsError as error:
        raise ToolsError(f"{qonnx}: {error}") from error


def bundle_of_source(
    source: Source,
    masters: MasterBits = 32,
    optimizer: Optimizer = "sgd",
    variance_block: int | None = None,
) -> TrainingBundle:
    """Return the training program of a recognised model (before fusion); arguments as above.

    Raises:
        ToolsError: training does not have the model, or no such block.
    """
    metadata, first = source.metadata, source.model.operations[0]
    assert isinstance(first, PatchEmbed)
    derived = derive(
        source.model,
        name=source.name,
        masters=masters,
        token_keep_ratio=float(metadata.details.get("token_keep_ratio", 1.0)),
        attention_keep_ratio=float(metadata.details.get("attention_keep_ratio", 1.0)),
        optimizer=optimizer,
        variance_block=variance_block,
    )
    return TrainingBundle(
        programs=(derived.program,),
        masters=derived.masters,
        preprocessing=preprocessing(metadata, first.image_frac),
        class_names=metadata.class_names,
        model=metadata.model,
    )


def compile_training(
    run: Path | str,
    keep: Sequence[float] = (),
    masters: MasterBits = 32,
    optimizer: Optimizer = "sgd",
    variance_block: int | None = -1,
    update: UpdateSet = "all",
) -> dict[str, Any]:
    """Write the training programs of a quantized run, ``training.trivit``.

    One that does not update all parameters is ``training-SET.trivit``.

    Args:
        run: folder that `trivit quantize` wrote to.
        keep: token keep ratios, a program each, the first one is the default; by default one
            program, as trained.
        masters: bits of a parameter's master.
        optimizer: whose updates.
        variance_block: whose [CLS] attention a step tells of, to order examples by (-1: the last
            block's); ``None``: of none.
        update: which parameters a step updates.

    Returns:
        Path, keep ratios, and of the default program numbers of ops and bytes of the tensors in
        DDR by what they are, and what a step on the accelerator takes there.

    Raises:
        ToolsError: an export is missing, or training does not have the model.
        OSError: the bundle cannot be written.
    """
    exports = exported_models(Path(run), keep)
    if not keep:
        exports = dict(list(exports.items())[:1])
    bundle = update_set(training_bundle(exports, masters, optimizer, variance_block), update)
    target = Path(run) / training_file(update)
    with atomic_write(target) as temporary:
        temporary.write_bytes(bundle.to_bytes())
    arena = Arena(bundle.program)
    return {
        "path": str(target),
        "from": ", ".join(exports),
        "token_keep_ratio": ", ".join(f"{p.token_keep_ratio:g}" for p in bundle.programs),
        "parameters": sum(t.rows * t.columns for t in bundle.program.parameters),
        "updates": update,
        "parameters_updated": step_cost(bundle.program).trained,
        "master_bits": masters,
        "optimizer": optimizer,
        "operations": len(bundle.program.operations),
        "ddr_bytes": arena.elements * 2,
        **{f"ddr_bytes_{role}": size for role, size in arena.sections.items()},
        "accelerator_ddr": _accelerator_memory(bundle.program),
    }


def _accelerator_memory(program: TrainingProgram) -> str:
    """Return the memory map of the accelerator's schedule, or why there is none."""
    try:
        return str(footprint(program))
    except ToolsError as error:
        return str(error)
