"""The compiler's entry points: a file or a run folder to program bundles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trivit.host.bundle import Bundle
from trivit.models.files import atomic_write
from trivit.tools.compiler.graph import load_graph
from trivit.tools.compiler.program import assemble
from trivit.tools.compiler.recogniser import recognise
from trivit.tools.errors import ToolsError
from trivit.tools.estimate import estimate_bundle

# Exported model and program of a run folder, sparse first.
_FILES = {
    "sparse": ("quantized/model.qonnx", "program.trivit"),
    "dense": ("quantized/model_dense.qonnx", "program_dense.trivit"),
}


def compile_model(qonnx: Path | str) -> Bundle:
    """Compile one exported QONNX file.

    Raises:
        ToolsError: the file is unreadable or foreign, or the kernel cannot execute it; one line.
    """
    path = Path(qonnx)
    graph = load_graph(path)
    try:
        return assemble(recognise(graph), graph.metadata)
    except ToolsError as error:
        raise ToolsError(f"{path}: {error}") from error


def compile_run(run: Path | str) -> dict[str, Any]:
    """Compile the exports of a run folder and write ``program.trivit`` (and the dense one).

    Returns the size and work of each program, by "sparse" and "dense".

    Raises:
        ToolsError: there is no export or it cannot be compiled; no program is written then.
        OSError: a program cannot be written.
    """
    folder = Path(run)
    if not folder.is_dir():
        raise ToolsError(f"{folder} is no run folder: give the folder that `trivit train` wrote")
    compiled = {
        kind: (folder / target, compile_model(folder / source))
        for kind, (source, target) in _FILES.items()
        if kind == "sparse" or (folder / source).exists()
    }
    summary: dict[str, Any] = {}
    for kind, (target, bundle) in compiled.items():
        data, estimate = bundle.to_bytes(), estimate_bundle(bundle)
        with atomic_write(target) as temporary:
            temporary.write_bytes(data)
        summary[kind] = {
            "path": str(target),
            "bytes": len(data),
            "instructions": len(bundle.program),
            "parameter_words": bundle.params.size // 8,
            "macs": estimate.macs,
            "open_macs": estimate.open_macs,
            "modelled_cycles": estimate.cycles,
            "modelled_latency_ms": estimate.latency_ms,
        }
    return summary
