"""Places that labelled images come from, with random access to each image as it is stored."""

from trivit.models.data.sources.base import LeftOut, RawImage, Source, SourcePart, split_source
from trivit.models.data.sources.registry import KINDS, SourceKind, open_source

__all__ = [
    "KINDS",
    "LeftOut",
    "RawImage",
    "Source",
    "SourceKind",
    "SourcePart",
    "open_source",
    "split_source",
]
