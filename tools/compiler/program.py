"""Addresses, descriptors and the bundle around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trivit.host.bundle import Bundle, OutputInfo, Preprocessing, Program, TensorInfo
from trivit.host.fixed_point import INT16_MAX, INT16_MIN
from trivit.host.generated.operands import OPERANDS
from trivit.host.generated.spec import MAX_INSTRUCTIONS, PROGRAM_DEPTH, TILE_DEPTH
from trivit.host.instructions import decode, encode
from trivit.host.oracle.checks import check
from trivit.host.tiles import depth_words
from trivit.tools.allocation import Interval, allocate, bank_words
from trivit.tools.compiler.fusion import fused
from trivit.tools.compiler.graph import Metadata
from trivit.tools.compiler.ir import Model, PatchEmbed, Tensor
from trivit.tools.compiler.lowering import Draft, lower
from trivit.tools.compiler.params import ParameterImage
from trivit.tools.compiler.placement import placed
from trivit.tools.errors import ToolsError

# Metadata that is kept elsewhere in the bundle, or that differs between its programs.
_NOT_SHARED = ("class_names", "selector_blocks", "token_keep_ratio", "attention_keep_ratio")


@dataclass(frozen=True)
class Source:
    """A recognised model that becomes the program ``name`` of a bundle."""

    name: str
    model: Model
    metadata: Metadata


def assemble(sources: Sequence[Source]) -> Bundle:
    """Return the bundle of one program for each source, in this order, over shared parameters.

    Image, classes and preprocessing are those of the first source.

    Raises:
        ToolsError: a program does not fit the kernel or contradicts its metadata.
    """
    params = ParameterImage()
    drafts = [_drafts(source, params) for source in sources]
    metadata = sources[0].metadata
    pixels = int(np.prod(metadata.image_shape))
    bundle = Bundle(
        params=params.array(),
        preprocessing=preprocessing(metadata, _embedding(sources[0]).image_frac),
        class_names=metadata.class_names,
        input_words=depth_words(pixels),
        programs=tuple(_program(s, d) for s, d in zip(sources, drafts, strict=True)),
        info={
            "model": metadata.model,
            "details": {k: v for k, v in metadata.details.items() if k not in _NOT_SHARED},
            "parameters": [asdict(region) for region in dict.fromkeys(params.regions)],
        },
    )
    for program, drafted in zip(bundle.programs, drafts, strict=True):
        _check_descriptors(bundle, program, drafted)
    return bundle


def _embedding(source: Source) -> PatchEmbed:
    first = source.model.operations[0]
    if not isinstance(first, PatchEmbed) or first.image_shape != source.metadata.image_shape:
        raise ToolsError("the model must start with the patch embedding of its image")
    return first


def _drafts(source: Source, params: ParameterImage) -> list[Draft]:
    logits, classes = source.model.logits, source.metadata.class_names
    if len(classes) != logits.columns:
        raise ToolsError(
            f"the metadata names {len(classes)} classes but the model has "
            f"{logits.columns} logits: export it again with `trivit quantize`"
        )
    _embedding(source)
    drafts = lower(placed(fused(source.model)), params)
    if len(drafts) > MAX_INSTRUCTIONS:
        raise ToolsError(
            f"the program has {len(drafts)} instructions, the kernel takes {MAX_INSTRUCTIONS}: "
            "choose fewer blocks"
        )
    return drafts


def _program(source: Source, drafts: Sequence[Draft]) -> Program:
    logits = source.model.logits
    addresses = allocate(live_intervals(drafts), PROGRAM_DEPTH)
    return Program(
        name=source.name,
        instructions=np.stack([_encode(draft, addresses) for draft in drafts]),
        output_words=logits.rows * logits.words,
        outputs=(
            OutputInfo(
                name="logits",
                offset=0,
                rows=logits.rows,
                words=logits.words,
                columns=logits.columns,
                frac=logits.frac,
            ),
        ),
        tensors=_memory_map(drafts, addresses),
        token_keep_ratio=_ratio(source.metadata, "token_keep_ratio"),
        attention_keep_ratio=_ratio(source.metadata, "attention_keep_ratio"),
        info=_work(drafts),
    )


def _ratio(metadata: Metadata, name: str) -> float:
    value = metadata.details.get(name, 1.0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        raise ToolsError(
            f"the metadata says {name} {value!r}, which is no ratio above 0 and at most 1: "
            "export it again with `trivit quantize`"
        )
    return float(value)


def live_intervals(drafts: Sequence[Draft]) -> list[Interval]:
    """Return when each tensor is alive: from its first write to its last read."""
    seen: dict[str, tuple[Tensor, int, int]] = {}
    for step, draft in enumerate(drafts):
        for tensor in draft.tensors.values():
            known, first, _ = seen.get(tensor.name, (tensor, step, step))
            seen[tensor.name] = (known, first, step)
    return [
        Interval(name, bank_words(tensor.rows, tensor.words), first, last)
        for name, (tensor, first, last) in seen.items()
    ]


def _encode(draft: Draft, addresses: dict[str, int]) -> NDArray[np.uint32]:
    # An operand that is not there has an address all the same.
    fields = {operand.name: 0 for operand in OPERANDS[draft.opcode] if operand.flag}
    fields |= {name: addresses[tensor.name] for name, tensor in draft.tensors.items()}
    return encode(draft.opcode, draft.flags, **fields | draft.fields)


def _memory_map(drafts: Sequence[Draft], addresses: dict[str, int]) -> tuple[TensorInfo, ...]:
    last_writer = {d.writes.name: i for i, d in enumerate(drafts) if d.writes is not None}
    return tuple(
        TensorInfo(
            name=draft.writes.name,
            instruction=index,
            address=addresses[draft.writes.name],
            rows=draft.writes.rows,
            words=draft.writes.words,
            columns=draft.writes.columns,
            frac=draft.writes.frac,
            kind=draft.writes.kind,
        )
        for index, draft in enumerate(drafts)
        if draft.writes is not None and last_writer[draft.writes.name] == index
    )


def preprocessing(metadata: Metadata, frac: int) -> Preprocessing:
    """Return the table that turns pixels into integers with ``frac`` fraction bits."""
    channels, height, width = metadata.image_shape
    pixel = np.arange(256, dtype=np.float64) / 255
    mean, std = (np.array(v, dtype=np.float64)[:, None] for v in (metadata.mean, metadata.std))
    steps = np.rint((pixel[None] - mean) / std * 2.0**frac)
    return Preprocessing(
        channels=channels,
        height=height,
        width=width,
        lut=np.clip(steps, INT16_MIN, INT16_MAX).astype(np.int16),
        frac=frac,
        mean=metadata.mean,
        std=metadata.std,
    )


def _work(drafts: Sequence[Draft]) -> dict[str, Any]:
    written = [draft.writes or draft.tensors["src"] for draft in drafts]
    return {
        "macs": sum(draft.macs for draft in drafts),
        "open_macs": sum(draft.open_macs for draft in drafts),
        "instructions": [
            {"tensor": t.name, "macs": d.macs, "open_macs": d.open_macs}
            for d, t in zip(drafts, written, strict=True)
        ],
    }


def _check_descriptors(bundle: Bundle, program: Program, drafts: Sequence[Draft]) -> None:
    regions = {
        "params": len(bundle.params) // TILE_DEPTH,
        "input": bundle.input_words,
        "output": program.output_words,
    }
    for index, (words, draft) in enumerate(zip(program.instructions, drafts, strict=True)):
        problem = check(decode(words), regions)
        if problem != "ok":
            tensor = draft.writes or draft.tensors["src"]
            raise ToolsError(
                f"the kernel would refuse instruction {index} ({draft.opcode} for "
                f"'{tensor.name}'): {problem}; choose smaller sizes"
            )
