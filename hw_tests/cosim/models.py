"""The programs that the complete accelerator runs in its tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from trivit.host.bundle import Bundle
from trivit.models.families import model_config
from trivit.tools.compiler.named import untrained_program


def small_model() -> Bundle:
    """Return the whole 28x28 model with random weights, which drops tokens and connections."""
    config = model_config("micro_28", token_keep_ratio=0.7, attention_keep_ratio=0.5)
    return untrained_program(config, "small", seed=1)


def deit_tiny_blocks() -> Bundle:
    """Return two blocks of DeiT-T at 224 pixels, of which the first keeps 0.7 of its tokens."""
    sizes: dict[str, Any] = {"depth": 2, "selector_blocks": (0,)}
    config = replace(model_config("deit_tiny", token_keep_ratio=0.7), **sizes)
    return untrained_program(config, "blocks", seed=1)
