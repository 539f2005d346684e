"""Runs without faults: whole programs, sessions, both ways to wait, PYNQ's view of the design."""

from __future__ import annotations

import argparse
import os
from functools import partial

import numpy as np
from board import bitstream
from board.handoff import Facts
from board.scenarios.bench import Bench

from trivit.host.backends import open_backend
from trivit.host.backends.session import CycleSource
from trivit.host.cli import latency
from trivit.host.generated.registers import REGISTERS
from trivit.host.generated.spec import KERNEL_VERSION
from trivit.host.images import preprocess
from trivit.host.measure import streaming
from trivit.host.measure.report import read_report


def scenario_whole_model(bench: Bench) -> None:
    """The whole model, both programs, by interrupt: logits and saturations are the emulator's."""
    bench.power_on("emulator")
    backend = open_backend("board")
    images = bench.expected("model_images")
    for name in ("dense", "sparse"):
        result = backend.run(bench.model, images, program=name, batch_size=3)
        assert np.array_equal(result.logits, bench.expected(f"model_logits_{name}"))
        assert np.array_equal(result.saturations, bench.expected(f"model_saturations_{name}"))
        assert result.cycles.sum() > 0 and backend.source is CycleSource.device
    assert bench.events().count("download") == 1
    assert bench.events().count("start") == 2 * len(images)


def scenario_commands_in_memory(bench: Bench) -> None:
    """The oracle obeys the commands that it finds in DDR, at the addresses of the registers."""
    bench.power_on("oracle")
    backend = bench.backend(wait="interrupt")
    bench.check(backend)
    assert not bench.said and "at 149.99" in str(backend.form)


def scenario_simulator(bench: Bench) -> None:
    """The simulator runs what is in DDR: the oracle's logits, the simulation's cycles."""
    bench.power_on(os.environ["TRIVIT_TEST_SIMULATOR"])
    backend = bench.backend()
    bench.check(backend)
    inputs = preprocess(bench.network, bench.expected("network_images")[:1])
    with backend.open_session(bench.network) as session:
        session.put(0, bench.network.first.commands().image.arrange(inputs)[0])
        session.start(0)
        outcome = session.wait(20)
    assert outcome.cycles == int(os.environ["TRIVIT_TEST_CYCLES"])


def scenario_poll(bench: Bench) -> None:
    """Without interrupts the register is asked, and nothing is raised."""
    bench.power_on("oracle")
    backend = bench.backend(wait="poll")
    bench.check(backend)
    bench.refused(lambda: bench.backend(wait="guess"), "wait 'guess': use auto, interrupt or poll")


def scenario_session(bench: Bench) -> None:
    """Jobs one by one: an image is written while another runs; wrong calls change nothing."""
    bench.power_on("oracle")
    backend = bench.backend()
    inputs = preprocess(bench.network, bench.expected("network_images"))
    regions = bench.network.first.commands().image.arrange(inputs)
    bench.fault(seconds=0.05)
    with backend.open_session(bench.network) as session:
        assert session.source is CycleSource.device and abs(session.clock_mhz - 150) < 1.5
        bench.refused(session.wait, "no job is running: start one before waiting")
        session.put(0, regions[0])
        for number in range(3):
            session.start(number % 2)
            bench.refused(partial(session.start, 0), "a job is still running")
            bench.refused(
                partial(session.put, number % 2, regions[0]),
                f"the job of slot {number % 2} is running",
            )
            session.put((number + 1) % 2, regions[(number + 1) % 3])
            outcome = session.wait(5)
            logits = outcome.output[: bench.expected("network_logits").shape[1]]
            assert np.array_equal(logits, bench.expected("network_logits")[number % 3])
            assert outcome.wall_seconds > 0.05
            assert outcome.cycles == 100 * (len(outcome.log) + 1)
        bench.refused(lambda: session.put(2, regions[0]), r"slot 2: this session has 0 \.\. 1")
        bench.refused(lambda: session.put(0, regions[0][:5]), r"an image region of shape \(5,\)")
    session.close()
    bench.refused(lambda: session.put(0, regions[0]), "the session is closed")
    assert bench.hand.call("free") == 64 << 20


def scenario_closed_while_running(bench: Bench) -> None:
    """Leaving a session ends its job before its memory is freed."""
    bench.power_on("oracle")
    backend = bench.backend()
    bench.fault(seconds=0.3)
    with backend.open_session(bench.network) as session:
        session.start(0)
    assert bench.events()[-1] == "abort of a job"
    bench.fault(seconds=0.0)
    bench.check(backend)


def scenario_pynq_sees_the_design(bench: Bench) -> None:
    """PYNQ's parser, register map and MMIO agree with the generated offsets."""
    bench.power_on("oracle")
    import pynq

    offsets = {name: spec.offset for name, spec in REGISTERS.items() if spec.bits == 32}
    files = bitstream.Files().but(facts=Facts(registers=offsets))
    bit = files.write(bench.folder / "described")
    backend = bench.backend(bitstream=bit)
    overlay = pynq.Overlay(str(bit), download=False)
    cell = overlay.ip_dict["trivit"]
    assert cell["phys_addr"] == 0xA0000000 and cell["addr_range"] == 0x1000
    assert {name: found["address_offset"] for name, found in cell["registers"].items()} == offsets
    assert overlay.interrupt_pins["trivit/interrupt"]["controller"] == "interrupts"
    assert overlay.trivit.read(REGISTERS["version"].offset) == bitstream.MADE.version
    assert int(overlay.trivit.register_map.bank_words) == bitstream.MADE.bank_words
    bench.check(backend)


def scenario_loaded_once(bench: Bench) -> None:
    """A bitstream that is in the logic stays there; after anybody else's it is loaded again."""
    bench.power_on("oracle")
    for _ in range(2):
        backend = bench.backend()
        bench.check(backend)
        backend.close()
    assert bench.events().count("download") == 1
    import pynq

    other = bitstream.Files().write(bench.folder / "other")
    other.write_bytes(bitstream.bit_file(b'{"version":1,"geometry":0,"clock_khz":1,"bank_words":1}',
                                         "xczu9eg-ffvb1156-2-e"))  # fmt: skip
    pynq.Overlay(str(other))
    bench.check(bench.backend())
    assert bench.events().count("download") == 3


def scenario_latency(bench: Bench) -> None:
    """`trivit-board latency` on the board: figures of both programs, a rail, then a hang."""
    bench.power_on("emulator")
    pixels = bench.folder / "images.npy"
    np.save(pixels, bench.expected("model_images"))
    rail = bench.folder / "sys/class/hwmon/hwmon0"
    rail.mkdir(parents=True)
    for name, value in (("name", "ina226"), ("label", "ina226-u1"), ("power1_input", "2500000")):
        (rail / name).write_text(value)
    parser = argparse.ArgumentParser()
    latency.add_arguments(parser)
    few = ["--repetitions", "3", "--warm-up", "1", "--batch", "2", "--stream", "4"]
    power = ["--power", "--power-seconds", "0.2", "--idle-seconds", "0.2"]
    sysfs = ["--sysfs", str(bench.folder / "sys"), "--out", str(bench.folder / "out")]
    line = [str(bench.data / "model.trivit"), "--images", str(pixels), *few, *power, *sysfs]
    assert latency.run(parser.parse_args(line)) == 0
    report = read_report(bench.folder / "out" / "latency.json")
    assert (report.backend, report.latency.source) == ("board", CycleSource.device)
    assert abs(report.latency.clock_mhz - 150) < 1.5
    assert report.bitstream is not None and report.bitstream["kernel_version"] == KERNEL_VERSION
    for program in report.latency.programs:
        logits = bench.expected(f"model_logits_{program.name}")[0]
        assert program.check.logits == tuple(logits.tolist())
        assert program.cycles.least > 0 and program.wall_ms.least > 0
        assert program.power is not None and program.power.watts() == (2.5, 2.5)
    starts = bench.events().count("start")
    bench.fault(hangs=True)
    streaming.JOB_SECONDS = 0.2
    bench.refused(lambda: latency.run(parser.parse_args(line)), r"did not end within 0\.2 s")
    assert bench.events().count("start") == starts + 1
