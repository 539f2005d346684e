"""The log of a job: one word of DDR for each report of the accelerator's units."""

import numpy as np
from numpy.typing import NDArray

#: A report as the accelerator logs it. ``cycle`` counts from the begin of the program; ``begun``
#: is that of an engine product's first depth word, 0 for other units.
LOG = np.dtype(
    [
        ("cycle", np.uint64),
        ("unit", np.uint8),
        ("tag", np.uint16),
        ("failed", np.bool_),
        ("saturated", np.uint32),
        ("begun", np.uint32),
    ]
)


def decode_log(words: bytes) -> NDArray[np.void]:
    """Return the reports (n,) of a log, ``LOG`` each."""
    raw = np.frombuffer(words, dtype="<u8").reshape(-1, 2)
    low, high = raw[:, 0], raw[:, 1]
    log = np.zeros(len(raw), dtype=LOG)
    log["cycle"] = low & np.uint64((1 << 48) - 1)
    log["unit"] = low >> np.uint64(48) & np.uint64(15)
    log["tag"] = low >> np.uint64(52) & np.uint64((1 << 11) - 1)
    log["failed"] = low >> np.uint64(63) != 0
    log["saturated"] = high & np.uint64((1 << 32) - 1)
    log["begun"] = high >> np.uint64(32)
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
