"""YAML is read as people mean it: nothing is lost, doubled or taken for something else unsaid."""

from pathlib import Path
from typing import Any

import pytest

from trivit.models.errors import ModelsError
from trivit.models.nested_settings import read_overrides
from trivit.models.training import parse_config
from trivit.models.yaml_text import dump_yaml, parse_yaml, read_yaml


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "model: {name: a}\ntraining:\n  epochs: 9\nseed: 1\ntraining:\n  batch_size: 2\n",
            "x: 'training' stands twice, on lines 2 and 5",
        ),
        ("a:\n  b:\n    c: 1\n    d: 2\n    c: 3\n", "x: 'a.b.c' stands twice, on lines 3 and 5"),
        ("a: {b: 1, b: 1}\n", "x: 'a.b' stands twice, on lines 1 and 1"),
        ("a:\n- b: 1\n- b: 1\n  b: 2\n", r"x: 'a\[1\].b' stands twice, on lines 3 and 4"),
        ("'a': 1\n\"a\": 2\n", "x: 'a' stands twice"),
        ("p: &p {a: 1}\nq: &q {b: 1}\nr:\n  <<: *p\n  <<: *q\n", "x: 'r.<<' stands twice"),
        ("? [a, b]\n: 1\n", "x line 1: the name of a setting must be a text"),
        ("a: &a {b: *a}\n", "x line 1: the anchor contains an alias of itself"),
        ("a: 1\n---\na: 2\n", "x line 2 is not valid YAML"),
        ("a:\n\tb: 1\n", "x line 2 is not valid YAML: .*indent with spaces, not with tabs"),
        ("a: 010\n", "x line 1 is not valid YAML: 010 is no clear whole number"),
        ("a: 1__0\n", "1__0 is no clear whole number"),
        ("a: \x00\n", "x is not valid YAML"),
        ("a: !!python/name:os.system\n", "x line 1 is not valid YAML"),
        ("[" * 3000, "x is not valid YAML: nested too deeply"),
    ],
)
def test_what_could_lose_a_setting_is_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(ModelsError, match=message) as caught:
        parse_yaml(text, "x")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3e-3", 0.003),
        ("1E6", 1e6),
        ("-.5", -0.5),
        (".inf", float("inf")),
        ("1_000", 1000),
        ("0x1f", 31),
        ("0o17", 15),
        ("0", 0),
        ("-7", -7),
        ("1:30", "1:30"),
        ("2026-01-02", "2026-01-02"),
        ("on", "on"),
        ("No", "No"),
        ("true", True),
        ("~", None),
        ("", None),
        ("e3", "e3"),
        ("1.2.3", "1.2.3"),
    ],
)
def test_plain_values_are_those_of_yaml_1_2(text: str, value: Any) -> None:
    found = parse_yaml(f"a: {text}", "x")["a"]
    assert found == value and type(found) is type(value)


def test_a_setting_may_stand_beside_a_merged_one() -> None:
    text = "p: &p {a: 1, b: 2}\nq:\n  <<: *p\n  b: 3\n"
    assert parse_yaml(text, "x")["q"] == {"a": 1, "b": 3}


def test_texts_survive_writing_and_reading() -> None:
    texts = [
        "on",
        "no",
        "3e-3",
        "010",
        "1:30",
        "2026-01-02",
        "null",
        "~",
        "",
        "Käfer",
        "\udce9",
        "a b",
    ]
    tree = {"texts": texts, "numbers": [1e-5, 3, True, None]}
    assert parse_yaml(dump_yaml(tree), "x") == tree
    assert "Käfer" in dump_yaml(tree)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_byte_order_marks_change_nothing(
    ending: str, mark: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes((mark + "a: é\nb:\n  c: 1\n").replace("\n", ending).encode())
    assert read_yaml(path) == {"a": "é", "b": {"c": 1}}


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_another_encoding_than_utf_8_is_named(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes("b: 1\na: é\n".encode(encoding))
    with pytest.raises(ModelsError, match=r"a\.yaml line [12] is not UTF-8 .*: save it as UTF-8"):
        read_yaml(path)


def test_overrides_nest_and_agree() -> None:
    texts = ["a.b=1", " a.c = [2, 3]", "d={e: x, f: {g: on}}", "a.b=1", "d.h=é"]
    assert read_overrides(texts) == {
        "a": {"b": 1, "c": [2, 3]},
        "d": {"e": "x", "f": {"g": "on"}, "h": "é"},
    }


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["a=1", "b=2", "a=3"], "--set 'a=1' and --set 'a=3' contradict each other"),
        (["a.b=1", "a=2"], "--set 'a.b=1' and --set 'a=2' contradict"),
        (["a=2", "a.b=1"], "--set 'a=2' and --set 'a.b=1' contradict"),
        (["a.b=1", "a={c: 2, b: 3}"], "--set 'a.b=1' and --set 'a={c: 2, b: 3}' contradict"),
        (["a={b: 1, b: 2}"], "'b' stands twice"),
        (["a={}"], "--set 'a={}' changes nothing"),
        (["a"], "write it as key=value"),
        (["=1"], "write it as key=value"),
        (["a=/data/x #2"], "YAML skips '#2' as a comment: put the value in quotes"),
        (["a=#2"], "YAML skips '#2' as a comment"),
    ],
)
def test_overrides_that_lose_something_are_refused(overrides: list[str], message: str) -> None:
    with pytest.raises(ModelsError, match=message) as caught:
        read_overrides(overrides)
    assert "\n" not in str(caught.value)


def test_a_section_on_the_command_line_leaves_its_other_settings() -> None:
    tree = {"model": {"name": "micro_28"}, "training": {"epochs": 7, "batch_size": 64}}
    config = parse_config(tree, ["training={epochs: 9}"])
    assert (config.training.epochs, config.training.batch_size) == (9, 64)
    assert tree["training"] == {"epochs": 7, "batch_size": 64}


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("data.flip=yes", "data.flip is 'yes': expected true or false"),
        ("data.flip=off", "data.flip is 'off': expected true or false"),
        ("data.path=2024", "data.path is 2024: expected a text .*in quotes"),
        ("data.path=None", "data.path is the text 'None': write null"),
        ("training.epochs=1:30", "training.epochs is '1:30': expected a whole number"),
        ("training.epochs='3'", "training.epochs is '3': expected a whole number"),
        ("training.learning_rate='3e-3'", "training.learning_rate is '3e-3': expected a number"),
        ("training.learning_rate=.inf", "training.learning_rate is inf"),
        ("training.learning_rate=1e400", "training.learning_rate is inf"),
        ("seed=99999999999999999999999", "seed is 99999999999999999999999"),
    ],
)
def test_values_of_another_kind_are_refused(override: str, message: str) -> None:
    with pytest.raises(ModelsError, match=message):
        parse_config({"model": {"name": "micro_28"}, "data": {"dataset": "synthetic"}}, [override])
