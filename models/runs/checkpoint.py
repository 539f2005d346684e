"""Checkpoints: safetensors files named, with their checksums, by one JSON file.

A checkpoint is replaced as a whole: tensors go to new files first, then ``state.json`` is renamed
into place, and only then are the files of the checkpoint before deleted. Whatever happens between,
``state.json`` names a complete set.
"""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors.torch import load, save
from torch import Tensor

from trivit.models.errors import ModelsError
from trivit.models.files import atomic_write

FORMAT = 1
_STATE = "state.json"
_PARTS = ("model", "average", "training")


@dataclass(frozen=True)
class Checkpoint:
    """What was saved.

    Attributes:
        state: JSON values, among them ``epoch``, the epochs completed.
        model: the model's tensors under timm's names.
        training: optimizer, example level and other tensors that only a resumed run needs.
        average: moving averages of the model's tensors; empty without them.
    """

    state: dict[str, Any]
    model: dict[str, Tensor]
    training: dict[str, Tensor]
    average: dict[str, Tensor] = field(default_factory=dict)


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Replace the checkpoint in ``folder``.

    Raises:
        OSError: the folder cannot be written or the disk is full; the old checkpoint still holds.
    """
    before = set(folder.glob("*.safetensors"))
    # Half-written files of a process that was killed: no other process writes here.
    abandoned = {
        path
        for name in (*(f"{part}-" for part in _PARTS), _STATE)
        for path in folder.glob(f".{name}*")
    }
    written: set[Path] = set()
    files: dict[str, dict[str, str]] = {}
    try:
        for part in _PARTS:
            tensors = getattr(checkpoint, part)
            if part == "average" and not tensors:
                continue
            data = save({k: v.detach().cpu().contiguous() for k, v in tensors.items()})
            digest = _sha256(data)
            # Named by content: a file that the current state.json names is never overwritten.
            path = folder / f"{part}-{digest[:16]}.safetensors"
            written.add(path)
            files[part] = {"name": path.name, "sha256": digest}
            with atomic_write(path) as temporary:
                temporary.write_bytes(data)
        state = {"format": FORMAT, **checkpoint.state, "files": files}
        with atomic_write(folder / _STATE) as temporary:
            temporary.write_text(json.dumps(state, indent=2) + "\n")
    except BaseException:
        for path in written - before:
            path.unlink(missing_ok=True)
        raise
    for path in (before - written) | abandoned:
        path.unlink(missing_ok=True)


def has_checkpoint(folder: Path) -> bool:
    """Return whether ``folder`` holds a checkpoint."""
    return (folder / _STATE).is_file()


def load_checkpoint(folder: Path, *, training: bool = True) -> Checkpoint:
    """Read the checkpoint in ``folder``; ``training=False`` leaves out what only resuming needs.

    A training that is under way may replace it meanwhile: then the newer one is read.

    Raises:
        ModelsError: missing, damaged, or of another format.
    """
    while True:
        state = read_state(folder)
        try:
            return _load(folder, state, training)
        except ModelsError:
            if read_state(folder)["files"] == state["files"]:
                raise


def read_state(folder: Path) -> dict[str, Any]:
    """Return the JSON values of the checkpoint in ``folder``, among them ``epoch``.

    Raises:
        ModelsError: missing, damaged, or of another format.
    """
    path = folder / _STATE
    try:
        state = json.loads(path.read_text())
    except FileNotFoundError:
        raise ModelsError(f"{folder} holds no checkpoint: run 'trivit train' first") from None
    except (OSError, ValueError) as error:
        raise ModelsError(f"cannot read {path} ({error}): train again") from None
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise ModelsError(f"{path} is not a checkpoint of format {FORMAT}: train again")
    if not isinstance(state.get("files"), dict):
        raise ModelsError(f"{path} does not name its files: train again")
    return state


def _load(folder: Path, state: dict[str, Any], training: bool) -> Checkpoint:
    files = state["files"]
    try:
        model = _load_tensors(folder, files["model"])
        average = _load_tensors(folder, files["average"]) if "average" in files else {}
        rest = _load_tensors(folder, files["training"]) if training else {}
    except (KeyError, TypeError):
        message = f"{folder / _STATE} does not name its files: train again"
        raise ModelsError(message) from None
    return Checkpoint(state, model, rest, average)


def _load_tensors(folder: Path, entry: dict[str, str]) -> dict[str, Tensor]:
    path = folder / entry["name"]
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelsError(f"cannot read checkpoint file {path} ({error}): train again") from None
    if _sha256(data) != entry["sha256"]:
        raise ModelsError(f"checkpoint file {path} does not match its checksum: train again")
    return load(data)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
