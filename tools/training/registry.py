"""Which rule states the forward and the backward ops of an operation of the compiler's form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from trivit.tools.training.builder import Builder

#: States ops of one operation; the operation is of the type that the rule is registered for.
Statement = Callable[[Any, Builder], None]


@dataclass(frozen=True)
class Rule:
    """The forward ops of an operation, and its gradient as ops (its vector-Jacobian product)."""

    forward: Statement
    backward: Statement


RULES: dict[type, Rule] = {}


def rule(kind: type, forward: Statement, backward: Statement) -> None:
    """Register the rule of an operation of the compiler's form."""
    assert kind not in RULES, kind
    RULES[kind] = Rule(forward, backward)
