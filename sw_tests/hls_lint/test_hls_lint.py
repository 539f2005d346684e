"""Each rule of the lint of HLS blocks finds its example; the blocks themselves are clean."""

from pathlib import Path

import pytest

from trivit.tools.hls_lint import Source, check
from trivit.tools.hls_lint.__main__ import block_sources, main

REGION = """
void top(hls::stream<int>& in, hls::stream<int>& out) {
#pragma HLS DATAFLOW
    hls::stream<int, 4> middle("middle");
%s
}
"""
LOOP = "void f() {\n    for (%s) {\n#pragma HLS UNROLL\n    }\n}\n"


def messages(text: str) -> list[str]:
    return [f"{found.line}: {found.message}" for found in check(Source.of(text))]


def test_the_blocks_are_clean() -> None:
    sources = block_sources()
    assert {"gelu.hpp", "softmax.cpp"} <= {path.name for path in sources}
    assert [found for path in sources for found in check(Source.of(path.read_text(), path))] == []


@pytest.mark.parametrize(
    ("pragma", "message"),
    [
        ("PIPELNE II = 1", "unknown directive 'PIPELNE'"),
        ("PIPELINE style = flp", "PIPELINE needs II"),
        ("PIPELINE II = 1 stile = flp", "has no option 'stile'"),
        ("PIPELINE II = 1 style = flow", "style = 'flow' is not flp|stp|frp"),
        ("BIND_STORAGE variable = a type = ram_s2p impl = uram", "impl = 'uram'"),
        ("ARRAY_PARTITION complete", "ARRAY_PARTITION needs variable"),
        ("DEPENDENCE variable = a inter RAW distance = four true", "distance = 'four'"),
        ("UNROLL fctor = 2", "UNROLL has no option 'fctor'"),
        ("DATAFLOW disable = 1", "DATAFLOW has no option 'disable'"),
        ("INLINE off = 1", "off stands alone"),
    ],
)
def test_a_wrong_pragma_is_found(pragma: str, message: str) -> None:
    found = messages(f"void f() {{\n#pragma HLS {pragma}\n}}\n")
    assert found and found[0].startswith("2: ") and message in found[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("std::vector<int> a;", "no std::"),
        ("int* a = new int[4];", "no dynamic memory"),
        ("struct S { virtual int f(); };", "no virtual"),
        ("double x;", "no floating point"),
        ("bool b = in.empty();", "read() and write()"),
        ("void f() { while (true) {} }", "do ... while"),
        ("int f(int n) { return n == 0 ? 0 : f(n - 1); }", "f calls itself"),
    ],
)
def test_what_hardware_has_not_is_found(text: str, message: str) -> None:
    found = messages(text)
    assert found and message in found[0]
    assert messages("// " + text) == []


def test_loops_over_lanes_have_constant_bounds_and_are_unrolled() -> None:
    assert messages(LOOP % "int lane = 0; lane < kLanes; ++lane") == []
    assert "constant bounds" in messages(LOOP % "int lane = 0; lane < count; ++lane")[0]
    assert "constant bounds" in messages(LOOP % "int lane = first; lane < kLanes; ++lane")[0]
    rolled = (LOOP % "int lane = 0; lane < kLanes; ++lane").replace("#pragma HLS UNROLL\n", "")
    assert "unrolled" in messages(rolled)[0]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("    a(in, middle);\n    b(middle, out);", ""),
        ("    a(in, middle);\n    b(middle, middle, out);", "stream middle: one call writes"),
        ("    a(in, middle);\n    b(in, middle);\n    c(out);", "stream in: one call has it"),
        ("    a(in, out);", "stream middle"),
        ("    if (x) a(in, middle);\n    b(middle, out);", "streams and calls alone"),
        ("    int x = 0;\n    a(in, middle);\n    b(middle, out);", "streams and calls alone"),
    ],
)
def test_regions_are_canonical(body: str, message: str) -> None:
    found = messages(REGION % body)
    assert (message in found[0]) if message else found == []


def test_the_command_names_file_and_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "wrong.cpp"
    wrong.write_text("int x;\nfloat y;\n")
    assert main([str(wrong)]) == 1
    assert capsys.readouterr().out.startswith(f"{wrong}:2: no floating point")
    assert main([str(tmp_path / "missing.cpp")]) == 2
    assert "No such file" in capsys.readouterr().err
    assert main([]) == 0
