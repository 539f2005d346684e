"""Write the program that ``trivit board check`` runs: ``python -m trivit.tools.self_test``."""

from trivit.host.bundle import Bundle
from trivit.host.check.self_test import BUNDLE
from trivit.models.families.vision_transformer import ViTConfig
from trivit.models.files import atomic_write
from trivit.tools.compiler.kept_tokens import with_kept_tokens
from trivit.tools.compiler.named import untrained_program
from trivit.tools.schedule import with_commands

#: The least that gives work to every unit: two selectors with connections, and a block behind them.
_CONFIG = ViTConfig(
    name="self_test",
    image_size=16,
    in_channels=1,
    num_classes=10,
    patch_size=4,
    embed_dim=16,
    depth=3,
    num_heads=2,
    mlp_ratio=2.0,
    selector_blocks=(0, 1),
    token_keep_ratio=0.7,
    attention_keep_ratio=0.5,
)
_SEED = 1


def self_test_bundle() -> Bundle:
    """Return the program: random weights from a seed, and the lists of kept tokens as outputs."""
    return with_kept_tokens(with_commands(untrained_program(_CONFIG, "self_test", seed=_SEED)))


if __name__ == "__main__":
    with atomic_write(BUNDLE) as temporary:
        temporary.write_bytes(self_test_bundle().to_bytes())
    print(BUNDLE)
