"""One node with its operands, as the handlers of a node type see it."""

from __future__ import annotations

from dataclasses import dataclass

from trivit.tools.compiler.graph import Node
from trivit.tools.compiler.values import Constant, Elements, Expression, Space, Value
from trivit.tools.errors import ToolsError

SUPPORTED = (
    "patch embedding, linear layers, residual sums, LayerNorm, GELU (erf), softmax attention, "
    "and top-k selection of tokens and connections"
)


@dataclass(frozen=True)
class Call:
    """A node and the values of its inputs; an input that was left out is None."""

    node: Node
    operands: tuple[Value | None, ...]
    space: Space

    def operand(self, index: int) -> Value | None:
        """Return an input, or None when the node leaves it out."""
        return self.operands[index] if index < len(self.operands) else None

    def dynamic(self, index: int) -> Elements:
        """Return an input that must depend on the image."""
        value = self.operand(index)
        if not isinstance(value, Elements):
            raise refuse(self.node, f"its operand {index} must be computed from the image")
        return value

    def constant(self, index: int) -> Constant:
        """Return an input that must be known."""
        value = self.operand(index)
        if not isinstance(value, Constant):
            raise refuse(self.node, f"its operand {index} must be a constant")
        return value

    def new(self, expression: Expression, shape: tuple[int, ...]) -> Elements:
        """Return fresh elements that this node computes."""
        return self.space.new(expression, shape, f"'{self.node.label}' ({self.node.op_type})")


def refuse(node: Node, why: str) -> ToolsError:
    """Return the one-line error for a node that the kernel cannot execute."""
    first_line = (why.splitlines() or [""])[0]
    return ToolsError(f"node '{node.label}' ({node.op_type}): {first_line}; supported: {SUPPORTED}")
