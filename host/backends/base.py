"""The backend interface: a bundle and images in, logits and counters out."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trivit.host.backends.session import CycleSource, Session
from trivit.host.bundle import Bundle
from trivit.host.errors import HostError
from trivit.host.fixed_point import Int16
from trivit.host.images import extract, preprocess


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a run returns.

    ``logits`` is (B, classes) int16 with ``logits_frac`` fraction bits; ``tensors`` holds every
    other output by name, (B, rows, columns) int16; ``saturations`` and ``cycles`` are
    (instructions,) uint64 summed over the images (cycles are zero where a backend counts none);
    ``seconds`` is the wall-clock time inside the backend.
    """

    logits: Int16
    logits_frac: int
    tensors: dict[str, Int16]
    saturations: NDArray[np.uint64]
    cycles: NDArray[np.uint64]
    seconds: float


@dataclass(frozen=True, kw_only=True)
class BatchOutput:
    """Raw results of one batch: (B, output_words·8) regions and counters per instruction."""

    regions: Int16
    saturations: NDArray[np.uint64]
    cycles: NDArray[np.uint64]


class Backend(ABC):
    """A kernel, or something that behaves exactly like one."""

    name: str
    #: How it was compiled for this machine; None where nothing was.
    form: str | None = None
    #: Where its cycles come from; None where it counts none.
    source: CycleSource | None = None
    #: File that says what its bitstream was made from (trivit.json); None where there is none.
    manifest: Path | None = None

    @abstractmethod
    def run_batch(self, bundle: Bundle, inputs: Int16) -> BatchOutput:
        """Run the bundle's first program on (B, input_words·8) int16 input regions.

        Raises:
            KernelError: the kernel refused an instruction.
        """

    def open_session(self, bundle: Bundle) -> Session:
        """Return a session of the bundle's first program, for jobs one by one.

        Raises:
            HostError: this backend has none, or its device cannot be had; the message says why.
        """
        raise HostError(f"the backend {self.name} counts no cycles: use simulation or board")

    def close(self) -> None:  # noqa: B027  most backends hold nothing
        """Give the device to others; a second call does nothing."""

    def run(
        self,
        bundle: Bundle,
        images: NDArray[np.uint8],
        *,
        program: str | float | None = None,
        batch_size: int = 64,
        progress: Callable[[int], None] | None = None,
    ) -> Result:
        """Run uint8 images (N, channels, height, width) in batches of ``batch_size``.

        ``program`` is the name or the token keep ratio of a program of the bundle; without it the
        first one runs. Working memory is bounded by one batch; ``progress`` is called with the
        number of images done since its last call.

        Raises:
            HostError: images of another shape or type, no image at all, or no such program.
            KernelError: the kernel refused an instruction.
        """
        if batch_size < 1:
            raise HostError(f"batch size {batch_size}: give at least 1")
        if len(images) == 0:
            raise HostError("no images: give at least one")
        bundle = bundle.choose(program)
        kept: dict[str, list[Int16]] = {output.name: [] for output in bundle.outputs}
        saturations = np.zeros(len(bundle.program), dtype=np.uint64)
        cycles = np.zeros(len(bundle.program), dtype=np.uint64)
        seconds = 0.0
        for start in range(0, len(images), batch_size):
            inputs = preprocess(bundle, images[start : start + batch_size])
            begin = time.perf_counter()
            batch = self.run_batch(bundle, inputs)
            seconds += time.perf_counter() - begin
            saturations += batch.saturations
            cycles += batch.cycles
            for output in bundle.outputs:
                kept[output.name].append(extract(output, batch.regions).copy())
            if progress is not None:
                progress(len(inputs))
        tensors = {name: np.concatenate(parts) for name, parts in kept.items()}
        return Result(
            logits=tensors.pop("logits")[:, 0],
            logits_frac=bundle.output("logits").frac,
            tensors=tensors,
            saturations=saturations,
            cycles=cycles,
            seconds=seconds,
        )
