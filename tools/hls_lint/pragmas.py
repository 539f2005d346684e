"""Directives, options and values of pragmas (UG1399, HLS Pragmas).

Vitis HLS only warns of a pragma that it does not understand, and synthesises without it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from trivit.tools.hls_lint.finding import Finding

#: Any text, for options that name an expression.
_ANY = re.compile(r".+")
#: A number or a constant of the source, which the compiler then looks up.
_NUMBER = re.compile(r"[0-9]+|[A-Za-z_]\w*(?:::\w+)*")


def _one_of(*values: str) -> re.Pattern[str]:
    return re.compile("|".join(values))


_KINDS = _one_of("block", "cyclic", "complete")
_STORAGE = _one_of(
    *("fifo", "ram_1p", "ram_1wnr", "ram_2p", "ram_s2p", "ram_t2p", "rom_1p", "rom_2p", "rom_np"),
)
_IMPLEMENTATION = _one_of("auto", "bram", "bram_ecc", "lutram", "srl", "memory")
_OPERATION = _one_of("mul", "add", "sub")
_MODES = ("axis", "ap_ctrl_none", "ap_ctrl_hs", "ap_ctrl_chain", "s_axilite", "m_axi", "ap_none")
_Options = dict[str, re.Pattern[str] | None]

_DIVISION: _Options = {
    **{"variable": _ANY, "dim": _NUMBER, "factor": _NUMBER, "type": _KINDS},
    **{"block": None, "cyclic": None, "complete": None},
}

#: Options of each directive that the blocks may use, with their values (None: stands alone), and
#: those that must be there.
DIRECTIVES: dict[str, tuple[_Options, set[str]]] = {
    "AGGREGATE": ({"variable": _ANY, "compact": _one_of("none", "byte", "bit", "auto")}, set()),
    "ALLOCATION": (
        {**{"instances": _ANY, "limit": _NUMBER}, **{"function": None, "operation": None}},
        {"instances", "limit"},
    ),
    "ARRAY_PARTITION": (_DIVISION, {"variable"}),
    "ARRAY_RESHAPE": (_DIVISION, {"variable"}),
    "BIND_OP": (
        {
            **{"variable": _ANY, "op": _OPERATION, "impl": _one_of("dsp", "fabric", "auto")},
            "latency": _NUMBER,
        },
        {"variable", "op"},
    ),
    "BIND_STORAGE": (
        {"variable": _ANY, "type": _STORAGE, "impl": _IMPLEMENTATION, "latency": _NUMBER},
        {"variable", "type"},
    ),
    "DATAFLOW": ({"disable_start_propagation": None}, set()),
    "DEPENDENCE": (
        {
            **{"variable": _ANY, "distance": _NUMBER, "inter": None, "intra": None},
            **{"RAW": None, "WAR": None, "WAW": None, "true": None, "false": None},
            **{"type": _one_of("inter", "intra"), "direction": _one_of("RAW", "WAR", "WAW")},
            **{"dependent": _one_of("true", "false"), "class": _one_of("array", "pointer")},
        },
        {"variable"},
    ),
    "DISAGGREGATE": ({"variable": _ANY}, {"variable"}),
    "INLINE": ({"off": None, "recursive": None}, set()),
    "INTERFACE": (
        {
            **{"mode": _one_of(*_MODES), **dict.fromkeys(_MODES), "name": _ANY},
            **{"port": _ANY, "depth": _NUMBER, "bundle": _ANY, "offset": _ANY},
            **{"register": None, "latency": _NUMBER, "max_widen_bitwidth": _NUMBER},
            **{"max_read_burst_length": _NUMBER, "max_write_burst_length": _NUMBER},
            **{"num_read_outstanding": _NUMBER, "num_write_outstanding": _NUMBER},
        },
        {"port"},
    ),
    "EXPRESSION_BALANCE": ({"off": None}, set()),
    "FUNCTION_INSTANTIATE": ({"variable": _ANY}, {"variable"}),
    "LATENCY": ({"min": _NUMBER, "max": _NUMBER}, set()),
    "LOOP_FLATTEN": ({"off": None}, set()),
    "LOOP_TRIPCOUNT": ({"min": _NUMBER, "max": _NUMBER, "avg": _NUMBER}, {"max"}),
    "LOOP_MERGE": ({"force": None}, set()),
    "OCCURRENCE": ({"cycle": _NUMBER}, {"cycle"}),
    "PIPELINE": ({"II": _NUMBER, "style": _one_of("flp", "stp", "frp"), "rewind": None}, {"II"}),
    "PROTOCOL": ({"mode": _one_of("floating", "fixed"), "floating": None, "fixed": None}, set()),
    "RESET": ({"variable": _ANY, "off": None}, {"variable"}),
    "STABLE": ({"variable": _ANY}, {"variable"}),
    "STREAM": (
        {"variable": _ANY, "depth": _NUMBER, "type": _one_of("fifo", "pipo", "shared", "unsync")},
        {"variable"},
    ),
    "TOP": ({"name": _ANY}, {"name"}),
    "UNROLL": ({"factor": _NUMBER, "skip_exit_check": None}, set()),
}

_PRAGMA = re.compile(r"^[ \t]*#[ \t]*pragma[ \t]+HLS\b((?:[^\n]*\\\n)*[^\n]*)$", re.MULTILINE)
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_OPTION = re.compile(r"([A-Za-z_]+)(?:\s*=\s*(\S+))?")
#: How declarations that stand for pragmas are called.
MARKER = "hls_pragma_"


@dataclass(frozen=True)
class Pragma:
    """A pragma and its place; options that stand alone have an empty value."""

    path: Path
    line: int
    directive: str
    options: dict[str, str]

    @property
    def expression(self) -> str:
        """Return what it names in the source, empty when it names nothing."""
        named = self.options.get("variable", self.options.get("port", ""))
        return "" if named == "return" else named

    def finding(self, message: str) -> Finding:
        """Return a finding at its line."""
        return Finding(self.path, self.line, message)


def _find(text: str) -> Iterator[tuple[re.Match[str], str, dict[str, str]]]:
    for match in _PRAGMA.finditer(text):
        words = " ".join(_COMMENT.sub("", match.group(1)).replace("\\\n", " ").split())
        directive, _, rest = words.partition(" ")
        yield match, directive, dict(_OPTION.findall(rest))


def _complaints(directive: str, given: dict[str, str]) -> list[str]:
    if directive not in DIRECTIVES:
        return [f"unknown directive {directive!r}: one of {', '.join(DIRECTIVES)}"]
    options, required = DIRECTIVES[directive]
    complaints = [f"{directive} needs {name}" for name in sorted(required - set(given))]
    if directive == "INTERFACE" and not {"mode", *_MODES} & set(given):
        complaints.append("INTERFACE needs mode")
    for name, value in given.items():
        if name not in options:
            known = ", ".join(options) or "none"
            complaints.append(f"{directive} has no option {name!r}: {known}")
            continue
        allowed = options[name]
        if allowed is None and value:
            complaints.append(f"{directive}: {name} stands alone, without {value!r}")
        elif value == "uram":
            complaints.append("impl = uram: the ZU9EG has no URAM, take bram or lutram")
        elif allowed is not None and not allowed.fullmatch(value):
            complaints.append(f"{directive}: {name} = {value!r} is not {allowed.pattern}")
    return complaints


def check_pragmas(text: str, path: Path) -> list[Finding]:
    """Return unknown directives, unknown or missing options and values that are none."""
    return [
        Finding(path, text.count("\n", 0, match.start()) + 1, complaint)
        for match, directive, options in _find(text)
        for complaint in _complaints(directive, options)
    ]


def mark(text: str, path: Path, pragmas: list[Pragma]) -> str:
    """Return the text with a declaration in place of each pragma, for the compiler to place.

    The declaration has the type of the expression that the pragma names; one more has the size of
    each constant that an option names: both must be in scope there. Lines stay where they are.
    ``pragmas`` grows by those found; a declaration's number is its pragma's place in that list.
    """
    parts = []
    end = 0
    for match, directive, options in _find(text):
        start = match.start()
        pragma = Pragma(path, text.count("\n", 0, start) + 1, directive, options)
        name = f"{MARKER}{len(pragmas)}"
        pragmas.append(pragma)
        known, _ = DIRECTIVES.get(directive, ({}, set()))
        constants = [
            f"typedef char {name}_{option}[{value}];"
            for option, value in options.items()
            if known.get(option) is _NUMBER and not value.isdigit() and _NUMBER.fullmatch(value)
        ]
        type_ = f"decltype({pragma.expression})" if pragma.expression else "int"
        declaration = " ".join([*constants, f"typedef {type_} {name};"])
        parts += [text[end:start], declaration, "\n" * match.group(0).count("\n")]
        end = match.end()
    return "".join([*parts, text[end:]])
