"""Accesses of an iteration against the ports of its arrays and streams."""

from collections.abc import Callable

import pytest

Lint = Callable[[str], list[str]]

ARRAY = """
static const int kTable[16] = {1, 2};
static int look(int index) {
#pragma HLS INLINE
    return kTable[index];
}
static int look_apart(int index) {
#pragma HLS INLINE off
    return kTable[index];
}
struct Bank {
    int words[16];
    int& operator[](int index) { return words[index]; }
    const int& get(int index) const { return words[index]; }
};
static void add(int& element) { element += 1; }
void top(hls::stream<int>& in, hls::stream<int>& out) {
    int array[16];
    int grid[4][16];
    Bank banks[4];
%s
    for (int i = 0; i < 16; ++i) {
#pragma HLS PIPELINE II = %d
        const int n = in.read();
        const bool odd = (n & 1) != 0;
        int sum = 0;
        %s
        out.write(sum + odd);
    }
    array[0] = grid[0][0] + banks[0].words[0];
}
"""
FOUR = "for (int k = 0; k < 4; ++k) {\n#pragma HLS UNROLL\n %s }"


def partition(arguments: str) -> str:
    return f"#pragma HLS ARRAY_PARTITION {arguments}"


def storage(kind: str) -> str:
    return f"#pragma HLS BIND_STORAGE variable = array type = {kind}"


@pytest.mark.parametrize(
    ("pragma", "ii", "body", "message"),
    [
        ("", 1, "sum = array[n] + array[n + 1];", ""),
        ("", 1, "sum = array[n] + array[n + 1] + array[n + 2];", "array: 3 reads for 2 of its"),
        ("", 2, "sum = array[n] + array[n + 1] + array[n + 2];", ""),
        ("", 1, "sum = array[n] + array[n] + array[n];", ""),
        ("", 1, "array[n] = array[n + 1]; sum = array[i];", "3 accesses for 2"),
        ("", 1, "array[n] += 1; add(array[i]);", "4 accesses for 2"),
        ("", 1, "if (odd) array[n] += 1; else add(array[i]);", ""),
        ("", 1, "sum = odd ? array[n] + array[i] : array[n + 1] + array[n + 2];", ""),
        ("", 1, FOUR % "sum += array[n + k];", "4 reads"),
        ("", 1, FOUR % "if (k < 2) sum += array[n + k];", ""),
        (partition("variable = array complete"), 1, FOUR % "sum += array[n + k];", ""),
        (partition("variable = array cyclic factor = 4"), 1, FOUR % "sum += array[n + k];", ""),
        (partition("variable = array cyclic factor = 2"), 1, FOUR % "sum += array[4 * i + k];", ""),
        (partition("variable = array cyclic factor = 4"), 1, FOUR % "sum += array[4 * k + i];",
         "4 reads"),
        (partition("variable = array block factor = 4"), 1, FOUR % "sum += array[n + k];",
         "4 reads"),
        (partition("variable = grid complete dim = 1"), 1, FOUR % "sum += grid[k][n];", ""),
        (partition("variable = grid complete dim = 1"), 1, FOUR % "sum += grid[k][n] + grid[k][i];",
         ""),
        (partition("variable = grid complete dim = 2"), 1, FOUR % "sum += grid[k][n];", "4 reads"),
        (storage("ram_1p"), 1, "sum = array[n] + array[i];", "2 reads for 1"),
        (storage("ram_s2p"), 1, "sum = array[n]; array[i] = n;", ""),
        (storage("ram_s2p"), 1, "sum = array[n] + array[i];", "2 reads for 1"),
        (storage("ram_2p"), 1, "array[n] = 1; array[i] = 2;", "2 writes for 1"),
        (storage("ram_t2p"), 1, "array[n] = 1; array[i] = 2;", ""),
        ("", 1, "int local[4]; " + FOUR % "local[k] = n + k;" + FOUR % "sum += local[k];", ""),
        ("", 1, FOUR % "sum += look(n + k);", "kTable: 4 reads"),
        ("", 1, FOUR % "sum += look_apart(n + k);", ""),
        ("", 1, FOUR % "sum += banks[k].words[n];", "banks.words: 4 reads"),
        (partition("variable = banks complete"), 1, FOUR % "sum += banks[k].words[n];", ""),
        (partition("variable = banks complete"), 1, "sum = banks[0].words[n] + banks[0].words[i]"
         "+ banks[0].words[1];", "banks.words: 3 reads"),
        ("", 1, "switch (n) { case 0: sum = array[n]; break; case 1: case 2: sum = array[i];"
         " default: sum += array[n + 1]; } array[3] = sum;", "3 accesses"),
        ("", 1, "switch (n) { case 0: sum = array[n] + array[i]; break; default: sum = array[n]; }",
         ""),
        ("", 1, "Bank& bank = banks[2]; bank[n] += 1; sum = bank.get(i);", "3 accesses"),
        ("", 1, "Bank& bank = banks[2]; bank[n] = i; sum = bank.get(i);", ""),
        ("", 1, "sum = in.read();", "in: 2 reads for 1"),
        ("", 2, "sum = in.read();", ""),
        ("", 1, "if (odd) { out.write(1); continue; }", ""),
        ("", 1, "if (odd) { out.write(1); }", "out: 2 writes for 1"),
    ],
)  # fmt: skip
def test_accesses(lint: Lint, pragma: str, ii: int, body: str, message: str) -> None:
    found = lint(ARRAY % (pragma, ii, body))
    assert (message in " ".join(found)) if message else found == []
    assert bool(found) == bool(message)
