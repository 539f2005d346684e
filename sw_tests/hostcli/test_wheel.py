"""The wheel trivit-host: what is in it, and that it runs where there is nothing but numpy."""

import json
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest

from trivit.host.backends import open_backend
from trivit.host.bundle import Bundle
from trivit.host.check.self_test import BUNDLE, self_test_images
from trivit.host.cli import main as command
from trivit.host.errors import HostError
from trivit.host.version import VERSION
from trivit.tools.errors import ToolsError
from trivit.tools.host_wheel import build_wheel
from trivit.tools.kernel import ROOT

from .bare_python import environment, install, make_venv


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the interpreter of a bare environment with the wheel."""
    python = make_venv(tmp_path_factory.mktemp("bare"))
    install(python, wheel)
    return python


def run(python: Path, *words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(python.parent / words[0]), *words[1:]],
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
        cwd=cwd or python.parent,
    )


def test_the_wheel_holds_all_of_host_and_nothing_else(wheel: Path) -> None:
    assert wheel.name == f"trivit_host-{VERSION}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        metadata = archive.read(f"trivit_host-{VERSION}.dist-info/METADATA").decode()
    own = {
        f"trivit/host/{path.relative_to(ROOT / 'host')}"
        for pattern in ("*.py", "*.trivit", "*.ipynb", "py.typed")
        for path in (ROOT / "host").rglob(pattern)
        if "build" not in path.parts
    }
    assert {name for name in names if not name.endswith(".md")} == own
    assert "trivit/host/generated/commands.py" in own and "trivit/host/cli/main.py" in own
    needs = [line for line in metadata.splitlines() if line.startswith("Requires-Dist")]
    assert needs == [
        "Requires-Dist: numpy>=1.21",
        'Requires-Dist: pillow>=9; extra == "pillow"',
        'Requires-Dist: opencv-python-headless>=4.5; extra == "opencv"',
    ]
    assert not list((ROOT / "host").glob("*.egg-info"))


def test_the_command_runs_with_numpy_alone(bare: Path, tmp_path: Path) -> None:
    shown = run(bare, "trivit-board", "--help")
    assert shown.returncode == 0, shown.stderr
    for name in ("check", "latency", "demo", "version"):
        assert f"    {name} " in shown.stdout
    version = run(bare, "trivit-board", "version").stdout
    assert version.startswith(f"trivit {VERSION} (kernel description ") and "numpy" in version
    checked = run(bare, "trivit-board", "check", "--backend", "reference")
    assert checked.returncode == 0 and "equal the oracle's on reference" in checked.stdout
    bad = run(bare, "trivit-board", "latency", str(tmp_path / "none.trivit"))
    assert bad.returncode == 2 and len(bad.stderr.splitlines()) == 1, bad.stderr


def test_a_bundle_runs_on_the_oracle_there_as_here(bare: Path, tmp_path: Path) -> None:
    bundle = Bundle.load(BUNDLE)
    image = self_test_images(bundle)[:1]
    np.save(tmp_path / "image.npy", image)
    script = (
        "import json, sys, numpy as np\n"
        "from trivit.host.backends import open_backend\n"
        "from trivit.host.bundle import Bundle\n"
        "result = open_backend('reference').run(Bundle.load(sys.argv[1]), np.load('image.npy'))\n"
        "print(json.dumps(result.logits.tolist()))\n"
    )
    done = run(bare, "python", "-c", script, str(BUNDLE), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    expected = open_backend("reference").run(bundle, image).logits.tolist()
    assert json.loads(done.stdout) == expected


def test_every_module_imports_with_numpy_alone(bare: Path) -> None:
    script = (
        "import pkgutil, importlib, trivit.host\n"
        "walked = pkgutil.walk_packages(trivit.host.__path__, 'trivit.host.')\n"
        "names = [importlib.import_module(module.name).__name__ for module in walked]\n"
        "print(len(names))\n"
    )
    done = run(bare, "python", "-c", script)
    assert done.returncode == 0, done.stderr
    modules = [path for path in (ROOT / "host").rglob("*.py") if "build" not in path.parts]
    assert int(done.stdout) == len(modules) - 1  # all but trivit.host itself


@pytest.mark.parametrize(
    ("backend", "message"),
    [("emulator", "trivit-host has none"), ("board", "pynq"), ("simulation", "invalid choice")],
)
def test_backends_that_are_not_there_are_one_line(bare: Path, backend: str, message: str) -> None:
    done = run(bare, "trivit-board", "demo", str(BUNDLE), ".", "--backend", backend)
    if backend != "simulation":
        # The demo asks for Pillow first; the self test does not.
        assert "trivit-host[pillow]" in done.stderr
        done = run(bare, "trivit-board", "check", "--backend", backend)
        assert message in done.stdout.splitlines()[-1]
    else:
        assert message in done.stderr
    assert done.returncode == 2 and "Traceback" not in done.stdout + done.stderr


def test_pynq_finds_the_notebooks(bare: Path) -> None:
    # What `pynq get-notebooks` does: the entry point's module, and the files in its folder.
    script = (
        "from importlib.metadata import entry_points\n"
        "from pathlib import Path\n"
        "(found,) = entry_points(group='pynq.notebooks')\n"
        "folder = Path(found.load().__path__[0])\n"
        "print(found.name, *sorted(path.name for path in folder.glob('*.ipynb')))\n"
    )
    done = run(bare, "python", "-c", script)
    assert done.stdout.split() == [
        *("trivit", "1_first_run.ipynb", "2_latency_and_power.ipynb", "3_kept_tokens.ipynb"),
        "4_adapt_on_the_device.ipynb",
    ]


def test_beside_an_installed_trivit_it_is_refused(bare: Path, tmp_path: Path) -> None:
    (tmp_path / "trivit-0.1.0.dist-info").mkdir()
    (tmp_path / "trivit-0.1.0.dist-info/METADATA").write_text("Name: trivit\nVersion: 0.1.0\n")
    script = (
        "import sys; sys.path.append(sys.argv[1])\n"
        "from trivit.host.cli.main import main; sys.exit(main(['version']))\n"
    )
    done = run(bare, "python", "-c", script, str(tmp_path))
    assert done.returncode == 2 and done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert "pip uninstall trivit trivit-host, then install one of them" in line


def test_one_of_the_two_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    def only(installed: set[str]) -> None:
        def distribution(name: str) -> str:
            if name not in installed:
                raise command.PackageNotFoundError(name)
            return name

        monkeypatch.setattr(command, "distribution", distribution)
        command.refuse_twice_installed()

    for installed in (set(), {"trivit"}, {"trivit-host"}):
        only(installed)
    with pytest.raises(HostError, match="both installed"):
        only({"trivit", "trivit-host"})


def test_no_checkout_no_wheel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("trivit.tools.host_wheel.build.ROOT", tmp_path)
    with pytest.raises(ToolsError, match="is no checkout"):
        build_wheel(tmp_path / "dist")
    assert not (tmp_path / "dist").exists()
