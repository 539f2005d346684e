"""CONTRIBUTING.md's recipe for an op, followed: `scale` is added to a copy of the project.

It goes as far as an op can without hardware: description, oracle, emulator, fuzzing. The scheduler
refuses it by name.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from recipe.copied_tree import CopiedTree

CHECKS = Path(__file__).resolve().parent / "scale_checks.py"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> CopiedTree:
    tree = CopiedTree(tmp_path_factory.mktemp("recipe"))
    shutil.copy(CHECKS, tree.folder / "hw_tests")
    return tree


@pytest.fixture(scope="module")
def changed(tree: CopiedTree) -> list[str]:
    changed = tree.add_slice()
    generated = tree.python("-m", "trivit.tools.kernel")
    assert generated.returncode == 0, generated.stderr
    return changed


def test_an_op_takes_a_handful_of_files(changed: list[str]) -> None:
    assert len(changed) <= 8, changed


def test_the_op_works(tree: CopiedTree, changed: list[str], tmp_path: Path) -> None:
    result = tree.python("hw_tests/scale_checks.py", str(tmp_path))
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.full
def test_the_op_works_in_many_programs(
    tree: CopiedTree, changed: list[str], tmp_path: Path
) -> None:
    result = tree.python("hw_tests/scale_checks.py", str(tmp_path), "--cases", "400")
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_forgotten_oracle_is_noticed(
    tree: CopiedTree, changed: list[str], tmp_path: Path
) -> None:
    """A slice without its part of the oracle fails."""
    machine = tree.folder / "host/oracle/machine.py"
    text = machine.read_text()
    try:
        machine.write_text(text.replace('"scale": self._scale,', ""))
        result = tree.python("hw_tests/scale_checks.py", str(tmp_path))
        assert result.returncode != 0 and "KeyError: 'scale'" in result.stderr, result.stderr
    finally:
        machine.write_text(text)
