"""Directives, options and values of pragmas (UG1399, HLS Pragmas).

Vitis HLS only warns of a pragma that it does not understand, and synthesises without it.
"""

import re

from trivit.tools.hls_lint.source import Finding, Source

#: Any text, for options that name an expression or a number.
_ANY = re.compile(r".+")
_NUMBER = re.compile(r"[0-9]+|k[A-Za-z0-9]+")


def _one_of(*values: str) -> re.Pattern[str]:
    return re.compile("|".join(values))


_STORAGE = _one_of("fifo", "ram_1p", "ram_2p", "ram_s2p", "ram_t2p", "rom_1p", "rom_2p", "rom_np")
_IMPLEMENTATION = _one_of("auto", "bram", "lutram", "srl", "memory")

#: Options of each directive that the blocks may use, with their values (None: stands alone), and
#: those that must be there.
DIRECTIVES: dict[str, tuple[dict[str, re.Pattern[str] | None], set[str]]] = {
    "ARRAY_PARTITION": (
        {
            **{"variable": _ANY, "dim": _NUMBER, "factor": _NUMBER},
            **{"type": _one_of("block", "cyclic", "complete")},
            **{"block": None, "cyclic": None, "complete": None},
        },
        {"variable"},
    ),
    "BIND_STORAGE": (
        {"variable": _ANY, "type": _STORAGE, "impl": _IMPLEMENTATION, "latency": _NUMBER},
        {"variable", "type"},
    ),
    "DATAFLOW": ({}, set()),
    "DEPENDENCE": (
        {
            **{"variable": _ANY, "distance": _NUMBER, "inter": None, "intra": None},
            **{"RAW": None, "WAR": None, "WAW": None, "true": None, "false": None},
        },
        {"variable"},
    ),
    "INLINE": ({"off": None, "recursive": None}, set()),
    "INTERFACE": (
        {
            **{"mode": _one_of("axis", "ap_ctrl_none", "ap_ctrl_hs", "s_axilite", "m_axi")},
            **{"port": _ANY, "depth": _NUMBER, "bundle": _ANY, "offset": _ANY},
        },
        {"mode", "port"},
    ),
    "PIPELINE": ({"II": _NUMBER, "style": _one_of("flp", "stp", "frp"), "rewind": None}, {"II"}),
    "STREAM": (
        {"variable": _ANY, "depth": _NUMBER, "type": _one_of("fifo", "pipo", "shared", "unsync")},
        {"variable"},
    ),
    "UNROLL": ({"factor": _NUMBER, "skip_exit_check": None}, set()),
}

_PRAGMA = re.compile(r"^[ \t]*#pragma[ \t]+HLS\b(.*)$", re.MULTILINE)
_OPTION = re.compile(r"([A-Za-z_]+)(?:\s*=\s*(\S+))?")


def _complaints(directive: str, rest: str) -> list[str]:
    if directive not in DIRECTIVES:
        return [f"unknown directive {directive!r}: one of {', '.join(DIRECTIVES)}"]
    options, required = DIRECTIVES[directive]
    given = dict(_OPTION.findall(rest))
    complaints = [f"{directive} needs {name}" for name in sorted(required - set(given))]
    for name, value in given.items():
        if name not in options:
            known = ", ".join(options) or "none"
            complaints.append(f"{directive} has no option {name!r}: {known}")
            continue
        allowed = options[name]
        if allowed is None and value:
            complaints.append(f"{directive}: {name} stands alone, without {value!r}")
        elif allowed is not None and not allowed.fullmatch(value):
            complaints.append(f"{directive}: {name} = {value!r} is not {allowed.pattern}")
    return complaints


def check_pragmas(source: Source) -> list[Finding]:
    """Return unknown directives, unknown or missing options and values that are none."""
    found = []
    for match in _PRAGMA.finditer(source.text):
        directive, _, rest = match.group(1).strip().partition(" ")
        found += [source.finding(match.start(), text) for text in _complaints(directive, rest)]
    return found
