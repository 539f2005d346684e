"""From an exported model to the file of a training program."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trivit.host.training.arena import Arena
from trivit.host.training.bundle import TrainingBundle
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

TRAINING_FILE = "training.trivit"


def training_file(update: UpdateSet) -> str:
    """Return the name of the file of a set of updated parameters."""
    return TRAINING_FILE if update == "all" else f"training-{update}.trivit"


def training_bundle(
    qonnx: Path | str, masters: MasterBits = 32, optimizer: Optimizer = "sgd"
) -> TrainingBundle:
    """Return the training program of an exported QONNX file.

    Raises:
        ToolsError: an unreadable file, or a model that training does not have; one line.
    """
    graph = load_graph(Path(qonnx))
    try:
        source = Source("train", recognise(graph), graph.metadata)
        return bundle_of_source(source, masters, optimizer)
    except ToolsError as error:
        raise ToolsError(f"{qonnx}: {error}") from error


def bundle_of_source(
    source: Source, masters: MasterBits = 32, optimizer: Optimizer = "sgd"
) -> TrainingBundle:
    """Return the training program of a recognised model (before fusion).

    Raises:
        ToolsError: training does not have the model.
    """
    metadata, first = source.metadata, source.model.operations[0]
    assert isinstance(first, PatchEmbed)
    ratio = metadata.details.get("token_keep_ratio", 1.0)
    derived = derive(
        source.model, masters=masters, token_keep_ratio=float(ratio), optimizer=optimizer
    )
    return TrainingBundle(
        program=derived.program,
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
    update: UpdateSet = "all",
) -> dict[str, Any]:
    """Write the training program of a quantized run, ``training.trivit``.

    One that does not update all parameters is ``training-SET.trivit``.

    Args:
        run: folder that `trivit quantize` wrote to.
        keep: the token keep ratio wanted; as trained by default.
        masters: bits of a parameter's master.
        optimizer: whose updates.
        update: which parameters a step updates.

    Returns:
        Path, numbers of ops, and bytes of the tensors in DDR by what they are.

    Raises:
        ToolsError: an export is missing, or training does not have the model.
        OSError: the bundle cannot be written.
    """
    if len(keep) > 1:
        raise ToolsError("a training program has one keep ratio: name one with --keep")
    name, path = next(iter(exported_models(Path(run), keep).items()))
    bundle = update_set(training_bundle(path, masters, optimizer), update)
    target = Path(run) / training_file(update)
    with atomic_write(target) as temporary:
        temporary.write_bytes(bundle.to_bytes())
    arena = Arena(bundle.program)
    return {
        "path": str(target),
        "from": name,
        "token_keep_ratio": bundle.program.token_keep_ratio,
        "parameters": sum(t.rows * t.columns for t in bundle.program.parameters),
        "updates": update,
        "parameters_updated": step_cost(bundle.program).trained,
        "master_bits": masters,
        "optimizer": optimizer,
        "operations": len(bundle.program.operations),
        "ddr_bytes": arena.elements * 2,
        **{f"ddr_bytes_{role}": size for role, size in arena.sections.items()},
    }
