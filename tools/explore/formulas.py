"""The cycle formulas of `trivit.tools.estimate` under another kernel description.

They read their constants from the generated module ``trivit.host.generated.spec``. A candidate has
a spec of its own, so the two modules of formulas are executed once more against it: the search
then uses the formulas that a test compares with the kernel, not a copy of them.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import cast

from trivit.host.instructions import Instruction
from trivit.tools.kernel import emit
from trivit.tools.kernel.description import KernelDescription

_PACKAGE = "trivit.host.generated"
_SPEC = f"{_PACKAGE}.spec"
_FORMULAS = ("trivit.tools.estimate.cycles", "trivit.tools.estimate.schedule")


def cycle_counter(kernel: KernelDescription) -> Callable[[Sequence[Instruction]], int]:
    """Return a function from a program to its modelled cycles for one image on ``kernel``."""
    with _generated_spec(kernel):
        for name in _FORMULAS:
            _execute(name)
        costs = sys.modules[_FORMULAS[-1]].program_costs
    count = cast(Callable[[Sequence[Instruction]], list[object]], costs)

    def cycles(program: Sequence[Instruction]) -> int:
        return sum(cost.cycles for cost in count(program))  # type: ignore[attr-defined]

    return cycles


@contextmanager
def _generated_spec(kernel: KernelDescription) -> Iterator[None]:
    """Let imports of the generated spec see the one of ``kernel``; undone afterwards."""
    package = importlib.import_module(_PACKAGE)
    names = (_SPEC, *_FORMULAS)
    before = {name: importlib.import_module(name) for name in names}
    spec = ModuleType(_SPEC)
    exec(emit.python_spec(kernel), spec.__dict__)
    sys.modules[_SPEC] = spec
    setattr(package, "spec", spec)  # noqa: B010
    try:
        yield
    finally:
        sys.modules.update(before)
        setattr(package, "spec", before[_SPEC])  # noqa: B010


def _execute(name: str) -> None:
    found = find_spec(name)
    assert found is not None and found.loader is not None
    module = module_from_spec(found)
    sys.modules[name] = module
    found.loader.exec_module(module)
