"""What the documentation names exists: tests, files, sizes, links, versions. Prose is narrow."""

import re
from pathlib import Path

import pytest

from trivit.models.accounting import image_macs
from trivit.models.families import list_models, model_config
from trivit.models.methods.tokens.selection import TOKEN_SCORES
from trivit.models.methods.tokens.static import Static
from trivit.models.topology import DENSE
from trivit.tools.document import structure
from trivit.tools.document.commands import command_reference
from trivit.tools.document.methods import method_table
from trivit.tools.document.pages import BEGIN, DERIVED, END, with_part, written
from trivit.tools.errors import ToolsError

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
    named = [match for row in ROWS for match in re.findall(r"`(test_\w+\.py)`: ([^;]*)", row[-1])]
    assert len(named) >= 10
    for file, tests in named:
        source = (ROOT / "sw_tests" / "models" / file).read_text()
        for test in re.findall(r"`(\w+)`", tests):
            assert f"def test_{test}(" in source, f"{file} has no test_{test}"


def test_every_named_file_exists() -> None:
    for name in re.findall(r"`([\w/]+\.(?:py|yaml))`", TEXT):
        if not name.startswith("test_"):
            assert (ROOT / name).is_file() or any((ROOT / "models").glob(f"**/{name}")), name


@pytest.mark.parametrize("name", list_models("deit*"))
def test_multiply_accumulates_are_the_documented_ones(name: str) -> None:
    (row,) = [row for row in ROWS if row[0] == f"`{name}`"]
    assert float(row[3]) == round(image_macs(model_config(name), DENSE).total / 1e9, 2)
    assert int(row[1]) == 1 + model_config(name).num_patches


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
            ("host/version.py", r'^VERSION = "(.+)"$'),
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


def test_the_picture_of_the_imports_is_complete_and_has_no_circle() -> None:
    imports = structure.read_imports()
    assert structure.circles(imports) == []
    rows = structure.rows_of(imports)
    level = {part: i for i, row in enumerate(rows) for part in row}
    assert all(level[part] > level[other] for part in imports for other in imports[part])
    # What is drawn leads wherever the imports do.
    assert structure.reachable(structure.direct(imports)) == structure.reachable(imports)


@pytest.mark.parametrize("page", DERIVED, ids=lambda page: page.name)
def test_what_is_derived_from_the_code_is_up_to_date(page: Path) -> None:
    stale = page.read_text(encoding="utf-8") != written(page)
    assert not stale, f"{page} is stale: run .venv/bin/python -m trivit.tools.document"


def test_a_new_method_appears_in_the_table() -> None:
    class MadeUp(Static):
        """Keeps ``any`` | all.

        And says more.
        """

    TOKEN_SCORES.register("made_up")(MadeUp)
    try:
        line = (
            "| token score | `model.token_score: made_up` | Keeps `any` \\| all. | no "
            "| `token_static` |"
        )
        assert line in method_table().splitlines()
    finally:
        TOKEN_SCORES.remove("made_up")


def test_every_option_of_a_command_is_on_the_page() -> None:
    section = command_reference().partition("## `trivit show tokens`")[2].partition("## ")[0]
    for word in ("trivit show tokens", "`RUN <path>`", "`--images <int range>`", "default: 6"):
        assert word in section, word


@pytest.mark.parametrize("text", ["", BEGIN, END, f"{END}{BEGIN}", f"{BEGIN}{END}{BEGIN}{END}"])
def test_a_page_without_its_two_comments_is_refused(text: str) -> None:
    with pytest.raises(ToolsError, match=r"page\.md needs"):
        with_part(text, "part", "page.md")
    assert with_part(f"a{BEGIN}old{END}b", "new", "page.md") == f"a{BEGIN}\n\nnew\n\n{END}b"
