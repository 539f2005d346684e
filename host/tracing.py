"""Bring intermediate tensors back from any backend by adding store instructions to a program."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from trivit.host.bundle import Bundle, OutputInfo, TensorInfo
from trivit.host.errors import HostError
from trivit.host.generated.spec import MAX_INSTRUCTIONS
from trivit.host.instructions import encode


def with_trace(bundle: Bundle, names: Iterable[str] | None = None) -> Bundle:
    """Return a bundle that also stores the named tensors (all of them by default) as outputs.

    Each store follows the instruction that writes the tensor, before its memory is reused.

    Raises:
        HostError: an unknown name, or a program that becomes longer than the kernel allows.
    """
    known = {tensor.name: tensor for tensor in bundle.tensors}
    wanted = list(known) if names is None else list(names)
    for name in wanted:
        if name not in known:
            raise HostError(f"the program has no tensor {name!r}: it has {', '.join(known)}")
    by_instruction: dict[int, list[TensorInfo]] = {}
    for name in wanted:
        by_instruction.setdefault(known[name].instruction, []).append(known[name])

    program: list[np.ndarray] = []
    outputs = list(bundle.outputs)
    moved: list[int] = []
    target = bundle.output_words
    for index, words in enumerate(bundle.program):
        moved.append(len(program))
        program.append(words)
        for tensor in by_instruction.get(index, []):
            program.append(
                encode(
                    "store",
                    src=tensor.address,
                    target=target,
                    rows=tensor.rows,
                    words=tensor.words,
                )
            )
            outputs.append(
                OutputInfo(
                    name=tensor.name,
                    offset=target,
                    rows=tensor.rows,
                    words=tensor.words,
                    columns=tensor.columns,
                    frac=tensor.frac,
                    kind=tensor.kind,
                )
            )
            target += tensor.rows * tensor.words
    if len(program) > MAX_INSTRUCTIONS:
        raise HostError(
            f"tracing needs {len(program)} instructions, the kernel takes {MAX_INSTRUCTIONS}: "
            "trace fewer tensors at a time"
        )
    return replace(
        bundle,
        program=np.stack(program),
        output_words=target,
        outputs=tuple(outputs),
        tensors=tuple(replace(t, instruction=moved[t.instruction]) for t in bundle.tensors),
    )
