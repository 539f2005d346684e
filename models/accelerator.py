"""What the accelerator does not compute: the one list, for the quantizer and the estimator."""

from collections.abc import Iterator

from trivit.models.errors import ModelsError
from trivit.models.methods.connections.patterns import CONNECTION_PATTERNS
from trivit.models.methods.tokens.selection import TOKEN_SCORES
from trivit.models.model_config import ModelConfig

# Of every family; what each needs besides is in its configuration's ``accelerator_settings``.
_SETTINGS = {"fuse_tokens": False, "attention_compat": "paper", "class_connections": "open"}


def check_supported(config: ModelConfig) -> None:
    """Check that the accelerator computes a model.

    Raises:
        ModelsError: it does not; the message names the setting and what is supported.
    """
    if config.accelerator_settings is None:
        raise ModelsError(f"the accelerator does not compute {config.name}: choose a ViT or DeiT")
    for name, value, supported in _needs(config):
        if value not in supported:
            wanted = " or ".join(map(repr, supported))
            raise ModelsError(
                f"model.{name} is {value!r}, which the accelerator does not compute: use {wanted}"
            )
    early = [i for i in config.selector_blocks if i + 1 < len(config.blocks)]
    if getattr(config, "relative_position_bias", False) and early and config.token_keep_ratio < 1:
        raise ModelsError(
            f"model.selector_blocks has {early[0]} and model.relative_position_bias is True: which "
            "tokens stay differs from image to image, a bias on the accelerator does not; use no "
            "selectors, or no bias"
        )


def _needs(config: ModelConfig) -> Iterator[tuple[str, object, list[object]]]:
    """Yield each setting that matters, its value, and the values that are supported."""
    for name, supported in {**(config.accelerator_settings or {}), **_SETTINGS}.items():
        yield name, getattr(config, name), [supported]
    for name, registry in (
        ("token_score", TOKEN_SCORES),
        ("attention_pattern", CONNECTION_PATTERNS),
    ):
        supported = [entry for entry in registry.names() if registry[entry].on_accelerator]
        yield name, getattr(config, name), list(supported)
