"""Programs by what a command line names: a model without training, or a bundle's file."""

from pathlib import Path

from trivit.host.bundle import Bundle
from trivit.tools.errors import ToolsError


def names_model(target: str) -> bool:
    """Return whether ``target`` names a model rather than a file."""
    path = Path(target)
    return not (path.suffix or path.exists() or len(path.parts) > 1)


def program_of(
    target: str, keep: float | None = None, attention_keep: float | None = None
) -> Bundle:
    """Return the program: of an untrained model such as deit_tiny, or one of a bundle.

    Args:
        target: a model's name or the path of a bundle.
        keep: share of the tokens that a selector keeps; of a bundle: which program.
        attention_keep: share of the connections that each token keeps, of a model alone.

    Raises:
        HostError: the bundle cannot be read, or has no such program.
        ToolsError: an unknown model, or ``attention_keep`` with a bundle.
    """
    if names_model(target):
        from trivit.tools.compiler.named import named_program  # needs PyTorch; a bundle does not
        from trivit.tools.schedule import with_commands

        return with_commands(
            named_program(
                target,
                token_keep=1.0 if keep is None else keep,
                attention_keep=1.0 if attention_keep is None else attention_keep,
            )
        )
    if attention_keep is not None:
        raise ToolsError(
            f"--attention-keep {attention_keep:g}: the programs of {target} are compiled; choose "
            "one of them by --keep, or name a model"
        )
    return Bundle.load(target).choose(keep)
