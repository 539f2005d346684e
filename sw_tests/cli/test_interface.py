"""Help, versions, exit statuses, and what each command may import."""

import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from programs import random_bundle

import trivit.tools.cli.app as app
from trivit.tools.cli import main
from trivit.tools.compiler.named import named_program

from .conftest import Trivit

COMMANDS = (
    "train",
    "import",
    "evaluate",
    "quantize",
    "compile",
    "run",
    "estimate",
    "explore",
    "macs",
    "demo",
    "bench",
    "show",
    "study",
    "kernel",
    "version",
)

# What `trivit.host` must do without: it also runs on the board, where numpy is all there is.
HEAVY = (
    "torch",
    "onnx",
    "onnxruntime",
    "brevitas",
    "qonnx",
    "yaml",
    "safetensors",
    "matplotlib",
    "rich",
    "typer",
)

_BLOCK = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError("blocked: " + name, name=name)
sys.meta_path.insert(0, Blocker())
"""


def run_python(code: str, blocked: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    program = _BLOCK.format(blocked=set(blocked)) + code
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)


def test_host_needs_numpy_alone(tmp_path: Path) -> None:
    bundle, images = random_bundle(5)
    (tmp_path / "p.trivit").write_bytes(bundle.to_bytes())
    np.save(tmp_path / "i.npy", images)
    code = f"""
import importlib, pathlib, pkgutil
import numpy as np
import trivit.host
for module in pkgutil.walk_packages(trivit.host.__path__, "trivit.host."):
    importlib.import_module(module.name)
from trivit.host.backends import open_backend
from trivit.host.bundle import Bundle
bundle = Bundle.load({str(tmp_path / "p.trivit")!r})
images = np.load({str(tmp_path / "i.npy")!r})
logits = [open_backend(name).run(bundle, images).logits for name in ("reference", "emulator")]
assert (logits[0] == logits[1]).all()
"""
    result = run_python(code, HEAVY)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("backend", ["reference", "emulator"])
def test_run_needs_numpy_and_typer(backend: str, tmp_path: Path) -> None:
    bundle, images = random_bundle(5)
    (tmp_path / "p.trivit").write_bytes(bundle.to_bytes())
    np.save(tmp_path / "i.npy", images)
    arguments = ["run", str(tmp_path / "p.trivit"), "--images", str(tmp_path / "i.npy")]
    arguments += ["--backend", backend]
    code = f"from trivit.tools.cli import main; sys.exit(main({arguments!r}))"
    blocked = tuple(name for name in HEAVY if name != "typer")
    result = run_python(code, blocked)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.fixture(scope="module")
def bundle_with_work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundle") / "micro.trivit"
    path.write_bytes(named_program("micro_28", token_keep=0.7).to_bytes())
    return path


@pytest.mark.parametrize("options", [[], ["--ops", "--json"], ["--keep", "0.7", "--resources"]])
def test_estimate_of_a_bundle_needs_no_torch(bundle_with_work: Path, options: list[str]) -> None:
    arguments = ["estimate", str(bundle_with_work), *options]
    code = f"from trivit.tools.cli import main; sys.exit(main({arguments!r}))"
    # The description of the kernel is YAML; the rest takes numpy alone.
    needed = ("typer", "yaml") if "--resources" in options else ("typer",)
    result = run_python(code, tuple(name for name in HEAVY if name not in needed))
    assert (result.returncode, result.stderr) == (0, "")
    assert "cycles" in result.stdout


@pytest.mark.parametrize(
    ("missing", "arguments", "extra"),
    [
        ("typer", ["version"], "train"),
        ("torch", ["evaluate", "x"], "train"),
        ("brevitas", ["quantize", "x"], "quant"),
    ],
)
def test_a_missing_package_is_named_with_its_extra(
    missing: str, arguments: list[str], extra: str
) -> None:
    code = f"from trivit.tools.cli import main; sys.exit(main({arguments!r}))"
    result = run_python(code, (missing,))
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert missing in result.stderr and f"trivit[{extra}]" in result.stderr


def test_help_loads_nothing_heavy() -> None:
    code = """
from trivit.tools.cli import main
status = main(["--help"]) or main(["train", "--help"]) or main(["demo", "--help"])
heavy = {"torch", "numpy", "yaml", "matplotlib", "onnx", "qonnx", "rich"} & set(sys.modules)
sys.exit(str(heavy) if heavy else status)
"""
    result = run_python(code, ())
    assert result.returncode == 0, result.stderr
    for command in COMMANDS:
        assert command in result.stdout


def test_help_answers_within_0_3_seconds_of_user_time() -> None:
    seconds: list[float] = []
    while len(seconds) < 5:  # the least of a few: on a loaded machine one may take longer
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        subprocess.run([sys.executable, "-m", "trivit.tools.cli", "--help"], capture_output=True)
        seconds.append(resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before)
        if seconds[-1] < 0.3:
            return
    pytest.fail(f"trivit --help takes {min(seconds):.2f} s of user time")


def test_version_loads_nothing_heavy() -> None:
    code = "from trivit.tools.cli import main; sys.exit(main(['version']))"
    result = run_python(code, tuple(name for name in HEAVY if name != "typer"))
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("arguments", [["--version"], ["version"]])
def test_version_names_the_kernel(trivit: Trivit, arguments: list[str]) -> None:
    outcome = trivit(*arguments)
    assert outcome.status == 0
    assert "kernel description" in outcome.out and "numpy" in outcome.out


def test_generated_files_are_checked(trivit: Trivit) -> None:
    assert trivit("kernel", "check").status == 0


def test_an_internal_error_is_one_line_and_debug_shows_more(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> None:
        raise RuntimeError("two\nlines")

    monkeypatch.setattr(app, "build_app", broken)
    assert main(["version"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert main(["version", "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err
