"""Commands while they are collected, with the fields that a step changes and what reports mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from trivit.host.commands import decode, encode, to_words
from trivit.host.errors import HostError
from trivit.host.schedule import ImageLayout
from trivit.host.tiles import ceil_div
from trivit.host.training.accelerator.planes import PlaneMap
from trivit.host.training.accelerator.schedule import (
    Figure,
    Kind,
    Patch,
    TrainingSchedule,
)
from trivit.tools.errors import ToolsError

ALL_PORTS = 15
PLANES, IMAGES, OUTPUT = 0, 1, 2  # regions in DDR
SOFTMAX, GELU, ROW_WRITER, MATRIX, GELU_BACKWARD, SOFTMAX_BACKWARD, CROSS_ENTROPY = range(1, 8)
_TAGS = 2048

#: A field that follows from a number of an op, or from a constant of the step.
Source = tuple[int, str] | tuple[int, str, Kind]


@dataclass(eq=False)
class Draft:
    """A command that may still change: later ones ask products before them for announcements."""

    unit: str
    tag: int
    fields: dict[str, int]
    sources: dict[str, Source]
    figures: list[Figure | None] = field(default_factory=list)
    end: bool = False


class Listing:
    """Commands in program order."""

    def __init__(self) -> None:
        self.drafts: list[Draft] = []

    def add(
        self,
        unit: str,
        tag: int,
        figures: Sequence[Figure | None] = (None,),
        sources: Mapping[str, Source] | None = None,
        /,
        **fields: int,
    ) -> Draft:
        """Append a command.

        Args:
            unit: who obeys it.
            tag: the op that needs it.
            figures: what each of its reports means.
            sources: fields that follow from ops and steps.
            fields: all others that are not zero.
        """
        draft = Draft(unit, tag, fields, dict(sources or {}), list(figures))
        self.drafts.append(draft)
        return draft

    def schedule(
        self,
        planes: PlaneMap,
        *,
        image: ImageLayout,
        target_words: int,
        output_words: int,
        opcodes: tuple[str, ...],
        logits: str,
    ) -> TrainingSchedule:
        """Return the schedule of all commands and an end.

        Raises:
            ToolsError: a value that its field does not hold.
        """
        # Reports are told apart by their order, so ops may share a tag where there are too many.
        share = ceil_div(len(opcodes), _TAGS)
        patches: list[Patch] = []
        figures: dict[str, list[Figure | None]] = {}
        words: list[int] = []
        reports = 0
        for number, draft in enumerate(self.drafts):
            word = _encode(draft, draft.tag // share)
            words.append(word)
            count = decode(word).reports
            reports += count
            if count:
                assert len(draft.figures) == count, (draft.unit, draft.figures)
                figures.setdefault(draft.unit, []).extend(draft.figures)
            for name, source in draft.sources.items():
                patches.append(Patch(number, draft.unit, name, *source))
        words.append(encode("sequencer", end=True, reports=reports))
        return TrainingSchedule(
            commands=to_words(words),
            patches=tuple(patches),
            figures={unit: tuple(meant) for unit, meant in figures.items()},
            planes=planes,
            image=image,
            target_words=target_words,
            output_words=output_words,
            reports=reports,
            opcodes=opcodes,
            logits=logits,
        )


def _encode(draft: Draft, tag: int) -> int:
    try:
        return encode(draft.unit, tag=tag, end=draft.end, **draft.fields)
    except HostError as error:
        raise ToolsError(
            f"op {draft.tag} does not fit the accelerator ({error}): train a smaller model"
        ) from error
