"""Pragmas: each rule finds its example and passes what keeps to it."""

from collections.abc import Callable

import pytest

Lint = Callable[[str], list[str]]

SCOPE = """
static const int kFour = 4;
struct Memory { int value[8]; };
struct Process { Memory memory; int grid[4][6]; int scalar; };
void top(hls::stream<int>& in) {
    Process process;
    hls::stream<int, 4> words("words");
    int array[8];
#pragma HLS %s
    (void)process;
    (void)array;
}
"""


@pytest.mark.parametrize(
    ("pragma", "message"),
    [
        ("PIPELNE II = 1", "unknown directive 'PIPELNE'"),
        ("PIPELINE style = flp", "PIPELINE needs II"),
        ("PIPELINE II = 1 stile = flp", "has no option 'stile'"),
        ("PIPELINE II = 1 style = flow", "style = 'flow' is not flp|stp|frp"),
        ("BIND_STORAGE variable = array type = ram_s2p impl = uram", "the ZU9EG has no URAM"),
        ("BIND_STORAGE variable = array type = ram_3p", "type = 'ram_3p' is not"),
        ("ARRAY_PARTITION complete", "ARRAY_PARTITION needs variable"),
        ("DEPENDENCE variable = array inter RAW distance = 4.5 true", "distance = '4.5'"),
        ("DATAFLOW disable = 1", "DATAFLOW has no option 'disable'"),
        ("INLINE off = 1", "off stands alone"),
        ("ARRAY_PARTITION \\\n variable = array kind = cyclic", "has no option 'kind'"),
    ],
)
def test_directives_options_and_values(lint: Lint, pragma: str, message: str) -> None:
    assert any(found.startswith("9: ") and message in found for found in lint(SCOPE % pragma))


@pytest.mark.parametrize(
    ("pragma", "message"),
    [
        ("ARRAY_PARTITION variable = process.memory.value complete", ""),
        ("ARRAY_PARTITION variable = process.memory.values complete", "no member named 'values'"),
        ("ARRAY_PARTITION variable = grid complete", "undeclared identifier 'grid'"),
        ("ARRAY_PARTITION variable = process.grid dim = 2 cyclic factor = kThree", "'kThree'"),
        ("ARRAY_PARTITION variable = process.scalar complete", "no array"),
        ("ARRAY_PARTITION variable = process.memory complete", "no array"),
        ("DEPENDENCE variable = words inter false", "no array"),
        ("STREAM variable = words depth = kFour", ""),
        ("STREAM variable = process depth = 4", "neither an array nor a stream"),
        ("BIND_STORAGE variable = words type = fifo impl = srl", ""),
        ("BIND_STORAGE variable = words type = ram_2p", "type = fifo is for streams"),
        ("BIND_STORAGE variable = array type = fifo", "type = fifo is for streams"),
        ("INTERFACE mode = axis port = in", ""),
        ("INTERFACE mode = ap_ctrl_none port = return", ""),
        ("INTERFACE axis port = in", ""),
        ("INTERFACE port = in", "INTERFACE needs mode"),
        ("INTERFACE mode = axis port = words", "not a parameter"),
        ("INTERFACE mode = axis port = out", "undeclared identifier 'out'"),
    ],
)
def test_what_a_pragma_names_is_in_scope_and_fits(lint: Lint, pragma: str, message: str) -> None:
    found = lint(SCOPE % pragma)
    assert bool(found) == bool(message)
    assert all(line.startswith("9: ") for line in found) and message in " ".join(found)


def test_a_name_in_another_functions_scope_is_found_in_templates_too(lint: Lint) -> None:
    text = (
        "template <int n> struct S { void f() {\n#pragma HLS STREAM variable = %s\n} int own[n]; };"
    )
    call = "void top() { S<2> s; s.f(); }"
    assert lint((text % "own") + call) == []
    assert "undeclared identifier 'others'" in lint((text % "others") + call)[0]


@pytest.mark.parametrize(
    ("pragma", "message"),
    [
        ("variable = array cyclic factor = 4", ""),
        ("variable = array cyclic factor = kFour", ""),
        ("variable = array type = block factor = 2", ""),
        ("variable = array cyclic factor = 3", "factor = 3 does not divide 8, dimension 1"),
        ("variable = process.grid cyclic factor = kFour dim = 2", "= 4 does not divide 6"),
        ("variable = process.grid cyclic factor = 2 dim = 0", ""),
        ("variable = process.grid cyclic factor = 4 dim = 0", "does not divide 6, dimension 2"),
        ("variable = process.grid complete dim = 3", "dim = 3 of an array of 2"),
        ("variable = array complete factor = 2", "complete takes no factor"),
        ("variable = array cyclic", "cyclic needs a factor"),
    ],
)
def test_factors_of_partitions_divide(lint: Lint, pragma: str, message: str) -> None:
    found = lint(SCOPE % f"ARRAY_PARTITION {pragma}")
    assert (message in found[0]) if message else found == []


def test_a_pragma_needs_a_body(lint: Lint) -> None:
    text = "void top(int& sum) {\nfor (int i = 0; i < 4; ++i)%s\n#pragma HLS UNROLL\nsum += i;\n%s}"
    assert "3: UNROLL stands in no body" in lint(text % ("", ""))
    assert lint(text % ("{", "}")) == []


@pytest.mark.parametrize(
    ("directive", "place", "message"),
    [
        ("UNROLL factor = 2", "loop", ""),
        ("UNROLL factor = 3", "loop", "factor = 3 does not divide 8 iterations"),
        ("UNROLL factor = 2", "function", "UNROLL stands directly in a loop"),
        ("LOOP_TRIPCOUNT max = 8", "function", "LOOP_TRIPCOUNT stands directly in a loop"),
        ("PIPELINE II = 1", "branch", "PIPELINE stands directly in a loop or a function"),
        ("DATAFLOW", "loop", "DATAFLOW stands directly in a function, with no loop around"),
        ("INLINE", "loop", "INLINE stands directly in a function"),
        ("STREAM variable = places depth = 2", "file", "STREAM stands in no body"),
    ],
)
def test_pragmas_stand_where_they_mean_something(
    lint: Lint, directive: str, place: str, message: str
) -> None:
    pragmas = dict.fromkeys(("file", "function", "loop", "branch"), "")
    pragmas[place] = f"#pragma HLS {directive}"
    text = f"""
int places[4];
{pragmas["file"]}
void top(int& sum, bool more) {{
{pragmas["function"]}
    for (int i = 0; i < 8; ++i) {{
{pragmas["loop"]}
        sum += i;
    }}
    if (more) {{
{pragmas["branch"]}
        sum += 1;
    }}
}}
"""
    found = lint(text)
    assert (message in found[0]) if message else found == []
