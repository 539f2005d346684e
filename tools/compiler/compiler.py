"""The compiler's entry points: exported files or a run folder to a program bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trivit.host.bundle import Bundle
from trivit.models.files import atomic_write
from trivit.tools.compiler.exports import exported_models
from trivit.tools.compiler.graph import load_graph
from trivit.tools.compiler.kept_tokens import with_kept_tokens
from trivit.tools.compiler.program import Source, assemble
from trivit.tools.compiler.recogniser import recognise
from trivit.tools.compiler.sharing import check_shared
from trivit.tools.errors import ToolsError
from trivit.tools.schedule import with_commands

PROGRAM_FILE = "program.trivit"


def compile_model(qonnx: Path | str, name: str = "model") -> Bundle:
    """Compile one exported QONNX file into a bundle of one program.

    Raises:
        ToolsError: the file is unreadable or foreign, or the kernel cannot execute it; one line.
    """
    return compile_models({name: Path(qonnx)})


def compile_models(files: Mapping[str, Path]) -> Bundle:
    """Compile exports of one model at several keep ratios, by program name; they share parameters.

    Each program comes with its commands for the accelerator; one that the accelerator cannot run
    comes with the reason (the emulator runs all).

    The first file's program is the one that runs unless the host chooses another.

    Raises:
        ToolsError: as for compile_model; also when the files differ in more than their selection.
    """
    sources = []
    for name, path in files.items():
        graph = load_graph(path)
        try:
            sources.append(Source(name, recognise(graph), graph.metadata))
        except ToolsError as error:
            raise ToolsError(f"{path}: {error}") from error
    first = next(iter(files.values()))
    try:
        check_shared(sources)
        return with_commands(assemble(sources))
    except ToolsError as error:
        raise ToolsError(f"{first if len(files) == 1 else first.parent}: {error}") from error


def compile_run(
    run: Path | str, keep: Sequence[float] = (), *, kept_tokens: bool = False
) -> dict[str, Any]:
    """Compile the exports of a run folder into the bundle ``program.trivit``.

    Args:
        run: folder that `trivit quantize` wrote to.
        keep: token keep ratios of the programs wanted; all that were exported by default.
        kept_tokens: let programs bring back which tokens their selectors keep.

    Returns:
        Path, bytes and parameter words of the bundle; size and work of each of its ``programs``.

    Raises:
        ToolsError: an export is missing or cannot be compiled; no bundle is written then.
        OSError: the bundle cannot be written.
    """
    folder = Path(run)
    if not folder.is_dir():
        raise ToolsError(f"{folder} is no run folder: give the folder that `trivit train` wrote")
    bundle = compile_models(exported_models(folder, keep))
    if kept_tokens:
        bundle = with_kept_tokens(bundle)
    data, target = bundle.to_bytes(), folder / PROGRAM_FILE
    summary = {
        "path": str(target),
        "bytes": len(data),
        "parameter_words": bundle.params.size // 8,
        "programs": {p.name: _summarise(bundle.choose(p.name)) for p in bundle.programs},
    }
    with atomic_write(target) as temporary:
        temporary.write_bytes(data)
    return summary


def _summarise(bundle: Bundle) -> dict[str, Any]:
    info, commands = bundle.first.info, bundle.first.schedule
    return {
        "token_keep_ratio": bundle.first.token_keep_ratio,
        "attention_keep_ratio": bundle.first.attention_keep_ratio,
        "instructions": len(bundle.program),
        "commands": 0 if commands is None else len(commands.commands),
        "macs": info["macs"],
        "open_macs": info["open_macs"],
    }
