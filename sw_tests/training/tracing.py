"""A recorder for tests on a CPU: it does what a CUDA graph would, and says where that differs.

A CUDA graph repeats kernels with the addresses and the numbers of the recording. Here the work is
done again instead, and its operations are compared with those of the recording: the same ones in
the same order, each with the same numbers, and with tensors that either were made by the same
operation before or lie at the same address. Then a graph would have computed the same. What reads
a value on the host fails at once.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from trivit.models.training.optimisation import WeightUpdate

# They make the host wait for values, or give tensors whose size depends on these.
_READS = {
    "_local_scalar_dense",
    "equal",
    "is_nonzero",
    "item",
    "masked_select",
    "nonzero",
    "unique_consecutive",
    "unique_dim",
    "_unique",
    "_unique2",
}
_PLAIN = (bool, int, float, str, type(None), torch.dtype, torch.device, torch.layout)

# The number of an operation and of its result, or "address" and the address.
Origin = tuple[int | str, int]


class Trace(TorchDispatchMode):
    """Notes every operation, with where its tensors come from.

    Attributes:
        operations: name of each, its arguments, and where the tensors among them come from.
    """

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[tuple[str, Any, list[Origin]]] = []
        self._origin: dict[int, Origin] = {}
        # Kept, so that no other tensor comes to lie where they are.
        self._given: list[Tensor] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        name = func._schema.name
        _check(name.removeprefix("aten::"), args)
        given: list[Tensor] = []
        described = [_described(value, given) for value in (*args, *kwargs.items())]
        origins = [self._origin_of(value) for value in given]
        result = func(*args, **kwargs)
        places = {_place(value) for value in given}
        made: list[Tensor] = []
        _described(result, made)
        for number, value in enumerate(made):
            if _place(value) not in places:
                self._origin[_place(value)] = (len(self.operations), number)
        self.operations.append((name, described, origins))
        return result

    def _origin_of(self, value: Tensor) -> Origin:
        place = _place(value)
        if place not in self._origin:
            self._origin[place] = ("address", place)
            self._given.append(value)
        return self._origin[place]


def _check(name: str, args: tuple[Any, ...]) -> None:
    """Fail if the host would have to wait for a value."""
    assert name not in _READS, f"{name} reads a value on the host"
    if name in ("index", "index_put", "index_put_"):
        chosen = [value for value in args[1] if value is not None]
        assert all(v.dtype != torch.bool for v in chosen), "a size is read on the host"


def _described(value: Any, tensors: list[Tensor]) -> Any:
    """Return what can be compared of an argument; add its tensors to ``tensors``."""
    if isinstance(value, Tensor):
        tensors.append(value)
        return value.storage_offset(), tuple(value.shape), value.stride(), value.dtype
    if isinstance(value, list | tuple):
        return [_described(part, tensors) for part in value]
    assert not isinstance(value, torch.Generator), "a generator's state is read"
    # Objects, such as groups of processes, are made anew for each call.
    return value if isinstance(value, _PLAIN) else type(value).__name__


def _place(value: Tensor) -> int:
    return value.untyped_storage().data_ptr()


def traced(work: Callable[[], object]) -> Trace:
    with Trace() as trace:
        work()
    return trace


class TracingRecorder:
    """Records by doing the work; replays by doing it again, and compares.

    Attributes:
        warm_ups, recordings, replays: how many there were.
    """

    def __init__(self) -> None:
        self.warm_ups = self.recordings = self.replays = 0

    def warm_up(self, work: Callable[[], object]) -> None:
        self.warm_ups += 1
        work()

    def record(self, work: Callable[[], object]) -> Callable[[], object]:
        self.recordings += 1
        recorded = traced(work)

        def replay() -> None:
            self.replays += 1
            again = traced(work).operations
            for number, (before, now) in enumerate(zip(recorded.operations, again)):  # noqa: B905
                assert now == before, f"operation {number} is {now}, and was {before}"
            assert len(again) == len(recorded.operations)

        return replay


def init_as_on_cuda() -> Callable[..., None]:
    """Return ``WeightUpdate.__init__``, after which learning rate and decay are tensors."""
    original = WeightUpdate.__init__

    def init(self: WeightUpdate, *arguments: Any, **settings: Any) -> None:
        original(self, *arguments, **settings)
        for group in self.optimizer.param_groups:
            group["lr"] = torch.tensor(group["lr"], dtype=torch.float64)
        if self.average is not None:
            self.average._share = torch.zeros(())

    return init
