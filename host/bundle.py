"""The program bundle: one file that holds everything a backend needs to run a model.

A bundle is a zip file with stored (uncompressed) members: ``manifest.json`` (kernel version,
memory map, preprocessing, class names, SHA-256 of the others), ``manifest.sha256`` (its own),
``program.bin`` (descriptors, little-endian uint32) and ``params.bin`` (little-endian int16). Equal
contents give equal bytes.
"""

import hashlib
import io
import json
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trivit.host.errors import HostError
from trivit.host.fixed_point import Int16
from trivit.host.generated.spec import DESCRIPTOR_WORDS, KERNEL_VERSION, TILE_DEPTH

FORMAT = 1
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, kw_only=True)
class TensorInfo:
    """A named activation tensor: who writes it and where it lies.

    ``instruction`` is the index of the instruction that writes it; ``address`` an activation
    address in words; ``columns`` the elements of a row that mean something; ``frac`` the fraction
    length (0 for indices and masks); ``kind`` is value, index or mask.
    """

    name: str
    instruction: int
    address: int
    rows: int
    words: int
    columns: int
    frac: int
    kind: str = "value"


@dataclass(frozen=True, kw_only=True)
class OutputInfo:
    """A named tensor in the output region, row-major from word ``offset``."""

    name: str
    offset: int
    rows: int
    words: int
    columns: int
    frac: int
    kind: str = "value"


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """How a uint8 image becomes the input region: a table per channel (docs/numerics.md).

    ``lut`` is (channels, 256) int16, ``frac`` its fraction length; mean and std are for people.
    """

    channels: int
    height: int
    width: int
    lut: Int16
    frac: int
    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """A compiled program with its parameters and memory map.

    ``program`` is (instructions, 32) uint32; ``params`` (words·8,) int16; ``input_words`` and
    ``output_words`` are the sizes of one image's regions. The output "logits" holds the result.
    """

    program: NDArray[np.uint32]
    params: Int16
    preprocessing: Preprocessing
    class_names: tuple[str, ...]
    input_words: int
    output_words: int
    outputs: tuple[OutputInfo, ...]
    tensors: tuple[TensorInfo, ...]
    kernel_version: int = KERNEL_VERSION
    info: dict[str, Any] = field(default_factory=dict)

    def output(self, name: str) -> OutputInfo:
        """Return the named output.

        Raises:
            HostError: the bundle has no such output.
        """
        for output in self.outputs:
            if output.name == name:
                return output
        names = ", ".join(o.name for o in self.outputs)
        raise HostError(f"the program has no output {name!r}: it has {names}")

    def to_bytes(self) -> bytes:
        """Return the file's contents."""
        members = {
            "program.bin": self.program.astype("<u4").tobytes(),
            "params.bin": self.params.astype("<i2").tobytes(),
        }
        preprocessing = asdict(self.preprocessing)
        preprocessing["lut"] = self.preprocessing.lut.tolist()
        manifest = {
            "format": FORMAT,
            "kernel_version": self.kernel_version,
            "sha256": {name: hashlib.sha256(data).hexdigest() for name, data in members.items()},
            "preprocessing": preprocessing,
            "class_names": self.class_names,
            "input_words": self.input_words,
            "output_words": self.output_words,
            "outputs": [asdict(output) for output in self.outputs],
            "tensors": [asdict(tensor) for tensor in self.tensors],
            "info": self.info,
        }
        text = json.dumps(manifest, indent=1).encode()
        sealed = {
            "manifest.json": text,
            "manifest.sha256": hashlib.sha256(text).digest(),
            **members,
        }
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            for name, data in sealed.items():
                archive.writestr(zipfile.ZipInfo(name, _EPOCH), data)
        return buffer.getvalue()

    @staticmethod
    def from_bytes(data: bytes, source: str = "bundle") -> "Bundle":
        """Read a bundle; ``source`` names it in errors.

        Raises:
            HostError: not a bundle, damaged, or compiled for another kernel version.
        """
        members = _read_members(data, source)
        manifest = _read_manifest(members, source)
        for name, digest in manifest["sha256"].items():
            if hashlib.sha256(members.get(name, b"")).hexdigest() != digest:
                raise HostError(f"{source} is damaged ({name}: wrong checksum): compile it again")
        try:
            return _assemble(manifest, members)
        except (KeyError, TypeError, ValueError) as error:
            raise HostError(
                f"{source} is not a program bundle ({error}): compile it again"
            ) from error

    @staticmethod
    def load(path: Path | str) -> "Bundle":
        """Read a bundle file.

        Raises:
            HostError: see from_bytes; also when the file cannot be read.
        """
        try:
            data = Path(path).read_bytes()
        except OSError as error:
            raise HostError(f"cannot read the program bundle {path}: {error.strerror}") from error
        return Bundle.from_bytes(data, str(path))


def _read_members(data: bytes, source: str) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise HostError(f"{source} is no program bundle or is damaged: compile it again") from error


def _read_manifest(members: dict[str, bytes], source: str) -> dict[str, Any]:
    text = members.get("manifest.json")
    if text is None:
        raise HostError(
            f"{source} is no program bundle (no manifest): give a file of trivit compile"
        )
    if hashlib.sha256(text).digest() != members.get("manifest.sha256"):
        raise HostError(f"{source} is damaged (manifest: wrong checksum): compile it again")
    manifest: dict[str, Any] = json.loads(text)
    if manifest.get("format") != FORMAT:
        raise HostError(
            f"{source} has bundle format {manifest.get('format')}, this trivit reads {FORMAT}: "
            "compile it again"
        )
    if manifest.get("kernel_version") != KERNEL_VERSION:
        raise HostError(
            f"{source} was compiled for kernel version {manifest.get('kernel_version')}, "
            f"this kernel is version {KERNEL_VERSION}: compile it again"
        )
    return manifest


def _assemble(manifest: dict[str, Any], members: dict[str, bytes]) -> Bundle:
    preprocessing = dict(manifest["preprocessing"])
    preprocessing["lut"] = np.array(preprocessing["lut"], dtype=np.int16)
    preprocessing["mean"] = tuple(preprocessing["mean"])
    preprocessing["std"] = tuple(preprocessing["std"])
    program = np.frombuffer(members["program.bin"], dtype="<u4").astype(np.uint32)
    params = np.frombuffer(members["params.bin"], dtype="<i2").astype(np.int16)
    if len(params) % TILE_DEPTH:
        raise ValueError("params are not whole words")
    return Bundle(
        program=program.reshape(-1, DESCRIPTOR_WORDS),
        params=params,
        preprocessing=Preprocessing(**preprocessing),
        class_names=tuple(manifest["class_names"]),
        input_words=manifest["input_words"],
        output_words=manifest["output_words"],
        outputs=tuple(OutputInfo(**output) for output in manifest["outputs"]),
        tensors=tuple(TensorInfo(**tensor) for tensor in manifest["tensors"]),
        kernel_version=manifest["kernel_version"],
        info=manifest["info"],
    )
