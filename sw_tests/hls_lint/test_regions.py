"""DATAFLOW regions: canonical ones pass, every other form is found."""

from collections.abc import Callable

import pytest

Lint = Callable[[str], list[str]]

REGION = """
typedef hls::stream<int> Words;
struct Process {
    bool iterate(Words& in, Words& out) { out.write(in.read()); return true; }
};
static void pass(Words& in, Words& out) { Process process; process.iterate(in, out); }
static void make(Words& out) { out.write(1); }
static void drop(Words& in) { in.read(); }
static void join(Words& in, Words& too, Words& out) { out.write(in.read() + too.read()); }
static void two(Words& in, hls::stream<int, 4> (&out)[2]) {
    for (int i = 0; i < 2; ++i) {
#pragma HLS UNROLL
        out[i].write(in.read());
    }
}
static void both(Words& in, Words& out) { out.write(in.read() + out.read()); }
static int count(Words& in, Words& out) { out.write(in.read()); return 1; }
static void fill(int (&memory)[4], Words& in, Words& out) { out.write(memory[1] = in.read()); }
static void inlined(Words& in, Words& out) {
#pragma HLS INLINE
    out.write(in.read());
}
void top(Words& in, Words& out, int (&memory)[4], bool enabled) {
#pragma HLS DATAFLOW
%s
}
"""
MIDDLE = '    hls::stream<int, 4> middle("middle");\n'


@pytest.mark.parametrize(
    "body",
    [
        MIDDLE + "    pass(in, middle);\n    pass(middle, out);",
        MIDDLE + "#pragma HLS STREAM variable = middle depth = 4\n"
        "    pass(in, middle);\n    pass(middle, out);",
        MIDDLE + "    hls::stream<int, 4> side;\n    hls::stream<int, 4> end;\n"
        "    pass(in, middle);\n    make(side);\n    join(middle, side, end);\n    pass(end, out);",
        "    hls::stream<int, 4> pair[2];\n"
        "    pass(in, pair[0]);\n    pass(pair[0], pair[1]);\n    pass(pair[1], out);",
        "    hls::stream<int, 4> pair[2];\n    two(in, pair);\n    join(pair[0], pair[1], out);",
        "    fill(memory, in, out);",
    ],
)
def test_canonical_regions_pass(lint: Lint, body: str) -> None:
    assert lint(REGION % body) == []


def test_no_loop_and_no_pipeline_is_around_a_region(lint: Lint) -> None:
    region = (REGION % "    pass(in, out);").replace("void top", "static void region")
    top = "void top(Words& in, Words& out, int (&memory)[4]) {\n%s\n}\n"
    call = "region(in, out, memory, true);"
    assert lint(region + top % call) == []
    loop = "for (int i = 0; i < 4; ++i) {\n%s" + call + "}"
    assert "a loop calls this region" in lint(region + top % (loop % ""))[0]
    assert "a pipeline calls" in lint(region + top % (loop % "#pragma HLS PIPELINE II = 1\n"))[0]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (MIDDLE + "pass(in, middle); drop(middle); join(middle, middle, out);", "2 calls read it"),
        (MIDDLE + "pass(in, middle); make(middle); pass(middle, out);", "2 calls write it"),
        (MIDDLE + "pass(in, out);", "stream middle: 0 calls write it"),
        (MIDDLE + "pass(in, middle); make(out);", "stream middle: 0 calls read it"),
        (MIDDLE + "pass(middle, out); pass(in, middle);", "reader comes before its writer"),
        (MIDDLE + "both(in, middle); pass(middle, out);", "2 calls read it"),
        ("hls::stream<int, 4> pair[2]; pass(in, pair[0]); pass(pair[1], out);", "pair[0]: 0 calls"),
        (MIDDLE + "drop(in); pass(in, middle); pass(middle, out);", "two calls have it"),
        ("both(in, out);", "stream out: a port is read or written, not both"),
        (MIDDLE + "if (enabled) pass(in, middle); pass(middle, out);", "a conditional call"),
        ("for (int i = 0; i < 4; ++i) { pass(in, out); }", "a loop in a DATAFLOW region"),
        ("int seen = 0; pass(in, out);", "seen: state of a DATAFLOW region"),
        ("static int seen; pass(in, out);", "seen: state of a DATAFLOW region"),
        ("Process process; pass(in, out);", "process: state of a DATAFLOW region"),
        (
            "static Words kept; pass(in, kept); pass(kept, out);",
            "kept: streams of a region are local",
        ),
        ("int n = count(in, out);", "n: a call of a DATAFLOW region returns nothing"),
        ("count(in, out);", "count: a call of a DATAFLOW region returns nothing"),
        ("enabled = true; pass(in, out);", "a value in a DATAFLOW region"),
        (MIDDLE + "fill(memory, in, middle); fill(memory, middle, out);", "memory of two calls"),
        ("inlined(in, out);", "INLINE dissolves a process"),
        ("pass(in, out); return;", "streams and calls alone"),
    ],
)
def test_other_regions_are_found(lint: Lint, body: str, message: str) -> None:
    assert message in " ".join(lint(REGION % ("    " + body)))
