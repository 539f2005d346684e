"""The log of a job: one word of DDR for each report of the accelerator's units."""

import numpy as np
from numpy.typing import NDArray

from trivit.host.generated.commands import COMMANDS

#: A report as the accelerator logs it. ``cycle`` counts from the begin of the program; ``begun``
#: has the low 24 bits of the cycle of an engine product's first depth word, 0 for other units.
#: ``largest`` is the largest magnitude of what was written. Each third report of ``update`` has in
#: ``squares`` the sum of the gradient's squares instead of both.
LOG = np.dtype(
    [
        ("cycle", np.uint64),
        ("unit", np.uint8),
        ("tag", np.uint16),
        ("failed", np.bool_),
        ("saturated", np.uint32),
        ("largest", np.uint16),
        ("begun", np.uint32),
        ("squares", np.uint64),
    ]
)


def decode_log(words: bytes) -> NDArray[np.void]:
    """Return the reports (n,) of a log, ``LOG`` each."""
    raw = np.frombuffer(words, dtype="<u8").reshape(-1, 2)
    low, high = raw[:, 0], raw[:, 1]
    log = np.zeros(len(raw), dtype=LOG)
    log["cycle"] = low & np.uint64((1 << 40) - 1)
    log["unit"] = low >> np.uint64(40) & np.uint64(31)
    log["tag"] = low >> np.uint64(45) & np.uint64((1 << 11) - 1)
    log["failed"] = low >> np.uint64(56) & np.uint64(1)
    log["saturated"] = high & np.uint64((1 << 24) - 1)
    log["largest"] = high >> np.uint64(24) & np.uint64((1 << 16) - 1)
    engine = log["unit"] == COMMANDS["engine"].number
    log["begun"] = np.where(engine, high >> np.uint64(40), 0)
    squares = np.flatnonzero(log["unit"] == COMMANDS["update"].number)[2::3]
    log["squares"][squares] = high[squares] & np.uint64((1 << 52) - 1)
    log["saturated"][squares] = log["largest"][squares] = 0
    return log


def saturated_values(log: NDArray[np.void], tags: int) -> NDArray[np.uint64]:
    """Return the saturated values (tags,) that the reports of each instruction count."""
    counts = np.zeros(tags, dtype=np.uint64)
    np.add.at(counts, log["tag"], log["saturated"].astype(np.uint64))
    return counts


def cycles_of_instructions(log: NDArray[np.void], tags: int) -> NDArray[np.uint64]:
    """Return cycles (tags,) whose sum is the cycle of the last report.

    An instruction is done with its last report. It takes the cycles from when all before it were
    done; instructions that overlap share them, so one that others cover takes 0.
    """
    done = np.zeros(tags, dtype=np.uint64)
    np.maximum.at(done, log["tag"], log["cycle"])
    return np.diff(np.maximum.accumulate(done), prepend=np.uint64(0))
