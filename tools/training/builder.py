"""Collects the tensors and ops of a training program while rules state them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np

from trivit.host.fixed_point import Int64
from trivit.host.training.program import Operand, Operation, Phase, Role, TensorSpec
from trivit.host.training.shifts import MASTER_BITS
from trivit.tools.compiler.ir import Parameter, Tensor
from trivit.tools.errors import ToolsError

MasterBits = Literal[16, 32]
Optimizer = Literal["sgd", "adamw"]
#: Fraction lengths before the host has seen a gradient: it moves them before the first step.
_FIRST_GRADIENT_FRAC, _FIRST_MOMENTUM_FRAC = 16, 13
_LARGEST = 32767


class Builder:
    """The program so far.

    ``gradients`` maps a tensor to the tensor that holds its gradient: the sum of what its readers
    have left so far. Rules of the backward pass are called in reverse order of forward, so the sum
    is whole when a tensor's own rule reads it.
    """

    def __init__(self, masters: MasterBits, vector_frac: int, optimizer: Optimizer = "sgd") -> None:
        """Start an empty program.

        Args:
            masters: bits of a parameter's master.
            vector_frac: fraction bits of parameters that are no matrices, at most: an untrained
                bias of zeros would have the longest fraction and no room to grow.
            optimizer: whose updates.
        """
        self._adamw = optimizer == "adamw"
        self.masters, self._vector_frac = masters, vector_frac
        self.tensors: dict[str, TensorSpec] = {}
        self.operations: list[Operation] = []
        self.values: dict[str, Int64] = {}
        self.constants: dict[str, Int64] = {}
        self.gradients: dict[str, str] = {}
        self._decays: dict[str, bool] = {}
        self._versions: dict[str, int] = {}

    def declare(self, spec: TensorSpec) -> str:
        """Add a tensor and return its name.

        Raises:
            ToolsError: there is another tensor of this name.
        """
        if self.tensors.setdefault(spec.name, spec) != spec:
            raise ToolsError(f"two different tensors are called '{spec.name}': rename one")
        return spec.name

    def activation(
        self,
        tensor: Tensor,
        role: Role = "activation",
        recompute: bool = False,
        follows: str = "",
    ) -> str:
        """Add an activation of the compiler's form and return its name."""
        return self.declare(
            TensorSpec(
                name=tensor.name,
                rows=tensor.rows,
                columns=tensor.columns,
                frac=tensor.frac,
                role=role,
                recompute=recompute,
                follows=follows,
            )
        )

    def parameter(self, parameter: Parameter, matrix: bool = False, factor: float = 1.0) -> str:
        """Add a parameter with its master and momentum, and return its name.

        Args:
            parameter: of the compiler's form.
            matrix: weight decay applies.
            factor: the master is the compiler's parameter times this. A power of two moves the
                fraction length alone.
        """
        name = parameter.name
        if name in self.values:
            raise ToolsError(
                f"'{name}' is read by two operations; training takes parameters with one reader"
            )
        integers = parameter.integers.reshape(-1, parameter.integers.shape[-1])
        # The finest at which the largest integer still fits.
        frac = parameter.frac - math.ceil(math.log2(factor))
        frac = frac if matrix else min(frac, self._vector_frac)
        rows, columns = integers.shape
        extra = MASTER_BITS if self.masters == 32 else 0
        # Exact before it is rounded: products of 16 bits and a factor of float64.
        master = np.rint(np.ldexp(integers * factor, frac + extra - parameter.frac))
        largest = _LARGEST << extra
        self.values[name] = np.clip(master, -largest, largest).astype(np.int64)
        self._decays[name] = matrix
        spec = TensorSpec(name=name, rows=rows, columns=columns, frac=frac, role="parameter")
        self.declare(spec)
        if extra:
            self.declare(replace(spec, name=low(name), role="low", of=name))
        self.declare(
            replace(spec, name=momentum(name), frac=_FIRST_MOMENTUM_FRAC, role="momentum", of=name)
        )
        if self._adamw:
            square = replace(spec, name=second(name), frac=_FIRST_MOMENTUM_FRAC, of=name)
            self.declare(replace(square, role="second"))
            self.declare(replace(square, name=low(square.name), role="low", of=square.name))
        return name

    def constant(self, name: str, values: Int64, frac: int = 0) -> str:
        """Add (rows, columns) integers that no step changes; return their name.

        Equal ones of one name prefix are one tensor; others get a suffix.
        """
        base, count = name, 1
        while name in self.constants and not np.array_equal(self.constants[name], values):
            name, count = f"{base}.{count}", count + 1
        rows, columns = values.shape
        spec = TensorSpec(name=name, rows=rows, columns=columns, frac=frac, role="constant")
        self.constants[name] = values
        return self.declare(spec)

    def emit(
        self, opcode: str, phase: Phase = "forward", /, **operands: str | Operand | int | float
    ) -> None:
        """Append an op: names and views are operands, numbers attributes."""
        places = {n: Operand(o) if isinstance(o, str) else o for n, o in operands.items()}
        self.operations.append(
            Operation(
                opcode=opcode,
                operands={n: o for n, o in places.items() if isinstance(o, Operand)},
                attributes={n: o for n, o in places.items() if not isinstance(o, Operand)},
                phase=phase,
            )
        )

    def gradient(self, name: str) -> str:
        """Return the gradient of a tensor.

        Raises:
            ToolsError: nothing that reads it passes one on.
        """
        if name not in self.gradients:
            raise ToolsError(f"'{name}' gets no gradient: nothing that is trained reads it")
        return self.gradients[name]

    def new_gradient(self, of: str, follows: str = "") -> str:
        """Add the gradient of a tensor and return its name; a later one has another name."""
        spec, version = self.tensors[of], self._versions.get(of, 0)
        self._versions[of] = version + 1
        return self.declare(
            TensorSpec(
                name=f"{of}.grad" + (f".{version}" if version else ""),
                rows=spec.rows,
                columns=spec.columns,
                frac=_FIRST_GRADIENT_FRAC,
                role="gradient",
                of=of if spec.role == "parameter" else "",
                follows=follows,
            )
        )

    def contribute(self, of: str, emit: Callable[[str, dict[str, str | Operand]], None]) -> None:
        """Let ``emit(dst, addend)`` append the op that adds to the gradient of ``of``.

        ``addend`` is the operand of that name, or empty for the first contribution.
        """
        before = self.gradients.get(of)
        destination = self.new_gradient(of)
        emit(destination, {} if before is None else {"addend": before})
        self.gradients[of] = destination

    def pass_on(self, of: str, gradient: str) -> None:
        """Add a gradient that is there already to that of ``of``."""
        before = self.gradients.get(of)
        if before is None:
            self.gradients[of] = gradient
            return
        destination = self.new_gradient(of)
        self.emit("add", "backward", dst=destination, a=before, b=gradient)
        self.gradients[of] = destination

    def update(self, parameter: str, gradient: str | Operand) -> None:
        """Append the update of a parameter by its gradient."""
        planes = {"low": low(parameter)} if self.masters == 32 else {}
        if self._adamw:
            planes |= {"second": second(parameter), "second_low": low(second(parameter))}
        self.emit(
            "update_adamw" if self._adamw else "update_sgd",
            "update",
            high=parameter,
            velocity=momentum(parameter),
            gradient=gradient,
            number=list(self.values).index(parameter),
            decays=int(self._decays[parameter]),
            **planes,
        )


def low(parameter: str) -> str:
    """Return the name of a parameter's low plane."""
    return f"{parameter}.low"


def second(parameter: str) -> str:
    """Return the name of a parameter's second moment."""
    return f"{parameter}.second"


def momentum(parameter: str) -> str:
    """Return the name of a parameter's momentum."""
    return f"{parameter}.momentum"
