"""The command: all blocks by default; names file and line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from trivit.tools.hls_lint import check
from trivit.tools.hls_lint.__main__ import block_sources, main


def test_a_block_is_clean(capsys: pytest.CaptureFixture[str]) -> None:
    """`make lint` reads them all, which takes seconds."""
    tops = {path.name: path for path in block_sources()}
    assert {"gelu.cpp", "softmax.cpp"} <= set(tops)
    assert main([str(tops["gelu.cpp"])]) == 0, capsys.readouterr().out


def test_it_names_file_and_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    header = tmp_path / "inner.hpp"
    header.write_text("inline int f() {\n    float y = 1;\n    return y;\n}\n")
    wrong = tmp_path / "wrong.cpp"
    wrong.write_text('#include "inner.hpp"\nint top() { return f(); }\nint g() { return h(); }\n')
    assert main([str(wrong)]) == 1
    floating = f"{header}:2: no floating point in a block\n"
    said = capsys.readouterr().out
    assert said == f"{floating}{wrong}:3: use of undeclared identifier 'h'\n"
    wrong.write_text('#include "inner.hpp"\nint top() { return f(); }\n')
    assert main([str(wrong)]) == 1
    assert capsys.readouterr().out == floating


def test_bad_input_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "missing.cpp")]) == 2
    error = capsys.readouterr().err
    assert "No such file" in error and "missing.cpp" in error and error.count("\n") == 1


@pytest.mark.parametrize(
    ("variable", "message"), [("TRIVIT_AP_TYPES", "no ap_int.h in"), ("CXX", "where its headers")]
)
def test_what_is_missing_is_named(tmp_path: Path, variable: str, message: str) -> None:
    source = tmp_path / "empty.cpp"
    source.write_text("")
    command = [sys.executable, "-m", "trivit.tools.hls_lint", str(source)]
    environment = {**os.environ, variable: str(tmp_path / "none")}
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert result.returncode == 2 and message in result.stderr
    assert str(tmp_path / "none") in result.stderr and result.stderr.count("\n") == 1


def test_the_tree_is_that_of_xilinx_types(tmp_path: Path) -> None:
    """Their __SYNTHESIS__ branch, for their compiler alone, is not read; ours is."""
    source = tmp_path / "wide.cpp"
    text = """#include <ap_int.h>
#include <hls_stream.h>
void top(hls::stream<ap_uint<512> >& in, hls::stream<ap_uint<16> >& out, const ap_uint<4>& by) {
    for (ap_uint<5> i = 0; i < 16; ++i) {
#pragma HLS PIPELINE II = 1
        const ap_uint<512> word = in.read();
#ifdef __SYNTHESIS__
        out.write(word.range(15, 0) / by);
#endif
    }
}
"""
    source.write_text(text)
    found = check([source])
    assert [(finding.line, "division" in finding.message) for finding in found] == [(8, True)]
