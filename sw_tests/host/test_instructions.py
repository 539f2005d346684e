"""Descriptors survive encoding; wrong ones are named."""

import numpy as np
import pytest

from trivit.host.errors import HostError
from trivit.host.generated.spec import OPCODES
from trivit.host.instructions import decode, encode

EXTREMES = {"act": 2**32 - 1, "u32": 2**32 - 1, "i32": -(2**31), "u64": 2**64 - 1}


@pytest.mark.parametrize("opcode", OPCODES)
def test_round_trip_of_extreme_fields(opcode: str) -> None:
    spec = OPCODES[opcode]
    fields = {field.name: EXTREMES[field.type] for field in spec.fields}
    words = encode(opcode, spec.flags, **fields)
    instruction = decode(words)
    assert instruction is not None
    assert instruction.opcode == opcode
    assert instruction.flags == frozenset(spec.flags)
    assert instruction.fields == fields


def test_unknown_opcodes_and_flags_do_not_decode() -> None:
    words = encode("store", src=0, target=0, rows=1, words=1)
    assert decode(words | np.uint32(0xFF)) is None
    words[0] |= 1 << 8
    assert decode(words) is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("halt", ()), "unknown opcode 'halt'"),
        (("matmul", ("relu",)), "matmul has no flag 'relu'"),
        (("load", ()), "load takes the fields"),
    ],
)
def test_wrong_descriptors_are_named(arguments: tuple[str, tuple[str, ...]], message: str) -> None:
    with pytest.raises(HostError, match=message):
        encode(*arguments)


def test_values_outside_their_type_are_named() -> None:
    with pytest.raises(HostError, match=r"load.rows = -1 does not fit u32"):
        encode("load", dst=0, source=0, rows=-1, words=1)
