"""The kernel description and the files generated from it."""

from pathlib import Path

import pytest

from trivit.tools.errors import ToolsError
from trivit.tools.kernel import ROOT, load_description, stale, write
from trivit.tools.kernel.__main__ import main

KERNEL = ROOT / "hls" / "kernel.yaml"


def test_generated_files_are_current() -> None:
    assert stale() == []
    assert main(["--check"]) == 0


def test_a_changed_description_makes_them_stale(tmp_path: Path) -> None:
    (tmp_path / "hls").mkdir()
    (tmp_path / "hls/kernel.yaml").write_text(KERNEL.read_text())
    assert len(write(tmp_path)) == 34
    assert stale(tmp_path) == []
    text = KERNEL.read_text().replace("max_tokens: 592", "max_tokens: 584")
    (tmp_path / "hls/kernel.yaml").write_text(text)
    assert {path.name for path in stale(tmp_path)} == {
        "kernel_spec.hpp",
        "spec.py",
        "trivit_spec.sv",
    }
    text = KERNEL.read_text().replace(
        "dst: [write, banks, rows, words]", "dst: [write, banks, 1, words]"
    )
    (tmp_path / "hls/kernel.yaml").write_text(text)
    assert {"checks.hpp", "operands.py"} == {path.name for path in stale(tmp_path)}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("rows: u32", "rows: u31", "has type 'u31'"),
        ("version: 4", "versoin: 2", "unknown entry 'versoin'"),
        ("version: 4", "", "is not a kernel description: 'version'"),
        ("version: 4", "version: 4\nversion: 2", "'version' stands twice, on lines 4 and 5"),
        ("  load:\n", "  load: 1\n  old_load:\n", "is not a kernel description: load"),
        ("flags: {statistics: 0}", "flag: {statistics: 0}", "load has an unknown entry 'flag'"),
        ("max_heads: 16", "max_heads: 016", "line 24 is not valid YAML: 016 is no clear whole"),
        ("descriptor_words: 32", "descriptor_words: 4", "do not fit a descriptor"),
        ("max_tokens: 592", "max_tokens: many", "limits: max_tokens is 'many', not a whole number"),
        ("sum_bits: 44", "sum_bits: wide", "engine: sum_bits is 'wide', not a whole number"),
        ("gmem1: hp0", "gmem1: hp2", "memory: gmem0: hp2 is taken"),
        ("0xa0010000", "0xa0000000", "control and interrupts overlap"),
        ("address: 0xa0010000", "address: 0xa0018000", "interrupts: 0xa0018000 is no multiple"),
        ("cell: trivit ", "cel: trivit ", "board has an unknown entry 'cel'"),
        ("clock_mhz: 150", "clock_mhz:", "timing: clock_mhz is None"),
        ("code: 2", "code: 1", "share a code"),
        ("number: 2", "number: 1", "number the units"),
        ("reports: 24", "reports: 300", "sequencer has 317 bits of 256"),
        ("reports: 24", "reports: 0", "sequencer: reports has 0 bits"),
        ("count_bits: 11", "count_bits: 10", "1184 row groups of 16 heads need 11"),
        ("max_tokens: 592", "max_tokens: 1024", "2048 row groups of 16 heads need 12"),
        ("source_first: 11", "source_first: 9", "engine: source_first has 9 bits, engine.count"),
        ("keys: 10", "keys: 9", "softmax: keys has 9 bits, max_tokens is 592"),
        ("max_depth_words: 384", "max_depth_words: 512", "engine: depth_words has 9 bits, max_de"),
        ("opcodes:", "opcodes: [", "is not valid YAML"),
        ("dst: [write, banks", "dist: [write, banks", "load: operand dist is no field of the op"),
        ("dst: [write, banks", "dst: [writes, banks", "access is 'writes': use one of read, write"),
        ("out_words, residual]", "out_words, bias]", "flag is 'bias': use one of gelu, residual"),
        ("dst: [write, banks, rows, words]", "dst: [write, banks]", "write .access, memory, rows,"),
        (
            "dst: [write, banks, rows",
            "dst: [write, banks, row",
            "'row' names 'row', which is no fie",
        ),
        ("dst: [write, banks, rows", "dst: [write, banks, rows / 2", "'rows / 2' is no expression"),
        ("words: [1, max_depth_words]", "words: 384", "range of words is 384: write .least, most."),
        (
            "max_tokens: 592",
            "max_tokns: 592",
            "names 'max_tokens', which is no field, flag or size",
        ),
    ],
)
def test_contradictions_are_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "kernel.yaml"
    path.write_text(KERNEL.read_text().replace(old, new, 1))
    with pytest.raises(ToolsError, match=message) as caught:
        load_description(path)
    assert "\n" not in str(caught.value)


def test_a_missing_description_is_named(tmp_path: Path) -> None:
    with pytest.raises(ToolsError, match="cannot read"):
        load_description(tmp_path / "kernel.yaml")
