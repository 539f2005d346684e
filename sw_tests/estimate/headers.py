"""What the C++ declares: constants, members of KernelState, and how they are divided."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod

from trivit.tools.kernel import ROOT

HEADERS = ROOT / "hls" / "include" / "trivit"
SPEC = ROOT / "hls" / "generated" / "kernel_spec.hpp"
TOP = ROOT / "hls" / "src" / "trivit_kernel.cpp"

_BITS = {
    "word_t": 128,
    "acc_t": 48,
    "bool": 1,
    **{f"{sign}int{bits}_t": bits for sign in ("", "u") for bits in (8, 16, 32, 64)},
}
_CONSTANT = re.compile(r"static const (?:int|u?int\d+_t) (\w+)\s*=\s*([^;]+);")
_STRUCT = re.compile(r"^struct (\w+) \{\n(.*?)^\};", re.MULTILINE | re.DOTALL)
_MEMBER = re.compile(r"^    (\w+) (\w+)((?:\s*\[[^\]]+\])*);", re.MULTILINE)
#: The emulator keeps weights in another form; the kernel is what stands before #else.
_BRANCHES = re.compile(r"^#if TRIVIT_ARRAY_AS_HARDWARE\n(.*?)^#else\n.*?^#endif\n", re.M | re.S)
_PARTITION = re.compile(
    r"ARRAY_PARTITION variable = state\.([\w.]+) dim = (\d+) (complete|cyclic factor = ([\w:]+))"
)
_STORAGE = re.compile(r"BIND_STORAGE variable = state\.([\w.]+)\s*type = (\w+) impl = (\w+)")
_DISAGGREGATE = re.compile(r"DISAGGREGATE variable = state\.([\w.]+)")


@dataclass
class Declared:
    """An array of KernelState: sizes, bits of an element, divisions (0: complete), storage."""

    shape: tuple[int, ...]
    bits: int
    divided: dict[int, int] = field(default_factory=dict)
    storage: tuple[str, str] | None = None
    lanes_apart: bool = False

    @property
    def total_bits(self) -> int:
        """Bits of the whole array."""
        return prod(self.shape) * self.bits


def sources() -> str:
    """Return the text of all headers of the kernel."""
    text = "\n".join(path.read_text() for path in sorted(HEADERS.glob("*.hpp")))
    return _BRANCHES.sub(r"\1", re.sub(r" *// .*", "", text))


def top_source() -> str:
    """Return the text of the top function, each pragma on one line."""
    return re.sub(r"\s*\\\n\s*", " ", TOP.read_text())


def constants() -> dict[str, int]:
    """Return every integer constant of the headers."""
    text = SPEC.read_text() + sources()
    pending = {name: value.replace("/", "//") for name, value in _CONSTANT.findall(text)}
    known: dict[str, int] = {}
    while pending:
        solved = {}
        for name, value in pending.items():
            try:
                solved[name] = int(eval(re.sub(r"\b(\d+)u\b", r"\1", value), {}, known))
            except (NameError, SyntaxError):
                continue
        if not solved:  # expressions with casts and sizeof: none of them sizes a memory
            break
        known |= solved
        pending = {name: value for name, value in pending.items() if name not in solved}
    return known


def declared_memories() -> dict[str, Declared]:
    """Return the arrays of KernelState by path, such as ``softmax.score``."""
    structs = {name: _MEMBER.findall(body) for name, body in _STRUCT.findall(sources())}
    known = constants()
    memories = dict(_arrays("KernelState", "", (), structs, known))
    top = top_source()
    factors = known | {f"trivit::{name}": value for name, value in known.items()}
    for path, dim, how, factor in _PARTITION.findall(top):
        touched = [m for name, m in memories.items() if name == path or name.startswith(path + ".")]
        assert touched, f"{path} is divided but not declared"
        first, count = _dimensions(path, structs, known)
        chosen = range(first, first + count) if dim == "0" else [first + int(dim) - 1]
        for memory in touched:
            memory.divided |= {
                d: 0 if how == "complete" else int(factors.get(factor, factor)) for d in chosen
            }
    for path, kind, where in _STORAGE.findall(top):
        for name, memory in memories.items():
            if name == path or name.startswith(path + "."):
                memory.storage = (kind, where)
    for path in _DISAGGREGATE.findall(top):
        memories[path].lanes_apart = True
    return memories


Structs = dict[str, list[tuple[str, str, str]]]


def _sizes(text: str, known: dict[str, int]) -> tuple[int, ...]:
    return tuple(
        int(eval(size.replace("/", "//"), {}, known)) for size in re.findall(r"\[([^\]]+)\]", text)
    )


def _arrays(
    struct: str, path: str, outer: tuple[int, ...], structs: Structs, known: dict[str, int]
) -> Iterator[tuple[str, Declared]]:
    for kind, name, brackets in structs[struct]:
        here = f"{path}.{name}" if path else name
        shape = (*outer, *_sizes(brackets, known))
        if kind in _BITS:
            if shape:
                yield here, Declared(shape, _BITS[kind])
        elif kind in structs and all(
            k in _BITS and not b for k, _, b in structs[kind]
        ):  # a struct of scalars is one element
            if shape:
                yield here, Declared(shape, sum(_BITS[k] for k, _, _ in structs[kind]))
        elif kind in structs:
            yield from _arrays(kind, here, shape, structs, known)


def _dimensions(path: str, structs: Structs, known: dict[str, int]) -> tuple[int, int]:
    """Return how many dimensions lie outside the last name of a path, and how many it has."""
    struct, outside, own = "KernelState", 0, 0
    for name in path.split("."):
        outside += own
        kind, _, brackets = next(m for m in structs[struct] if m[1] == name)
        own = len(_sizes(brackets, known))
        struct = kind
    return outside, own
