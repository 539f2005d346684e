"""What a training run needs to go on to the bit: masters, momenta, exponents, steps done."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from trivit.host.errors import HostError
from trivit.host.training.session import TrainingSession


def to_bytes(session: TrainingSession, identity: dict[str, Any]) -> bytes:
    """Return a session's state as a file; ``identity`` is what a resumed run must share."""
    state = session.state
    described = {
        "identity": identity,
        "steps": session.steps,
        "gradient_norm": session.gradient_norm.hex(),
        "formats": state.formats,
    }
    arrays: dict[str, Any] = {
        "described": np.frombuffer(json.dumps(described).encode(), np.uint8),
        "state": state.memory[: state.arena.state_elements],
        **session.exponents.state(),
    }
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def restore(path: Path, session: TrainingSession, identity: dict[str, Any]) -> None:
    """Bring a new session to where the checkpoint at ``path`` was written.

    Raises:
        HostError: a file that cannot be read or is damaged, or one of another run; the message
            names what differs.
    """
    try:
        with np.load(io.BytesIO(path.read_bytes())) as members:
            arrays = {name: members[name] for name in members.files}
        described = json.loads(arrays["described"].tobytes())
    except OSError as error:
        raise HostError(f"cannot read the checkpoint {path}: {error.strerror}") from error
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise HostError(
            f"the checkpoint {path} is damaged: start again without --resume"
        ) from error
    for name, value in identity.items():
        before = described["identity"].get(name)
        if before != value:
            raise HostError(
                f"the checkpoint {path} is of a run with {name} {before!r}, not {value!r}: give "
                "the same, or another --out"
            )
    session.state.memory[: session.state.arena.state_elements] = arrays["state"]
    session.exponents.restore(arrays)
    session.resume(
        described["formats"], described["steps"], float.fromhex(described["gradient_norm"])
    )
