"""Addresses, descriptors and the bundle around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trivit.host.bundle import Bundle, OutputInfo, Preprocessing, TensorInfo
from trivit.host.fixed_point import INT16_MAX, INT16_MIN
from trivit.host.generated.spec import ACTIVATION_DEPTH, MAX_INSTRUCTIONS, TILE_DEPTH
from trivit.host.instructions import decode, encode
from trivit.host.oracle.checks import check
from trivit.tools.compiler.graph import Metadata
from trivit.tools.compiler.ir import Model, PatchEmbed, Tensor
from trivit.tools.compiler.lowering import Draft, lower
from trivit.tools.compiler.memory import Interval, allocate, bank_words
from trivit.tools.compiler.params import ParameterImage
from trivit.tools.errors import ToolsError


def assemble(model: Model, metadata: Metadata) -> Bundle:
    """Return the program bundle of a model.

    Raises:
        ToolsError: the program does not fit the kernel or contradicts the metadata.
    """
    logits = model.logits
    if len(metadata.class_names) != logits.columns:
        raise ToolsError(
            f"the metadata names {len(metadata.class_names)} classes but the model has "
            f"{logits.columns} logits: export it again with `trivit quantize`"
        )
    embedding = model.operations[0]
    if not isinstance(embedding, PatchEmbed) or embedding.image_shape != metadata.image_shape:
        raise ToolsError("the model must start with the patch embedding of its image")
    params = ParameterImage()
    drafts = lower(model, params)
    if len(drafts) > MAX_INSTRUCTIONS:
        raise ToolsError(
            f"the program has {len(drafts)} instructions, the kernel takes {MAX_INSTRUCTIONS}: "
            "choose fewer blocks"
        )
    addresses = allocate(live_intervals(drafts), ACTIVATION_DEPTH)
    program = np.stack([_encode(draft, addresses) for draft in drafts])
    packed = params.array()
    pixels = int(np.prod(metadata.image_shape))
    bundle = Bundle(
        program=program,
        params=packed,
        preprocessing=_preprocessing(metadata, embedding.image_frac),
        class_names=metadata.class_names,
        input_words=-(-pixels // TILE_DEPTH),
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
        info=_info(drafts, params, metadata),
    )
    _check_descriptors(bundle, drafts)
    return bundle


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
    places = {name: addresses[tensor.name] for name, tensor in draft.tensors.items()}
    if draft.opcode == "matmul":
        places.setdefault("residual", 0)
    if draft.opcode == "attention":
        places.setdefault("mask", 0)
    return encode(draft.opcode, draft.flags, **places, **draft.fields)


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


def _preprocessing(metadata: Metadata, frac: int) -> Preprocessing:
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


def _info(drafts: Sequence[Draft], params: ParameterImage, metadata: Metadata) -> dict[str, Any]:
    written = [draft.writes or draft.tensors["src"] for draft in drafts]
    return {
        "model": metadata.model,
        "details": {k: v for k, v in metadata.details.items() if k != "class_names"},
        "macs": sum(draft.macs for draft in drafts),
        "open_macs": sum(draft.open_macs for draft in drafts),
        "instructions": [
            {"tensor": t.name, "macs": d.macs, "open_macs": d.open_macs}
            for d, t in zip(drafts, written, strict=True)
        ],
        "parameters": [asdict(region) for region in params.regions],
    }


def _check_descriptors(bundle: Bundle, drafts: Sequence[Draft]) -> None:
    regions = {
        "params": len(bundle.params) // TILE_DEPTH,
        "input": bundle.input_words,
        "output": bundle.output_words,
    }
    for index, (words, draft) in enumerate(zip(bundle.program, drafts, strict=True)):
        problem = check(decode(words), regions)
        if problem != "ok":
            tensor = draft.writes or draft.tensors["src"]
            raise ToolsError(
                f"the kernel would refuse instruction {index} ({draft.opcode} for "
                f"'{tensor.name}'): {problem}; choose smaller sizes"
            )
