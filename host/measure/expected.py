"""What a program must give for an image, and the comparison with what it gave."""

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trivit.host.backends import open_backend
from trivit.host.backends.session import JobOutcome
from trivit.host.bundle import Bundle
from trivit.host.errors import HostError
from trivit.host.fixed_point import Int16
from trivit.host.images import extract

ORACLE = "the oracle"


class WrongOutputError(HostError):
    """A device gave other numbers than it must."""


@dataclass(frozen=True, kw_only=True)
class Expected:
    """Outputs by name, (rows, columns) int16 each, of one program for one image.

    ``origin`` says where they come from, ``seconds`` how long they took to compute.
    """

    origin: str
    outputs: dict[str, Int16]
    seconds: float = 0.0


def by_oracle(bundle: Bundle, image: NDArray[np.uint8]) -> Expected:
    """Return what the oracle computes for an image (channels, height, width)."""
    begin = time.perf_counter()
    result = open_backend("reference").run(bundle, image[None])
    outputs = {name: tensor[0] for name, tensor in result.tensors.items()}
    outputs["logits"] = result.logits
    return Expected(origin=ORACLE, outputs=outputs, seconds=time.perf_counter() - begin)


def image_digest(image: NDArray[np.uint8]) -> str:
    """Return the SHA-256 of an image's pixels."""
    return hashlib.sha256(np.ascontiguousarray(image).tobytes()).hexdigest()


def given_logits(
    path: Path, programs: Sequence[str], bundle_digest: str, image: NDArray[np.uint8]
) -> dict[str, Expected]:
    """Read the logits of the first image that ``--expected`` names, for each of ``programs``.

    A ``.json`` is a report of this command, of the same bundle and first image. A ``.npy`` holds
    int16 logits (images, classes) of one program, as ``trivit run --logits`` writes them.

    Raises:
        HostError: a file that cannot be read, or of something else.
    """
    try:
        if path.suffix == ".json":
            logits = _of_report(path, programs, bundle_digest, image)
        else:
            logits = _of_array(path, programs)
    except OSError as error:
        raise HostError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise HostError(
            f"{path} holds no logits ({error}): give a .json of this command or a .npy of "
            "trivit run --logits"
        ) from error
    origin = f"the logits of {path.name}"
    return {
        name: Expected(origin=origin, outputs={"logits": row[None]}) for name, row in logits.items()
    }


def _of_report(
    path: Path, programs: Sequence[str], bundle_digest: str, image: NDArray[np.uint8]
) -> dict[str, Int16]:
    report: dict[str, Any] = json.loads(path.read_text("utf-8"))
    if report["bundle"]["sha256"] != bundle_digest:
        raise HostError(f"{path} is a report of another bundle: give one of this bundle")
    if report["images"]["first_sha256"] != image_digest(image):
        raise HostError(f"{path} began with another image: give the same images")
    held = {entry["name"]: entry["check"]["logits"] for entry in report["latency"]["programs"]}
    for name in programs:
        if name not in held:
            raise HostError(f"{path} has no program {name!r}: it has {', '.join(held)}")
    return {name: np.array(held[name], dtype=np.int16) for name in programs}


def _of_array(path: Path, programs: Sequence[str]) -> dict[str, Int16]:
    if len(programs) > 1:
        raise HostError(
            f"{path} holds the logits of one program, {len(programs)} are measured: add --keep"
        )
    array = np.load(path, allow_pickle=False)
    if not isinstance(array, np.ndarray) or array.dtype != np.int16 or array.ndim != 2:
        raise ValueError("no int16 array of two dimensions")
    return {programs[0]: array[0]}


@dataclass
class OutputCheck:
    """Holds every outcome of a program to what its image must give.

    The first image must give ``expected``; every later run of an image must repeat the first one
    to the bit. ``cycles`` collects all runs of each image, ``repeats`` counts those that were
    compared.
    """

    bundle: Bundle
    expected: Expected
    logits: Int16 | None = None
    repeats: int = 0
    cycles: dict[int, list[int]] = field(default_factory=dict)
    _first: dict[int, Int16] = field(default_factory=dict)

    def __call__(self, image: int, outcome: JobOutcome) -> None:
        """Compare what the job of image number ``image`` left.

        Raises:
            WrongOutputError: it differs.
        """
        self.cycles.setdefault(image, []).append(outcome.cycles)
        found = {o.name: extract(o, outcome.output[None])[0] for o in self.bundle.outputs}
        values = np.concatenate([tensor.ravel() for tensor in found.values()])
        if image not in self._first:
            if image == 0:
                self._compare(found)
            self._first[image] = values
            return
        self.repeats += 1
        differing = int(np.count_nonzero(self._first[image] != values))
        if differing:
            raise WrongOutputError(
                f"program '{self.bundle.first.name}': image {image} gave {differing} other output "
                "values when it ran again: the device does not compute the same twice"
            )

    @property
    def cycle_spread(self) -> int:
        """The most by which the cycles of two runs of one image differ."""
        return max((max(runs) - min(runs) for runs in self.cycles.values()), default=0)

    def _compare(self, found: Mapping[str, Int16]) -> None:
        self.logits = found["logits"][0].copy()
        for name, wanted in self.expected.outputs.items():
            if wanted.shape != found[name].shape:
                raise HostError(
                    f"{self.expected.origin} have shape {wanted.shape}, the program gives "
                    f"{found[name].shape}: give those of this bundle"
                )
            differing = int(np.count_nonzero(wanted != found[name]))
            if differing:
                raise WrongOutputError(
                    f"program '{self.bundle.first.name}': {differing} of {wanted.size} values of "
                    f"'{name}' differ from {self.expected.origin}: no latency is reported; "
                    "check the bitstream (trivit-board check)"
                )
