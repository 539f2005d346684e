"""A program as the accelerator runs it: commands, parameters beside the bundle's, image layout."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trivit.host.errors import HostError
from trivit.host.fixed_point import Int16
from trivit.host.generated.commands import COMMAND_BITS
from trivit.host.generated.spec import PARAM_PORTS, TILE_DEPTH
from trivit.host.patches import patchify
from trivit.host.tiles import ceil_div


@dataclass(frozen=True, kw_only=True)
class ImageLayout:
    """How an image lies in DDR: rows of patches, padded to whole words, in port order.

    ``rows`` patches of ``words`` words each; the segment of port p holds patches p, p + 4, ...
    """

    channels: int
    height: int
    width: int
    patch: int
    rows: int
    words: int

    @property
    def region_words(self) -> int:
        """Words of one image in DDR."""
        return PARAM_PORTS * ceil_div(self.rows, PARAM_PORTS) * self.words

    def arrange(self, regions: Int16) -> Int16:
        """Return (B, region_words·8) int16 from input regions as ``images.preprocess`` makes them.

        Raises:
            HostError: the regions are smaller than the image.
        """
        pixels = self.channels * self.height * self.width
        if regions.shape[1] < pixels:
            raise HostError(
                f"input regions hold {regions.shape[1]} values, an image has {pixels}: "
                "use those of images.preprocess"
            )
        shape = (self.channels, self.height, self.width)
        arranged = np.zeros((len(regions), self.region_words * TILE_DEPTH), dtype=np.int16)
        for image, region in zip(arranged, regions, strict=True):
            image[:] = port_order(patchify(region[:pixels].reshape(shape), self.patch)[1:])
        return arranged


@dataclass(frozen=True, kw_only=True)
class Watched:
    """A tensor of the v4 program and where the schedule keeps it.

    Stored row r lies in bank r mod 8 at ``address + (r // 8) * stride``, ``words`` words; it is row
    ``first_row + r`` of the v4 tensor ``name``. Complete after report number ``report`` (0: the
    first) of ``unit``, whose reports come in the order of its commands, and intact until the next
    command that begins after its readers; ``instruction`` is the v4 instruction that writes it.
    """

    name: str
    instruction: int
    address: int
    stride: int
    rows: int
    words: int
    columns: int
    unit: str
    report: int
    first_row: int = 0


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """The commands of one program and what must lie in DDR for them.

    ``commands`` is (n, 4) uint64 (host.commands), the last one ends the program; ``extra_params``
    follows the bundle's params in the params region, (words·8,) int16. The output region has
    ``output_words`` words: those of the program, and behind them tensors that wait there while it
    runs. ``reports`` is the number of reports that complete the program, a word of the log each;
    ``tags`` the number of v4 instructions, whose indices the tags are.
    """

    commands: NDArray[np.uint64]
    extra_params: Int16
    image: ImageLayout
    output_words: int
    reports: int
    tags: int
    watched: tuple[Watched, ...]

    def describe(self) -> dict[str, Any]:
        """Return what a bundle's manifest says beside the commands and the extra parameters."""
        return {
            "image": asdict(self.image),
            "output_words": self.output_words,
            "reports": self.reports,
            "watched": [asdict(tensor) for tensor in self.watched],
        }

    @staticmethod
    def read(entry: dict[str, Any], commands: bytes, extra: bytes, *, tags: int) -> "Schedule":
        """Return the schedule of a manifest's entry and the members of a bundle beside it.

        Raises:
            ValueError: commands or parameters that are not whole.
        """
        words = np.frombuffer(commands, dtype="<u8").astype(np.uint64)
        vectors = np.frombuffer(extra, dtype="<i2").astype(np.int16)
        if len(words) == 0 or len(words) % (COMMAND_BITS // 64) or len(vectors) % TILE_DEPTH:
            raise ValueError("its commands are not whole")
        return Schedule(
            commands=words.reshape(-1, COMMAND_BITS // 64),
            extra_params=vectors,
            image=ImageLayout(**entry["image"]),
            output_words=entry["output_words"],
            reports=entry["reports"],
            tags=tags,
            watched=tuple(Watched(**tensor) for tensor in entry["watched"]),
        )


def port_order(rows: Int16) -> Int16:
    """Return rows (R, words·8) in one segment for each port, flattened.

    Port p's segment holds rows p, p + 4, ...; all segments are ceil(R / 4) rows long, zeros at
    their ends.
    """
    count, columns = rows.shape
    length = ceil_div(count, PARAM_PORTS)
    padded = np.zeros((length * PARAM_PORTS, columns), dtype=np.int16)
    padded[:count] = rows
    return padded.reshape(length, PARAM_PORTS, columns).transpose(1, 0, 2).reshape(-1)
