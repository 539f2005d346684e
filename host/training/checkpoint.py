"""What a training run needs to go on to the bit: masters, momenta, exponents, steps done."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from trivit.host.errors import HostError

if TYPE_CHECKING:
    from trivit.host.training.session import TrainingSession

#: Begins the names of arrays that the loop keeps beside the session's own.
_MORE = "more."


def to_bytes(
    session: TrainingSession,
    identity: dict[str, Any],
    more: Mapping[str, NDArray[Any]] | None = None,
) -> bytes:
    """Return a session's state as a file.

    Args:
        session: at the end of a step.
        identity: what a resumed run must share, as JSON values.
        more: arrays that a resumed run needs besides.
    """
    state = session.state
    described = {
        "identity": identity,
        "program": session.program.name,
        "steps": session.steps,
        "gradient_norm": session.gradient_norm.hex(),
        "formats": state.formats,
    }
    arrays: dict[str, Any] = {
        "described": np.frombuffer(json.dumps(described).encode(), np.uint8),
        "state": state.memory[: state.arena.state_elements],
        **session.exponents.state(),
        **{f"{_MORE}{name}": array for name, array in (more or {}).items()},
    }
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def restore(
    path: Path, session: TrainingSession, identity: dict[str, Any]
) -> dict[str, NDArray[Any]]:
    """Bring a new session to where the checkpoint at ``path`` was written; return its ``more``.

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
    for name in [*identity, *described["identity"]]:
        before, value = described["identity"].get(name), identity.get(name)
        if before != value:
            raise HostError(
                f"the checkpoint {path} is of a run with {name} {before!r}, not {value!r}: give "
                "the same, or another --out"
            )
    session.state.memory[: session.state.arena.state_elements] = arrays["state"]
    session.resume(
        described["program"],
        described["formats"],
        described["steps"],
        float.fromhex(described["gradient_norm"]),
    )
    session.exponents.restore(arrays)
    return {n.removeprefix(_MORE): array for n, array in arrays.items() if n.startswith(_MORE)}
