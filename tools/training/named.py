"""Training programs by what a command line names: a model without training, or a bundle's file."""

from __future__ import annotations

from trivit.host.training.bundle import TrainingBundle
from trivit.host.training.program import TrainingProgram
from trivit.tools.errors import ToolsError
from trivit.tools.programs import names_model
from trivit.tools.training.builder import MasterBits, Optimizer
from trivit.tools.training.derive import derive


def training_program_of(
    target: str,
    keep: float | None = None,
    attention_keep: float | None = None,
    optimizer: Optimizer | None = None,
    masters: int | None = None,
) -> TrainingProgram:
    """Return a training program: of an untrained model such as deit_tiny, or one of a bundle.

    Args:
        target: a model's name or the path of a training bundle.
        keep: share of the tokens that a selector keeps; of a bundle: which program.
        attention_keep: share of the connections that each token keeps, of a model alone.
        optimizer: whose updates, of a model alone; by default SGD.
        masters: bits of a parameter's master, of a model alone; by default 32.

    Raises:
        HostError: the bundle cannot be read, is for inference, or has no such program.
        ModelsError: an unknown model, or a keep ratio outside (0, 1].
        ToolsError: no such masters, or with a bundle what was chosen when it was compiled.
    """
    if not names_model(target):
        chosen = {
            "--attention-keep": attention_keep,
            "--optimizer": optimizer,
            "--masters": masters,
        }
        for option, value in chosen.items():
            if value is not None:
                raise ToolsError(
                    f"{option} {value}: the programs of {target} are compiled; leave it out, or "
                    "name a model"
                )
        return TrainingBundle.load(target).choose(keep)
    from trivit.models.families import model_config  # needs PyTorch; a bundle does not
    from trivit.tools.compiler.named import untrained_source

    tokens = 1.0 if keep is None else keep
    connections = 1.0 if attention_keep is None else attention_keep
    config = model_config(target, token_keep_ratio=tokens, attention_keep_ratio=connections)
    derived = derive(
        untrained_source(config, target).model,
        masters=master_bits(masters),
        token_keep_ratio=tokens,
        attention_keep_ratio=connections,
        optimizer=optimizer or "sgd",
    )
    return derived.program


def master_bits(masters: int | None) -> MasterBits:
    """Return the bits of a master, 32 by default.

    Raises:
        ToolsError: other bits.
    """
    if masters is None or masters == 32:
        return 32
    if masters == 16:
        return 16
    raise ToolsError(f"--masters {masters}: parameters have masters of 32 or 16 bits")
