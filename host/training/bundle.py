"""The file of training programs: what a step is, where it starts, how images become integers.

A zip file with stored members: ``manifest.json`` (programs, preprocessing, classes, SHA-256 of the
masters) with its own checksum, and ``masters.bin`` (little-endian int32, row by row, parameters in
the programs' order, then constants). Equal contents give equal bytes.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trivit.host.errors import HostError
from trivit.host.fixed_point import Int16, Int64
from trivit.host.program import Preprocessing
from trivit.host.training.program import TrainingProgram
from trivit.host.training.variant import check_shared

FORMAT = 2
_KIND = "trivit training"
_EPOCH = (1980, 1, 1, 0, 0, 0)
_AGAIN = "compile it again with `trivit compile RUN --training`"


@dataclass(frozen=True, kw_only=True)
class TrainingBundle:
    """Training programs over one state, and its start.

    ``programs`` differ in their keep ratios, the first one is the default; ``masters`` are (rows,
    columns) int64 of parameters and constants, by name.

    Raises:
        HostError: no program, or programs that cannot share a state.
    """

    programs: tuple[TrainingProgram, ...]
    masters: Mapping[str, Int64]
    preprocessing: Preprocessing
    class_names: tuple[str, ...]
    model: str

    def __post_init__(self) -> None:
        if not self.programs:
            raise HostError("a training bundle has one program or more")
        check_shared(self.programs)

    @property
    def program(self) -> TrainingProgram:
        """The default program."""
        return self.programs[0]

    @property
    def returns_class_attention(self) -> bool:
        """Whether every program tells what [CLS] attended to."""
        return all(any(o.opcode == "cls_moments" for o in p.operations) for p in self.programs)

    def choose(self, ratio: float | None = None) -> TrainingProgram:
        """Return the program of a token keep ratio, by default the first one.

        Raises:
            HostError: there is none of this ratio.
        """
        if ratio is None:
            return self.program
        for program in self.programs:
            if math.isclose(program.token_keep_ratio, ratio, abs_tol=1e-6):
                return program
        known = ", ".join(f"{program.token_keep_ratio:g}" for program in self.programs)
        raise HostError(
            f"the training bundle has no program with keep ratio {ratio:g} (it has {known}): "
            f"compile it with `trivit compile RUN --training --keep {ratio:g}`"
        )

    def images(self, pixels: NDArray[np.uint8]) -> Int16:
        """Return uint8 images (N, channels, height, width) as the device gets them.

        Raises:
            HostError: images of another shape or type.
        """
        p = self.preprocessing
        shape = (p.channels, p.height, p.width)
        if pixels.dtype != np.uint8 or pixels.shape[1:] != shape:
            raise HostError(
                f"images are {pixels.dtype} of shape {pixels.shape[1:]}: the training program "
                f"takes uint8 of shape {shape}"
            )
        return p.lut[np.arange(p.channels)[None, :, None, None], pixels]

    def digest(self) -> str:
        """Return what tells this bundle from others."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def to_bytes(self) -> bytes:
        """Return the file's contents."""
        ordered = [self.masters[tensor.name].ravel() for tensor in self.program.given]
        masters = np.concatenate(ordered).astype("<i4").tobytes()
        preprocessing = asdict(self.preprocessing)
        preprocessing["lut"] = self.preprocessing.lut.tolist()
        manifest = {
            "kind": _KIND,
            "format": FORMAT,
            "model": self.model,
            "class_names": self.class_names,
            "preprocessing": preprocessing,
            "programs": [program.to_json() for program in self.programs],
            "masters": hashlib.sha256(masters).hexdigest(),
        }
        text = json.dumps(manifest, indent=1).encode()
        members = {
            "manifest.json": text,
            "manifest.sha256": hashlib.sha256(text).digest(),
            "masters.bin": masters,
        }
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            for name, data in members.items():
                archive.writestr(zipfile.ZipInfo(name, _EPOCH), data)
        return buffer.getvalue()

    @staticmethod
    def load(path: Path | str) -> TrainingBundle:
        """Read a training bundle.

        Raises:
            HostError: a file that cannot be read, is something else, or is damaged.
        """
        try:
            data = Path(path).read_bytes()
        except OSError as error:
            raise HostError(f"cannot read the training bundle {path}: {error.strerror}") from error
        members = _members(data, path)
        text = members.get("manifest.json", b"{}")
        try:
            manifest = json.loads(text)
        except ValueError as error:
            raise HostError(f"{path} is damaged (manifest): {_AGAIN}") from error
        if manifest.get("kind") != _KIND:
            inference = "programs" in manifest
            what = "a bundle for inference" if inference else "no training bundle"
            raise HostError(f"{path} is {what}: {_AGAIN}")
        if manifest.get("format") != FORMAT:
            raise HostError(
                f"{path} has training format {manifest.get('format')}, this trivit reads "
                f"{FORMAT}: {_AGAIN}"
            )
        if hashlib.sha256(text).digest() != members.get("manifest.sha256"):
            raise HostError(f"{path} is damaged (manifest: wrong checksum): {_AGAIN}")
        masters = members.get("masters.bin", b"")
        if hashlib.sha256(masters).hexdigest() != manifest["masters"]:
            raise HostError(f"{path} is damaged (masters: wrong checksum): {_AGAIN}")
        return _assemble(manifest, masters)


def _members(data: bytes, path: Path | str) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise HostError(f"{path} is no training bundle or is damaged: {_AGAIN}") from error


def _assemble(manifest: Mapping[str, Any], data: bytes) -> TrainingBundle:
    programs = tuple(TrainingProgram.from_json(values) for values in manifest["programs"])
    values = np.frombuffer(data, "<i4").astype(np.int64)
    masters, start = {}, 0
    for tensor in programs[0].given:
        size = tensor.rows * tensor.columns
        masters[tensor.name] = values[start : start + size].reshape(tensor.rows, tensor.columns)
        start += size
    preprocessing = dict(manifest["preprocessing"])
    preprocessing["lut"] = np.array(preprocessing["lut"], np.int16)
    preprocessing["mean"] = tuple(preprocessing["mean"])
    preprocessing["std"] = tuple(preprocessing["std"])
    return TrainingBundle(
        programs=programs,
        masters=masters,
        preprocessing=Preprocessing(**preprocessing),
        class_names=tuple(manifest["class_names"]),
        model=manifest["model"],
    )
