"""What the documentation names exists: tests, files, sizes, links, versions. Prose is narrow."""

import re
from pathlib import Path

import pytest

from trivit.models.accounting import DENSE, image_macs
from trivit.models.vit_config import MODELS, named_config

ROOT = Path(__file__).parents[2]
FOLDERS = ("configs", "docs", "hls", "host", "hw_tests", "models", "sw_tests", "tools")
PAGES = [*ROOT.glob("*.md"), *(page for name in FOLDERS for page in (ROOT / name).rglob("*.md"))]
TEXT = (ROOT / "docs" / "methods.md").read_text()
# Cells do not contain bars; the separator line has no letters.
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TEXT.splitlines()
    if line.startswith("| ")
]


def test_every_named_test_exists() -> None:
    named = [match for row in ROWS for match in re.findall(r"`(test_\w+\.py)`: (.*)", row[-1])]
    assert len(named) >= 10
    for file, tests in named:
        source = (ROOT / "sw_tests" / "models" / file).read_text()
        for test in re.findall(r"`(\w+)`", tests):
            assert f"def test_{test}(" in source, f"{file} has no test_{test}"


def test_every_named_file_exists() -> None:
    folders = (ROOT / "models", ROOT / "models" / "sparsity", ROOT)
    for name in re.findall(r"`([\w/]+\.(?:py|yaml))`", TEXT):
        if not name.startswith("test_"):
            assert any((folder / name).is_file() for folder in folders), name


@pytest.mark.parametrize("name", [name for name in MODELS if name.startswith("deit")])
def test_multiply_accumulates_are_the_documented_ones(name: str) -> None:
    (row,) = [row for row in ROWS if row[0] == f"`{name}`"]
    assert float(row[3]) == round(image_macs(named_config(name), DENSE).total / 1e9, 2)
    assert int(row[1]) == 1 + MODELS[name].num_patches


def test_every_link_leads_to_a_file() -> None:
    links = [
        (page, target)
        for page in PAGES
        for target in re.findall(r"\]\(([^)\s#:]+)(?:#[^)]*)?\)", page.read_text())
    ]
    assert len(links) > 40
    broken = [(page, target) for page, target in links if not (page.parent / target).exists()]
    assert not broken


def test_no_line_of_prose_passes_column_100() -> None:
    too_long = []
    for page in PAGES:
        fenced = False
        for number, line in enumerate(page.read_text().splitlines(), 1):
            fenced ^= line.lstrip().startswith("```")
            is_prose = not fenced and not line.startswith(("|", "    "))
            if is_prose and len(line) > 100:
                too_long.append(f"{page.relative_to(ROOT)}:{number}: {len(line)} columns")
    assert not too_long, "\n".join(too_long)


def test_the_version_is_the_same_wherever_it_stands() -> None:
    project, citation = (
        re.findall(pattern, (ROOT / file).read_text(), re.MULTILINE)
        for file, pattern in (
            ("pyproject.toml", r'^version = "(.+)"$'),
            ("CITATION.cff", r"^version: (.+)$"),
        )
    )
    assert len(project) == 1 and citation == project
    assert project[0] in (ROOT / "CHANGELOG.md").read_text()


@pytest.mark.parametrize("page", ["configs", "models", "tools"])
def test_every_part_of_a_folder_is_in_its_readme(page: str) -> None:
    folder, text = ROOT / page, (ROOT / page / "README.md").read_text()
    parts = [
        path.name + "/" * path.is_dir()
        for path in folder.iterdir()
        if path.suffix in (".py", ".yaml", ".sh")
        or any(path.glob("*.py"))
        or any(path.glob("*.yaml"))
    ]
    missing = [name for name in parts if f"`{name}`" not in text and name != "__init__.py"]
    assert not missing
