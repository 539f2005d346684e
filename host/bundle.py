"""The program bundle: one file that holds everything a backend needs to run a model.

A bundle holds one or more programs (one for each choice of keep ratios) over the same parameters,
preprocessing and input layout; the host chooses one for each call. It is a zip file with stored
(uncompressed) members: ``manifest.json`` (kernel version, memory maps, preprocessing, class names,
SHA-256 of the others), ``manifest.sha256`` (its own), ``program.NAME.bin`` for each program
(descriptors, little-endian uint32) and ``params.bin`` (little-endian int16). A program that the
accelerator runs has ``commands.NAME.bin`` (its commands, little-endian uint64, four each) and, in
``vectors.DIGEST.bin``, the parameters that follow params.bin for them; programs with the same share
one. Equal contents give equal bytes.
"""

import hashlib
import io
import json
import math
import zipfile
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trivit.host.commands import layout_digest
from trivit.host.errors import HostError
from trivit.host.fixed_point import Int16
from trivit.host.generated.spec import DESCRIPTOR_WORDS, KERNEL_VERSION, TILE_DEPTH
from trivit.host.program import OutputInfo, Preprocessing, Program, TensorInfo
from trivit.host.schedule import Schedule

__all__ = ["FORMAT", "Bundle", "OutputInfo", "Preprocessing", "Program", "TensorInfo"]

FORMAT = 3
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """Compiled programs over one parameter region.

    ``params`` is (words·8,) int16; ``input_words`` the size of one image's input region; ``info``
    what all programs share (model, details, parameters). A bundle runs its first program;
    :meth:`choose` returns a bundle of another one. ``program``, ``outputs``, ``tensors`` and
    ``output_words`` are those of the first program.

    Raises:
        HostError: no program, or two of the same name.
    """

    params: Int16
    preprocessing: Preprocessing
    class_names: tuple[str, ...]
    input_words: int
    programs: tuple[Program, ...]
    kernel_version: int = KERNEL_VERSION
    info: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [program.name for program in self.programs]
        if not names:
            raise HostError("a bundle needs at least one program")
        if len(set(names)) < len(names):
            raise HostError(f"programs of the same name in a bundle: {', '.join(names)}")

    @property
    def first(self) -> Program:
        """The program that runs."""
        return self.programs[0]

    @property
    def program(self) -> NDArray[np.uint32]:
        """Descriptors of the first program, (instructions, 32) uint32."""
        return self.first.instructions

    @property
    def outputs(self) -> tuple[OutputInfo, ...]:
        """Outputs of the first program."""
        return self.first.outputs

    @property
    def tensors(self) -> tuple[TensorInfo, ...]:
        """Memory map of the first program."""
        return self.first.tensors

    @property
    def output_words(self) -> int:
        """Size of one image's output region of the first program."""
        return self.first.output_words

    def output(self, name: str) -> OutputInfo:
        """Return the named output of the first program.

        Raises:
            HostError: it has no such output.
        """
        return self.first.output(name)

    def choose(self, program: str | float | None = None) -> "Bundle":
        """Return the bundle of one program, by name or token keep ratio (None: the first).

        Parameters are not copied. Of several programs with the ratio the first is taken.

        Raises:
            HostError: no such program; the message names what there is, and the nearest ratio.
        """
        return replace(self, programs=(self._find(program),))

    def with_instructions(self, instructions: NDArray[np.uint32]) -> "Bundle":
        """Return the bundle of the first program with other instructions, (n, 32) uint32."""
        return replace(self, programs=(self.first.with_instructions(instructions),))

    def _find(self, wanted: str | float | None) -> Program:
        if wanted is None:
            return self.first
        by_ratio = not isinstance(wanted, str)
        for program in self.programs:
            if program.name == wanted:
                return program
            if by_ratio and math.isclose(program.token_keep_ratio, float(wanted), abs_tol=1e-6):
                return program
        known = ", ".join(f"{p.name} ({p.token_keep_ratio:g})" for p in self.programs)
        if not by_ratio:
            raise HostError(f"the bundle has no program {wanted!r}: it has {known}")
        nearest = min(self.programs, key=lambda p: abs(p.token_keep_ratio - float(wanted)))
        raise HostError(
            f"the bundle has no program with keep ratio {float(wanted):g}: it has {known}; "
            f"the nearest is {nearest.token_keep_ratio:g}"
        )

    def to_bytes(self) -> bytes:
        """Return the file's contents."""
        members = {
            _member(program.name): program.instructions.astype("<u4").tobytes()
            for program in self.programs
        }
        members["params.bin"] = self.params.astype("<i2").tobytes()
        for program in self.programs:
            if program.schedule is not None:
                members |= _schedule_members(program.name, program.schedule)
        preprocessing = asdict(self.preprocessing)
        preprocessing["lut"] = self.preprocessing.lut.tolist()
        manifest = {
            "format": FORMAT,
            "kernel_version": self.kernel_version,
            "command_layout": layout_digest(),
            "sha256": {name: hashlib.sha256(data).hexdigest() for name, data in members.items()},
            "preprocessing": preprocessing,
            "class_names": self.class_names,
            "input_words": self.input_words,
            "programs": [_describe(program) for program in self.programs],
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
    if manifest.get("command_layout") != layout_digest():
        raise HostError(
            f"{source} was compiled for an accelerator with other commands: compile it again"
        )
    return manifest


def _member(name: str) -> str:
    return f"program.{name}.bin"


def _schedule_members(name: str, schedule: Schedule) -> dict[str, bytes]:
    extra = schedule.extra_params.astype("<i2").tobytes()
    return {
        _commands_member(name): schedule.commands.astype("<u8").tobytes(),
        _vectors_member(extra): extra,
    }


def _commands_member(name: str) -> str:
    return f"commands.{name}.bin"


def _vectors_member(extra: bytes) -> str:
    return f"vectors.{hashlib.sha256(extra).hexdigest()[:16]}.bin"


def _describe_schedule(program: Program) -> dict[str, Any]:
    if program.schedule is None:
        return {"unscheduled": program.unscheduled}
    extra = program.schedule.extra_params.astype("<i2").tobytes()
    return {**program.schedule.describe(), "vectors": _vectors_member(extra)}


def _describe(program: Program) -> dict[str, Any]:
    return {
        "name": program.name,
        "token_keep_ratio": program.token_keep_ratio,
        "attention_keep_ratio": program.attention_keep_ratio,
        "output_words": program.output_words,
        "outputs": [asdict(output) for output in program.outputs],
        "tensors": [asdict(tensor) for tensor in program.tensors],
        "info": program.info,
        "schedule": _describe_schedule(program),
    }


def _program(entry: dict[str, Any], members: dict[str, bytes]) -> Program:
    words = np.frombuffer(members[_member(entry["name"])], dtype="<u4").astype(np.uint32)
    instructions = words.reshape(-1, DESCRIPTOR_WORDS)
    scheduled = dict(entry["schedule"])
    schedule = None
    if "unscheduled" not in scheduled:
        schedule = Schedule.read(
            scheduled,
            members[_commands_member(entry["name"])],
            members[scheduled["vectors"]],
            tags=len(instructions),
        )
    return Program(
        name=entry["name"],
        instructions=instructions,
        output_words=entry["output_words"],
        outputs=tuple(OutputInfo(**output) for output in entry["outputs"]),
        tensors=tuple(TensorInfo(**tensor) for tensor in entry["tensors"]),
        token_keep_ratio=entry["token_keep_ratio"],
        attention_keep_ratio=entry["attention_keep_ratio"],
        info=entry["info"],
        schedule=schedule,
        unscheduled=scheduled.get("unscheduled", ""),
    )


def _assemble(manifest: dict[str, Any], members: dict[str, bytes]) -> Bundle:
    preprocessing = dict(manifest["preprocessing"])
    preprocessing["lut"] = np.array(preprocessing["lut"], dtype=np.int16)
    preprocessing["mean"] = tuple(preprocessing["mean"])
    preprocessing["std"] = tuple(preprocessing["std"])
    params = np.frombuffer(members["params.bin"], dtype="<i2").astype(np.int16)
    if len(params) % TILE_DEPTH:
        raise ValueError("params are not whole words")
    return Bundle(
        params=params,
        preprocessing=Preprocessing(**preprocessing),
        class_names=tuple(manifest["class_names"]),
        input_words=manifest["input_words"],
        programs=tuple(_program(entry, members) for entry in manifest["programs"]),
        kernel_version=manifest["kernel_version"],
        info=manifest["info"],
    )
