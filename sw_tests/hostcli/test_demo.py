"""`trivit board demo` on folders of photos and on a camera that is a stand-in for OpenCV's."""

import sys
import types
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trivit.host.backends import open_backend, register_backend
from trivit.host.backends.reference import ReferenceBackend
from trivit.host.check.self_test import BUNDLE, load_self_test
from trivit.host.cli.main import main
from trivit.host.demo.classify import classify, probabilities
from trivit.host.demo.drawing import darkened, panels
from trivit.host.demo.images import Picture, Unreadable, folder_images, view

Image = pytest.importorskip("PIL.Image")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "below").mkdir(parents=True)
    rng = np.random.default_rng(3)
    for name, size in (("a.png", (16, 16)), ("b.jpg", (60, 40)), ("below/c.png", (5, 9))):
        pixels = rng.integers(0, 256, (size[1], size[0], 3)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / name)
    (folder / "notes.txt").write_text("no image by its name")
    return folder


class Sources(HTMLParser):
    """The pictures that a page names."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names += [value or "" for name, value in attrs if name in ("src", "href")]


def demo(*words: str, backend: str = "reference") -> int:
    return main(["demo", str(BUNDLE), *words, "--backend", backend])


def test_a_folder_becomes_pictures_and_a_page(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert demo(str(photos), "--out", str(out)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines[:3]] == ["a.png", "b.jpg", "below/c.png"]
    assert lines[3].startswith("3 images, ") and lines[4] == f"pictures: {out / 'index.html'}"
    pictures = [f"image-{number:05d}.png" for number in range(3)]
    assert sorted(path.name for path in out.iterdir()) == sorted([*pictures, "index.html"])
    page = Sources()
    page.feed((out / "index.html").read_text())
    assert page.names == pictures  # and nothing from a network
    with Image.open(out / pictures[0]) as drawn:
        assert drawn.size[0] == 3 * 232 + 8  # the image, and one panel for each selector
    assert demo(str(photos), "--out", str(out), "--count", "1") == 0
    assert sorted(path.name for path in out.iterdir()) == [pictures[0], "index.html"]


def test_classes_are_those_of_the_backend(photos: Path) -> None:
    bundle, backend = load_self_test(), open_backend("reference")
    found = [item for item in folder_images(photos, bundle) if isinstance(item, Picture)]
    for seen in classify(bundle, backend, found, best=10):
        result = backend.run(bundle, seen.picture.pixels[None])
        order = np.argsort(-result.logits[0], kind="stable")
        assert [name for name, _ in seen.classes] == [bundle.class_names[i] for i in order]
        assert sum(share for _, share in seen.classes) == pytest.approx(1)
        assert [len(kept) for kept in seen.kept] == [12, 9]
        assert seen.cycles == 0 and seen.wall_ms > 0


class Blind(ReferenceBackend):
    """A backend that, as a board, brings back what the program stores and no more."""

    name = "blind"


def test_a_program_without_stored_lists_is_shown_without_kept_tokens(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    register_backend("blind", Blind)
    bundle = load_self_test()
    first = replace(bundle.first, outputs=(bundle.output("logits"),))
    plain = replace(bundle, programs=(first,))
    path = tmp_path / "plain.trivit"
    path.write_bytes(plain.to_bytes())
    words = ["demo", str(path), str(photos), "--out", str(tmp_path / "out"), "--backend"]
    assert main([*words, "blind"]) == 0
    assert "compile it with --kept-tokens" in capsys.readouterr().err
    assert main([*words, "reference"]) == 0  # traced there
    assert capsys.readouterr().err == ""
    found = [item for item in folder_images(photos, plain) if isinstance(item, Picture)]
    (one,) = classify(plain, open_backend("reference"), found[:1])
    assert [len(kept) for kept in one.kept] == [12, 9]
    (one,) = classify(plain, Blind(), found[:1])
    assert one.kept == ()


def test_probabilities_are_the_softmax_of_the_logits() -> None:
    shares = probabilities(np.array([256, 0, -256], dtype=np.int16), 8)
    assert shares == pytest.approx(np.exp([1, 0, -1]) / np.exp([1, 0, -1]).sum())


def test_dropped_patches_are_dark_and_kept_ones_as_they_were() -> None:
    pixels = np.full((1, 9, 9), 200, dtype=np.uint8)  # 9 is no multiple of 4: a dark rest
    shown = darkened(pixels, np.array([0, 3]), 4)
    assert shown.shape == (9, 9, 3)
    assert (shown[:4, :4] == 200).all() and (shown[4:8, 4:8] == 200).all()
    assert (shown[:4, 4:8] < 80).all() and (shown[8] < 80).all()
    colour = np.arange(48, dtype=np.uint8).reshape(3, 4, 4)
    assert np.array_equal(darkened(colour, np.array([0]), 4), colour.transpose(1, 2, 0))


def test_panels_follow_the_selectors(photos: Path) -> None:
    bundle = load_self_test()
    found = [item for item in folder_images(photos, bundle) if isinstance(item, Picture)]
    (seen,) = classify(bundle, open_backend("reference"), found[:1])
    whole, first, second = panels(seen, 4)
    same = [int((panel == whole).all(axis=2).sum()) for panel in (first, second)]
    assert same[0] >= 12 * 16 and same[1] >= 9 * 16 and same[1] < same[0] < 256


@pytest.mark.parametrize(
    ("mode", "size"), [("RGB", (16, 16)), ("RGBA", (31, 20)), ("L", (7, 90)), ("P", (20, 20))]
)
def test_a_view_has_the_bundle_s_shape(mode: str, size: tuple[int, int]) -> None:
    pixels = view(Image.new(mode, size), load_self_test())
    assert pixels.shape == (1, 16, 16) and pixels.dtype == np.uint8
    assert (pixels == (255 if mode == "RGBA" else 0)).all()  # transparent becomes white


def test_a_photo_of_the_model_s_size_stays_as_it_is() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16)).astype(np.uint8)
    assert np.array_equal(view(Image.fromarray(pixels), load_self_test())[0], pixels)


def test_unreadable_files_are_named_and_the_others_shown(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (photos / "aa.jpg").write_bytes(b"no photo")
    found = list(folder_images(photos, load_self_test()))
    assert [item.name for item in found if isinstance(item, Unreadable)] == ["aa.jpg"]
    assert demo(str(photos), "--out", str(tmp_path / "out")) == 2
    out, err = capsys.readouterr()
    assert "3 images, " in out and "unreadable: aa.jpg: no image" in out
    assert err == "trivit-board: 1 of the files hold no image, the first is aa.jpg (no image)\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "give a folder of images or --camera N"),
        (("PHOTOS", "--camera", "0"), "one of the two"),
        (("PHOTOS", "--count", "0"), "--count 0: give at least 1"),
        (("nowhere",), "nowhere: no such folder"),
        (("EMPTY",), "no image in it"),
        (("PHOTOS", "--keep", "0.3"), "no program with keep ratio 0.3"),
        (("PHOTOS", "--out", "PHOTOS"), "holds files that no demo wrote"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    words: tuple[str, ...],
    message: str,
    photos: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    before = sorted(tmp_path.rglob("*"))
    places = {"PHOTOS": str(photos), "EMPTY": str(tmp_path / "empty")}
    assert demo(*(places.get(word, word) for word in words)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(("module", "extra"), [("PIL", "pillow"), ("cv2", "opencv")])
def test_a_missing_extra_is_named(
    module: str,
    extra: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.chdir(tmp_path)
    assert demo("--camera", "0") == 2
    assert f"pip install 'trivit-host[{extra}]'" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


class Camera:
    """Three frames, then the cable is pulled."""

    opened: list[int]
    released = 0

    def __init__(self, number: int) -> None:
        self.frames = iter(np.full((48, 64, 3), 60 * i, dtype=np.uint8) for i in range(3))
        self.number = number

    def isOpened(self) -> bool:  # noqa: N802  OpenCV's name
        return self.number == 0

    def read(self) -> tuple[bool, Any]:
        frame = next(self.frames, None)
        return frame is not None, frame

    def release(self) -> None:
        Camera.released += 1


@pytest.fixture
def cv2(monkeypatch: pytest.MonkeyPatch) -> Iterator[types.ModuleType]:
    module: Any = types.ModuleType("cv2")
    module.VideoCapture = Camera
    module.COLOR_BGR2RGB, module.COLOR_RGB2BGR = 4, 4
    module.cvtColor = lambda picture, code: picture[:, :, ::-1]
    module.error = type("error", (Exception,), {})
    module.shown = []
    module.imshow = lambda name, picture: module.shown.append(picture.shape)
    module.waitKey = lambda delay: ord("q") if len(module.shown) == 2 else -1
    module.destroyAllWindows = lambda: module.shown.append("closed")
    monkeypatch.setitem(sys.modules, "cv2", module)
    Camera.released = 0
    yield module


@pytest.mark.usefixtures("cv2")
def test_a_camera_without_a_display_writes_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.chdir(tmp_path)
    assert demo("--camera", "0") == 0
    assert len(list((tmp_path / "trivit-demo").glob("image-*.png"))) == 3
    assert Camera.released == 1


def test_a_camera_with_a_display_opens_a_window(cv2: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    assert demo("--camera", "0") == 0  # q at the second frame
    assert [entry if entry == "closed" else entry[2] for entry in cv2.shown] == [3, 3, "closed"]
    assert Camera.released == 1


@pytest.mark.usefixtures("cv2")
def test_no_such_camera(capsys: pytest.CaptureFixture[str]) -> None:
    assert demo("--camera", "4") == 2
    assert "no camera 4: see /dev/video*" in capsys.readouterr().err


def test_a_window_that_cannot_open(
    cv2: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def imshow(name: str, picture: object) -> None:
        raise cv2.error("not implemented")

    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(cv2, "imshow", imshow)
    monkeypatch.setattr(cv2, "destroyAllWindows", lambda: None)
    assert demo("--camera", "0") == 2
    assert "name a folder with --out" in capsys.readouterr().err
