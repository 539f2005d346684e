"""Bring intermediate tensors back from any backend by adding store instructions to a program."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from trivit.host.bundle import Bundle
from trivit.host.errors import HostError
from trivit.host.generated.spec import MAX_INSTRUCTIONS
from trivit.host.instructions import encode
from trivit.host.program import OutputInfo, Program, TensorInfo


def with_trace(
    bundle: Bundle, names: Iterable[str] | None = None, program: str | float | None = None
) -> Bundle:
    """Return a bundle of one program that also stores the named tensors as outputs.

    Each store follows the instruction that writes the tensor, before its memory is reused.

    Args:
        bundle: where the program is from.
        names: tensors of the program; all of them by default.
        program: its name or token keep ratio; the first one by default.

    Raises:
        HostError: an unknown program or name, or a program that becomes longer than the kernel
            allows.
    """
    chosen = bundle.choose(program).first
    return replace(bundle, programs=(_traced(chosen, names),))


def _traced(program: Program, names: Iterable[str] | None) -> Program:
    known = {tensor.name: tensor for tensor in program.tensors}
    wanted = list(known) if names is None else list(names)
    for name in wanted:
        if name not in known:
            raise HostError(f"the program has no tensor {name!r}: it has {', '.join(known)}")
    by_instruction: dict[int, list[TensorInfo]] = {}
    for name in wanted:
        by_instruction.setdefault(known[name].instruction, []).append(known[name])

    instructions: list[np.ndarray] = []
    outputs = list(program.outputs)
    moved: list[int] = []
    target = program.output_words
    for index, words in enumerate(program.instructions):
        moved.append(len(instructions))
        instructions.append(words)
        for tensor in by_instruction.get(index, []):
            instructions.append(
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
    if len(instructions) > MAX_INSTRUCTIONS:
        raise HostError(
            f"tracing needs {len(instructions)} instructions, the kernel takes {MAX_INSTRUCTIONS}: "
            "trace fewer tensors at a time"
        )
    return program.with_instructions(
        np.stack(instructions),
        output_words=target,
        outputs=tuple(outputs),
        tensors=tuple(replace(t, instruction=moved[t.instruction]) for t in program.tensors),
    )
