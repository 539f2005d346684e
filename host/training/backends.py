"""Who executes training programs: one interface, the oracle behind it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trivit.host import oracle
from trivit.host.errors import HostError
from trivit.host.fixed_point import Int16, Int64
from trivit.host.oracle import training
from trivit.host.oracle.attention import CLOSED_SUM
from trivit.host.oracle.selection import pack_mask, unpack_mask
from trivit.host.training.arena import view
from trivit.host.training.descriptors import FIGURES, WRITES, Resolved, StepConstants
from trivit.host.training.program import TrainingProgram
from trivit.host.training.state import Check

TRAINING_BACKENDS = ("reference", "emulator")


class TrainingBackend(ABC):
    """Executes ops one by one on a memory of int16."""

    name: str

    def checker(self, program: TrainingProgram) -> Check:
        """Return who refuses numbers of a program's ops that this backend has no room for.

        What it raises is a HostError; most backends have room for all of the contract.
        """
        del program
        return lambda operation, numbers: None

    @abstractmethod
    def run(self, memory: Int16, operations: Sequence[Resolved], step: StepConstants) -> Int64:
        """Execute the ops; ``memory`` changes in place.

        Returns:
            (ops, 3, 3) int64: for each tensor that an op writes, in the op's order, saturations,
            the largest magnitude and the sum of squares; of ``cls_moments``, which writes none, 0,
            its sum and its sum of squares.
        """


def open_training_backend(name: str) -> TrainingBackend:
    """Return the backend of this name.

    Raises:
        HostError: an unknown name, or a backend that cannot start on this machine.
    """
    if name == "reference":
        return ReferenceTraining()
    if name == "emulator":
        from trivit.host.training.emulator import EmulatorTraining

        return EmulatorTraining()
    raise HostError(f"unknown backend {name!r}: use one of {', '.join(TRAINING_BACKENDS)}")


#: Results of an op in the order of what it writes, each with its saturations.
_Results = list[tuple[Int16, int]]


class ReferenceTraining(TrainingBackend):
    """The oracle: slow and obvious."""

    name = "reference"

    def __init__(self) -> None:
        self._ops: dict[str, Callable[[Resolved, dict[str, Int16]], _Results]] = {
            "patchify": _patchify,
            "cls_row": lambda o, t: [training.cls_row(t["cls"], t["position"], **o.fields)],
            "product": _product,
            "normalise": _normalise,
            "gelu": lambda o, t: [oracle.gelu(t["x"], o.fields["in_frac"], o.fields["out_frac"])],
            "attention": _attention,
            "select_tokens": _select_tokens,
            "select_connections": _select_connections,
            "gather": lambda _, t: [(training.gather(t["x"], t["index"][0]), 0)],
            "cross_entropy": lambda o, t: [
                training.cross_entropy(t["logits"], t["target"], **o.fields)
            ],
            "column_sums": lambda o, t: [training.column_sums(t["dy"], o.fields["shift"])],
            "gelu_backward": lambda o, t: [training.gelu_backward(t["dy"], t["x"], **o.fields)],
            "normalise_backward": _normalise_backward,
            "normalise_gamma": lambda o, t: [training.normalise_gamma(t["dy"], t["x"], **o.fields)],
            "attention_backward": _attention_backward,
            "scatter": lambda o, t: [
                (training.scatter(t["dy"], t["index"][0], o.places["dst"].rows), 0)
            ],
            "add": lambda o, t: [training.add(t["a"], t["b"], **o.fields)],
            "score_bias": lambda o, t: [training.score_bias(t["table"], t["index"], **o.fields)],
            "score_bias_backward": _score_bias_backward,
            "accumulate": _accumulate,
            "release": _release,
        }

    def run(self, memory: Int16, operations: Sequence[Resolved], step: StepConstants) -> Int64:
        """Execute the ops with the oracle's functions."""
        figures = np.zeros((len(operations), WRITES, FIGURES), np.int64)
        for index, operation in enumerate(operations):
            tensors = {name: view(memory, place) for name, place in operation.places.items()}
            if operation.opcode == "cls_moments":
                figures[index, 0, 1:] = _cls_moments(operation, tensors)
                continue
            if operation.opcode in _UPDATES:
                results = _UPDATES[operation.opcode](operation, tensors, step)
            else:
                results = self._ops[operation.opcode](operation, tensors)
                for name, (values, _) in zip(operation.spec.writes, results, strict=True):
                    tensors[name][:] = values.reshape(tensors[name].shape)
            for slot, (values, saturated) in enumerate(results):
                wide = values.astype(np.int64)
                figures[index, slot] = saturated, np.abs(wide).max(), (wide * wide).sum()
        return figures


def _patchify(operation: Resolved, tensors: dict[str, Int16]) -> _Results:
    f, columns = operation.fields, operation.places["dst"].columns
    image = tensors["image"].reshape(f["channels"], f["height"], f["width"])
    return [(oracle.patchify(image, f["patch"])[:, :columns], 0)]


def _product(operation: Resolved, tensors: dict[str, Int16]) -> _Results:
    bias = tensors.get("bias")
    return [
        training.product(
            tensors["a"],
            tensors["b"],
            transpose_a="transpose_a" in operation.flags,
            transpose_b="transpose_b" in operation.flags,
            bias=None if bias is None else bias[0],
            addend=tensors.get("addend"),
            **operation.fields,
        )
    ]


def _normalise(operation: Resolved, tensors: dict[str, Int16]) -> _Results:
    x = tensors["x"][: operation.places["dst"].rows]
    statistics = oracle.row_statistics(x)
    gamma, beta = tensors["gamma"][0], tensors["beta"][0]
    return [oracle.normalise(x, statistics, gamma, beta, **operation.fields)]


def _attention(operation: Resolved, tensors: dict[str, Int16]) -> _Results:
    fields: dict[str, Any] = dict(operation.fields)
    mask = None if "mask" not in tensors else _open(tensors["mask"])
    bias, tokens = tensors.get("bias"), operation.places["qkv"].rows
    if bias is not None:
        bias = bias.reshape(fields["heads"], tokens, tokens)
    got = oracle.attention(tensors["qkv"], mask=mask, bias=bias, **fields)
    return list(zip((got.scores, got.probs, got.context), got.saturations, strict=True))


def _select_tokens(operation: Resolved, tensors: dict[str, Int16]) -> _Results:
    tokens = operation.places["probs"].columns
    probs = tensors["probs"].reshape(operation.fields["heads"], tokens, tokens)
    cls_sum = probs[:, 0].astype(np.int64).sum(axis=0)
    return [(oracle.select_tokens(cls_sum, operation.fields["keep"]), 0)]


def _cls_moments(operation: Resolved, tensors: dict[str, Int16]) -> tuple[int, int]:
    tokens = operation.places["probs"].columns
    probs = tensors["probs"].reshape(operation.fields["heads"], tokens, tokens)
    return training.cls_moments(probs)


def _open(mask: Int16) -> NDArray[np.bool_]:
    return unpack_mask(mask, len(mask))


def _select_connections(operation: Resolved, tensors: dict[str, Int16]) -> _Results:
    heads, dst = operation.fields["heads"], operation.places["dst"]
    tokens = operation.places["probs"].columns
    head_sum = tensors["probs"].reshape(heads, tokens, tokens).astype(np.int64).sum(axis=0)
    if "mask" in tensors:
        head_sum = np.where(_open(tensors["mask"]), head_sum, CLOSED_SUM)
    kept = tensors["index"][0] if "index" in tensors else np.arange(tokens, dtype=np.int16)
    opened = oracle.select_connections(head_sum, kept, operation.fields["keep"])
    return [(pack_mask(opened)[:, : dst.columns], 0)]


def _normalise_backward(operation: Resolved, tensors: dict[str, Int16]) -> _Results:
    return [
        training.normalise_backward(
            tensors["dy"],
            tensors["x"],
            tensors["gamma"][0],
            addend=tensors.get("addend"),
            **operation.fields,
        )
    ]


def _attention_backward(operation: Resolved, tensors: dict[str, Int16]) -> _Results:
    fields = dict(operation.fields)
    tokens = operation.places["probs"].columns
    probs = tensors["probs"].reshape(fields.pop("heads"), tokens, tokens)
    got = training.attention_backward(tensors["dy"], tensors["qkv"], probs, **fields)
    return list(zip((got.probs, got.scores, got.qkv), got.saturated, strict=True))


def _score_bias_backward(operation: Resolved, tensors: dict[str, Int16]) -> _Results:
    index, dst = tensors["index"], operation.places["dst"]
    d_scores = tensors["d_scores"].reshape(dst.columns, *index.shape)
    return [training.score_bias_backward(d_scores, index, entries=dst.rows, **operation.fields)]


def _accumulate(operation: Resolved, tensors: dict[str, Int16]) -> _Results:
    planes = tensors["total"], tensors["total_low"]
    sums = training.accumulate(tensors["gradient"], planes, **operation.fields)
    tensors["total"][:], tensors["total_low"][:] = sums
    return []


def _release(operation: Resolved, tensors: dict[str, Int16]) -> _Results:
    result = training.release((tensors["total"], tensors["total_low"]), **operation.fields)
    tensors["total"][:] = tensors["total_low"][:] = 0
    return [result]


def _update_sgd(operation: Resolved, tensors: dict[str, Int16], step: StepConstants) -> _Results:
    fields = dict(operation.fields)
    shift = fields.pop("rate_shift") + step.rate_exponent
    updated = training.update_sgd(
        tensors["gradient"],
        tensors["high"],
        tensors.get("low"),
        tensors["velocity"],
        clip=step.clip,
        rate=step.rate,
        rate_shift=shift,
        key=training.tensor_key(step.key, fields.pop("number")),
        stochastic=bool(fields.pop("stochastic")),
        **fields,
    )
    tensors["high"][:], tensors["velocity"][:] = updated.high, updated.velocity
    if updated.low is not None:
        tensors["low"][:] = updated.low
    saturated = updated.saturated
    return [(updated.high, saturated[0]), (updated.velocity, saturated[1])]


def _update_adamw(operation: Resolved, tensors: dict[str, Int16], step: StepConstants) -> _Results:
    fields: dict[str, Any] = dict(operation.fields)
    updated = training.update_adamw(
        tensors["gradient"],
        (tensors["high"], tensors.get("low")),
        tensors["velocity"],
        (tensors["second"], tensors["second_low"]),
        training.AdamStep(**vars(step)),
        **{**fields, "stochastic": bool(fields["stochastic"])},
    )
    for name in ("high", "low", "velocity", "second", "second_low"):
        if name in tensors:
            tensors[name][:] = getattr(updated, name)
    written = (updated.high, updated.velocity, updated.second)
    return list(zip(written, updated.saturated, strict=True))


_UPDATES = {"update_sgd": _update_sgd, "update_adamw": _update_adamw}
