"""Forms that the blocks keep to: loops, DATAFLOW regions, and what hardware has not."""

import re

from trivit.tools.hls_lint.source import Finding, Source

_FORBIDDEN = {
    r"\bstd\s*::": "no std:: in a block: containers and algorithms have no hardware",
    r"\bnew\b|\bdelete\b|\b(?:m|c|re)alloc\b|\bfree\s*\(": "no dynamic memory in a block",
    r"\bvirtual\b": "no virtual calls in a block",
    r"\b(?:float|double)\b": "no floating point in a block",
    r"\.(?:empty|full|read_nb|write_nb|size)\s*\(": "streams of a block block: read() and write()",
    r"\bgoto\b|\bthrow\b|\btry\b": "no jumps out of a block",
    r"\bwhile\s*\((?!running\);)": "the loop of a process is `do ... while (running);`",
}
_FOR = re.compile(r"\bfor\s*\(([^;]*);([^;]*);[^{;]*\)\s*(\{\s*#pragma HLS UNROLL)?")
_CONSTANT = r"(?:[0-9]+|k[A-Z]\w*|lane|place|half|column)"
_START = re.compile(rf"\s*int (\w+) = {_CONSTANT}(?: [-/+*] [0-9]+)?\s*")
_BOUND = re.compile(rf"\s*\w+ (?:<|>=) (?:[0-9]+ \* )?{_CONSTANT}(?: [-+*] {_CONSTANT})?\s*")
_FUNCTION = re.compile(r"\b(\w+)\s*\([^;{}()]*(?:\([^;{}()]*\)[^;{}()]*)*\)\s*(?:const\s*)?\{")
_KEYWORDS = {"if", "for", "while", "switch", "return", "sizeof"}


def _body(text: str, opening: int) -> str:
    depth = 0
    for offset in range(opening, len(text)):
        depth += {"{": 1, "}": -1}.get(text[offset], 0)
        if depth == 0:
            return text[opening + 1 : offset]
    return text[opening + 1 :]


def _loops(source: Source) -> list[Finding]:
    found = []
    for match in _FOR.finditer(source.text):
        start, bound, unrolled = match.groups()
        if not _START.fullmatch(start) or not _BOUND.fullmatch(bound):
            text = (
                f"a loop over lanes has constant bounds, not {start.strip()!r}, {bound.strip()!r}"
            )
            found.append(source.finding(match.start(), text))
        if not unrolled:
            text = "a loop inside of a process is unrolled: `#pragma HLS UNROLL` comes first in it"
            found.append(source.finding(match.start(), text))
    return found


def _recursion(source: Source) -> list[Finding]:
    found = []
    for match in _FUNCTION.finditer(source.text):
        name = match.group(1)
        body = _body(source.text, match.end() - 1)
        if name not in _KEYWORDS and re.search(rf"(?<![\w.>:]){name}\s*\(", body):
            found.append(source.finding(match.start(), f"{name} calls itself"))
    return found


def _regions(source: Source) -> list[Finding]:
    """Check canonical form: streams and calls alone; a stream belongs to two calls, a port to one.

    That the first call writes and the second reads, C simulation shows: it runs them in order.
    """
    found = []
    for match in _FUNCTION.finditer(source.text):
        body = _body(source.text, match.end() - 1)
        if "#pragma HLS DATAFLOW" not in body:
            continue
        statements = re.sub(r"#pragma[^\n]*", "", body).split(";")
        calls: dict[str, int] = {}  # that have a stream as an argument
        local = set()
        for raw in statements:
            statement = " ".join(raw.split())
            stream = re.fullmatch(r"hls::stream<[^()]*> (\w+)\(\"\"\)", statement)
            call = re.fullmatch(r"\w+\(([\w, ]*)\)", statement)
            if stream:
                local.add(stream.group(1))
                calls.setdefault(stream.group(1), 0)
            elif call:
                for argument in call.group(1).split(", "):
                    calls[argument] = calls.get(argument, 0) + 1
            elif statement:
                text = f"a DATAFLOW region holds streams and calls alone, not {statement[:40]!r}"
                found.append(source.finding(match.start(), text))
        for name, count in calls.items():
            if count != (2 if name in local else 1):
                ends = "one call writes, a later one reads" if name in local else "one call has"
                found.append(source.finding(match.start(), f"stream {name}: {ends} it"))
    return found


def check_structure(source: Source) -> list[Finding]:
    """Return what has no hardware, loops without constant bounds, and DATAFLOW that is refused."""
    found = [
        source.finding(match.start(), message)
        for pattern, message in _FORBIDDEN.items()
        for match in re.finditer(pattern, source.text)
    ]
    return found + _loops(source) + _recursion(source) + _regions(source)
