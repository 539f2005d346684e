"""From a training program to commands: each op in the order of the program."""

from __future__ import annotations

from collections.abc import Callable

from trivit.host.generated.spec import ACTIVATION_DEPTH
from trivit.host.oracle.commands import interpret_memory
from trivit.host.schedule import ImageLayout
from trivit.host.tiles import depth_words
from trivit.host.training.accelerator.backend import AcceleratorTraining, Device
from trivit.host.training.accelerator.schedule import TrainingSchedule
from trivit.host.training.program import TrainingProgram
from trivit.tools.errors import ToolsError
from trivit.tools.training.schedule import backward, forward, waiting
from trivit.tools.training.schedule.attention_backward import attention_backward
from trivit.tools.training.schedule.context import NO_COMMANDS, Context
from trivit.tools.training.schedule.embedding import embedding
from trivit.tools.training.schedule.memory import logits_words, patch_operation
from trivit.tools.training.schedule.places import settle
from trivit.tools.training.schedule.selection import scatter
from trivit.tools.training.schedule.updates import Updates
from trivit.tools.training.schedule.values import check_words


def lower(program: TrainingProgram) -> TrainingSchedule:
    """Return the commands of a training program, or of its forward part alone.

    Raises:
        ToolsError: what training on the accelerator does not have yet, or what does not fit; one
            line.
    """
    for operation in program.operations:
        if operation.opcode not in _HANDLERS.keys() | _WITH_OTHERS:
            raise ToolsError(
                f"training on the accelerator does not have the op {operation.opcode} yet: train "
                "with the backend emulator"
            )
    needed = []
    for wait in (None, False, True):
        c = commands(program, wait)
        needed.append(settle(c.banks.values, c.listing.drafts))
        if needed[-1] <= ACTIVATION_DEPTH or not c.trains:
            break
    check_words(min(needed))
    return c.listing.schedule(
        c.ddr.planes,
        image=image_layout(program),
        target_words=logits_words(program),
        output_words=c.waiting.words,
        opcodes=tuple(o.opcode for o in program.operations),
        logits=program.logits,
    )


def image_layout(program: TrainingProgram) -> ImageLayout:
    """Return how the image lies in DDR."""
    patch = patch_operation(program)
    spec = program.by_name[patch.operands["dst"].tensor]
    sizes = {n: int(patch.attributes[n]) for n in ("channels", "height", "width", "patch")}
    return ImageLayout(rows=spec.rows - 1, words=depth_words(spec.columns), **sizes)


def commands(program: TrainingProgram, wait: bool | None) -> Context:
    """Return all commands, whose values have no places yet.

    Args:
        program: what is lowered.
        wait: whether what the last block makes waits in DDR too; None: nothing waits.
    """
    c = Context(program)
    if wait is not None:
        waiting.plan(c, wait)
    updates = Updates()
    embedding(c)
    for index, operation in enumerate(program.operations):
        c.index = index
        if operation.opcode == "update_sgd":
            updates.add(c)
        elif index not in c.done and operation.opcode not in NO_COMMANDS:
            if c.reader(_written(c), "gelu_backward", "dy") is not None:
                updates.flush(c)  # of the block behind, whose gradients are all on their way
            handler = _HANDLERS.get(operation.opcode)
            if handler is None:
                raise c.refuse("a place where no other op needs it")
            if operation.phase == "backward":
                waiting.bring(c)
            elif operation.opcode == "normalise":
                waiting.receipt(c)
            handler(c)
            if operation.opcode == "normalise_backward":
                _embedded(c)
        c.finish()
        waiting.store_finished(c)
    updates.flush(c)
    return c


def on_accelerator(
    program: TrainingProgram, device: Device = interpret_memory
) -> AcceleratorTraining:
    """Return a backend that runs a program's commands on a device, by default the interpreter.

    Raises:
        ToolsError: as for :func:`lower`.
    """
    return AcceleratorTraining(program, lower_parts(program), device)


def lower_parts(program: TrainingProgram) -> list[TrainingSchedule]:
    """Return the commands of a step, of a step without updates, and of forward alone.

    Raises:
        ToolsError: as for :func:`lower`.
    """
    return [lower(p) for p in (program, program.without_updates(), program.forward())]


def _written(c: Context) -> str:
    return c.operation.operands["dst"].tensor


def _embedded(c: Context) -> None:
    """Store the gradients of positions and [CLS] where the rows of the embedding got theirs."""
    name = _written(c)
    if any(c.operations[i].opcode == "update_sgd" for i in c.reads(name)):
        backward.embedding_gradients(c, name)


def _product(c: Context) -> None:
    (forward if c.operation.phase == "forward" else backward).product(c)


_HANDLERS: dict[str, Callable[[Context], None]] = {
    "product": _product,
    "normalise": forward.normalise,
    "attention": forward.attention,
    "attention_backward": attention_backward,
    "normalise_backward": backward.normalise_backward,
    "column_sums": backward.column_sums,
    "scatter": scatter,
}
#: Ops whose commands stand with those of another one, or nowhere.
_WITH_OTHERS = {
    *NO_COMMANDS,
    *("cls_row", "gelu", "cross_entropy", "gelu_backward", "normalise_gamma"),
    *("update_sgd", "select_tokens", "gather"),
}
