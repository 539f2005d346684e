"""ReaL labels: any right class counts, images without one do not."""

import json
from pathlib import Path

import pytest
import torch

from trivit.models.data.real_labels import load_real_labels
from trivit.models.errors import ModelsError

LISTS = [[2], [], [0, 1], [1], []]


def name(number: int) -> str:
    return f"n01440764/ILSVRC2012_val_{number:08d}.JPEG"


@pytest.fixture
def real(tmp_path: Path) -> Path:
    path = tmp_path / "real.json"
    path.write_text(json.dumps(LISTS))
    return path


def test_a_hit_is_any_of_the_labels(real: Path) -> None:
    labels = load_real_labels(real, [name(number) for number in (1, 2, 3, 4, 5)], 3)
    predicted = torch.tensor([2, 0, 1, 0, 1])
    assert labels.hits(predicted).tolist() == [True, False, True, False, False]
    assert labels.counted().tolist() == [True, False, True, True, False]
    assert labels.top1(predicted) == pytest.approx(200 / 3)
    assert labels.top1(torch.tensor([2, 2, 0, 1, 2])) == 100
    assert labels.first(1).top1(torch.tensor([0])) == 0
    assert len(labels.to(torch.device("cpu"))) == 5


def test_images_are_found_by_their_number(real: Path) -> None:
    labels = load_real_labels(real, [name(4), name(1), name(2)], 3)
    assert labels.allowed.tolist() == [
        [False, True, False],
        [False, False, True],
        [False, False, False],
    ]


@pytest.mark.parametrize(
    ("text", "names", "message"),
    [
        ("{", [name(1)], "cannot read ReaL labels"),
        ("{}", [name(1)], "no list of lists"),
        ("[1]", [name(1)], "no list of lists"),
        ('[["a"]]', [name(1)], "no whole number"),
        ("[[3]]", [name(1)], "label 3 and the data set 3 classes"),
        ("[[1]]", [name(2)], "no entry for .*00000002"),
        ("[[1]]", ["cat/1.png"], "no entry for cat/1.png"),
        ("[[1], []]", [name(2)], "no label for any"),
    ],
)
def test_bad_files_are_one_line(text: str, names: list[str], message: str, tmp_path: Path) -> None:
    path = tmp_path / "real.json"
    path.write_text(text)
    with pytest.raises(ModelsError, match=message) as caught:
        load_real_labels(path, names, 3)
    assert "\n" not in str(caught.value)
    with pytest.raises(ModelsError, match="cannot read"):
        load_real_labels(tmp_path / "none.json", names, 3)
