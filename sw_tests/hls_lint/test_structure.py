"""Loops, calls and what has no hardware: each rule finds its example and passes another."""

from collections.abc import Callable
from pathlib import Path

import pytest

from trivit.tools.hls_lint import check

Lint = Callable[[str], list[str]]

#: A process whose iteration is what an example puts there.
PROCESS = """
struct Process {
    bool iterate(hls::stream<int>& in, hls::stream<int>& out) {
#pragma HLS INLINE
        int n = in.read();
        int sum = 0;
        %s
        out.write(sum);
        return n != 0;
    }
    int memory[16];
};
void top(hls::stream<int>& in, hls::stream<int>& out) {
    Process process;
    bool running = true;
    do {
#pragma HLS PIPELINE II = 1
        running = process.iterate(in, out);
    } while (running);
}
"""
#: A function with a loop.
LOOP = "void top(int n, int& sum) {\n    %s\n}\n"
UNROLL = "\n#pragma HLS UNROLL\n"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("sum += n / 4 + n % 3;", ""),
        ("sum += 100 / n;", "a division by a variable"),
        ("sum %= n;", "a division by a variable"),
        ("for (int i = 1; i < 4; ++i) {" + UNROLL + "sum += n / i; }", ""),
        ("for (int i = 0; i < 4; ++i) {" + UNROLL + "sum += i; }", ""),
        ("for (int i = 8; i >= 1; i /= 2) {" + UNROLL + "sum += i; }", ""),
        ("for (int i = 0; i < 4; ++i) { sum += i; }", "is unrolled"),
        ("for (int i = 0; i < n; ++i) {" + UNROLL + "sum += i; }", "a variable bound inside"),
        ("for (int i = n; i < 4; ++i) {" + UNROLL + "sum += i; }", "a variable bound inside"),
        ("while (sum < n) { sum += 1; }", "a loop without a bound"),
        ("sum += in.empty();", "empty() of a stream"),
        ("in.read_nb(sum);", "read_nb() of a stream"),
    ],
)
def test_an_iteration_of_a_pipeline(lint: Lint, body: str, message: str) -> None:
    found = lint(PROCESS % body)
    assert (message in " ".join(found)) if message else found == []
    assert bool(found) == bool(message)


def test_the_engine_may_ask_whether_a_stream_has_a_word(tmp_path: Path) -> None:
    """It serves many streams; reads that do not wait are not allowed there either."""
    folder = tmp_path / "trivit" / "engine"
    folder.mkdir(parents=True)
    source = folder / "example.cpp"
    start = "#include <hls_stream.h>\n"
    source.write_text(start + PROCESS % "if (!in.empty()) sum += 1;")
    assert check([source]) == []
    source.write_text(start + PROCESS % "in.read_nb(sum);")
    assert "read_nb() of a stream" in check([source])[0].message


def test_bounds_of_inner_loops_may_depend_on_unrolled_ones_and_on_arguments(lint: Lint) -> None:
    inner = "for (int j = 0; j < i; ++j) {" + UNROLL + "sum += j; }"
    assert lint(PROCESS % ("for (int i = 0; i < 4; ++i) {" + UNROLL + inner + " }")) == []
    below = "static int below(int most) { int sum = 0;" + inner.replace("i;", "most;", 1)
    assert lint(below + "return sum; }" + PROCESS % "sum = below(3) + below(4);") == []
    assert "variable bound" in lint(below + "return sum; }" + PROCESS % "sum = below(n);")[0]
    either = "static int most(int n) { if (n > 3) return 1; return 2; }"
    text = below + "return sum; }" + either + PROCESS % "sum = below(most(%s));"
    assert lint(text % "5") == [] and "variable bound" in lint(text % "n")[0]


@pytest.mark.parametrize(
    ("loop", "message"),
    [
        ("for (int i = 0; i < 8; ++i) sum += i;", ""),
        ("for (int i = 0; i < n; ++i) sum += i;", "LOOP_TRIPCOUNT tells its most"),
        ("for (int i = 0; i < n; ++i) {\n#pragma HLS LOOP_TRIPCOUNT max = 9\n sum += i; }", ""),
        ("for (unsigned i = 8; i >= 0; --i) sum += i;", "wraps around"),
        ("for (unsigned char i = 0; i < 256; ++i) sum += i;", "wraps around"),
        ("for (int i = 0, j = 3; i < 3; ++i, --j) sum += j;", ""),
        ("for (unsigned i = 8; i > 0; --i) sum += i;", ""),
        ("int a[4] = {}; for (int v : a) sum += v;", "a loop over a range"),
        ("for (;;) { sum += 1; }", "a loop without a bound"),
        ("while (n > sum) sum += 1;", "a loop without a bound"),
        ("do { sum += 1; } while (sum < n);", "a loop without a bound"),
        ("bool on = true; do { on = sum > n; } while (on);", "a pipelined `do"),
        ("for (int i = 0; i < n; ++i) {" + UNROLL + "sum += i; }", "without a factor"),
        (
            "for (int j = 0; j < 4; ++j) { for (int i = 0; i < n; ++i) {\n"
            "#pragma HLS LOOP_TRIPCOUNT max = 9\n#pragma HLS PIPELINE II = 1\n sum += i; } }",
            "cannot be flattened",
        ),
        (
            "for (int j = 0; j < 4; ++j) { for (int i = 0; i < 8; ++i) {\n"
            "#pragma HLS PIPELINE II = 1\n sum += i; } }",
            "",
        ),
    ],
)
def test_bounds_of_loops(lint: Lint, loop: str, message: str) -> None:
    found = lint(LOOP % loop)
    assert (message in " ".join(found)) if message else found == []
    assert bool(found) == bool(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("int f(int n) { return n == 0 ? 0 : f(n - 1); }", "f calls itself"),
        ("int g(int n);\nint f(int n) { return g(n); }\nint g(int n) { return f(n); }", "calls it"),
        ("template <int n> int f() { return f<n - 1>(); }\ntemplate <> int f<0>() { return 0; }"
         "\nint g() { return f<3>(); }", ""),
        ("int f(int (*g)(int)) { return g(1); }", "a call through a pointer"),
    ],
)  # fmt: skip
def test_calls(lint: Lint, text: str, message: str) -> None:
    entry = "\nint top() { return %s; }" % ("g()" if not message else "f(1)")
    found = lint(text + ("" if "pointer" in message else entry))
    assert (message in " ".join(found)) if message else found == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("#include <vector>\nstd::vector<int> a;", "no std::"),
        ("#include <array>\nusing namespace std;\narray<int, 4> a;", "no std::"),
        (
            "#include <algorithm>\nusing namespace std;\nint f(int a) { return max(a, 1); }",
            "no std::",
        ),
        ("int* f() { return new int[4]; }", "no dynamic memory"),
        ("#include <stdlib.h>\nvoid* f() { return malloc(4); }", "no dynamic memory"),
        ("struct S { virtual int f(); };", "no virtual"),
        ("struct S { double x; };", "no floating point"),
        ("typedef float Real;\nReal f(Real x) { return x; }", "no floating point"),
        ("int f(int x) { return x * 0.5; }", "no floating point"),
        ("template <class T> int f(T x) { return x * 0.5; }", "no floating point"),
        ("int f(int x) { again: if (x) goto again; return 0; }", "no jumps"),
    ],
)
def test_what_hardware_has_not(lint: Lint, text: str, message: str) -> None:
    found = lint(text)
    assert found and all(message in line for line in found)
    assert lint("/* " + text + " */") == []
