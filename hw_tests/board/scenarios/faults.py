"""Every fault: one clear line each, and the board is usable again."""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import replace

import numpy as np
from board import bitstream
from board.device import FOLDER_VARIABLE
from board.scenarios.bench import Bench

from trivit.host.backends import open_backend
from trivit.host.backends.board import BoardBackend
from trivit.host.generated.spec import ERRORS


def one_job(bench: Bench, backend: BoardBackend, *, seconds: float) -> None:
    """Run a job on whatever lies in DDR, for so many seconds at most."""
    with backend.open_session(bench.network) as session:
        session.start(0)
        session.wait(seconds)


def scenario_no_pynq(bench: Bench) -> None:
    """Without the package pynq the message says where it comes from."""
    sys.modules["pynq"] = None  # type: ignore[assignment]
    bench.refused(lambda: open_backend("board"), "needs the package pynq.*use --backend simulation")


def scenario_no_device(bench: Bench) -> None:
    """PYNQ is there, a board is not."""
    del os.environ[FOLDER_VARIABLE]
    bench.refused(
        lambda: open_backend("board"), r"PYNQ finds no device \(No Devices Found\).*simulation"
    )


def scenario_handoff_missing(bench: Bench) -> None:
    """A bitstream's files are compared before the board is touched."""
    bench.power_on()
    bench.bit.with_suffix(".hwh").unlink()
    bench.refused(bench.backend, "trivit.hwh: no such file or directory; it belongs beside")
    assert bench.events() == []
    bitstream.Files().write(bench.bit.parent)
    bench.check(bench.backend())


def scenario_stale_bitstream(bench: Bench) -> None:
    """Files that say the right thing beside a .bit of another build: its registers tell."""
    bench.power_on()
    made = replace(bitstream.MADE, version=3)
    stale = bitstream.Files().but(made=made).write(bench.folder / "stale")
    bench.refused(
        lambda: bench.backend(bitstream=stale),
        "holds another accelerator than its .hwh and .json say: version 0x3, here 0x4",
    )
    assert "start" not in bench.events()
    bench.check(bench.backend())


def scenario_memory_exhausted(bench: Bench) -> None:
    """Too little contiguous memory: the sizes are named, and nothing stays allocated."""
    bench.power_on("oracle", memory=20 << 12)
    backend = bench.backend()
    text = bench.refused(
        lambda: backend.run(bench.model, bench.expected("model_images")),
        r"no contiguous memory for the parameters and commands \(\d+\.\d MB, the program needs ",
    )
    assert "cma=512M" in text
    assert bench.hand.call("free") == 20 << 12
    bench.check(backend)


def scenario_device_hangs(bench: Bench) -> None:
    """A job that does not end: the message holds the kernel's state, an abort helps."""
    bench.power_on()
    backend = bench.backend()
    bench.fault(hangs=True)
    bench.refused(
        lambda: one_job(bench, backend, seconds=0.2),
        r"did not end within 0\.2 s \(control: busy; status: ok; isr 0; 0 cycles\): aborted, and "
        "the board is usable again",
    )
    bench.fault(hangs=False)
    bench.check(backend)
    assert bench.events().count("download") == 1


def scenario_device_is_deaf(bench: Bench) -> None:
    """An abort does not help: the bitstream is loaded again, and jobs are polled for."""
    bench.power_on()
    backend = bench.backend(wait="interrupt")
    bench.fault(hangs=True, deaf=True)
    bench.refused(
        lambda: one_job(bench, backend, seconds=0.2),
        "an abort did not help, so the bitstream was loaded again: the board is usable again",
    )
    bench.fault(hangs=False, deaf=False)
    bench.check(backend)
    assert bench.events().count("download") == 2
    # In the same process PYNQ still waits for the interrupt of the old logic, and takes the next.
    backend.close()
    bench.check(bench.backend())
    assert bench.events().count("download") == 2
    assert bench.said == ["the job ended but its interrupt did not come: polling from now on"]


def scenario_interrupt_lost(bench: Bench) -> None:
    """The job's end is seen all the same, with one warning; results are exact."""
    bench.power_on()
    backend = bench.backend(wait="interrupt")
    bench.fault(lost=True)
    begin = time.perf_counter()
    bench.check(backend)
    assert time.perf_counter() - begin < 5
    assert bench.said == ["the job ended but its interrupt did not come: polling from now on"]


def scenario_no_interrupt(bench: Bench) -> None:
    """Linux has no UIO device for the interrupt: poll, or say so where it was asked for."""
    bench.power_on()
    import pynq.interrupt
    from pynq import Device

    Device.active_device  # noqa: B018  its begin names the UIO device
    pynq.interrupt.get_uio_irq = lambda irq: None
    backend = bench.backend()
    bench.check(backend)
    assert len(bench.said) == 1 and "polling" in bench.said[0] and "121" in bench.said[0]
    backend.close()
    bench.refused(lambda: bench.backend(wait="interrupt"), "no interrupt of the accelerator: .*121")


def scenario_memory_error(bench: Bench) -> None:
    """A bad response of DDR: port and direction are named; the next job is exact."""
    bench.power_on()
    backend = bench.backend()
    bench.fault(response=(ERRORS["read_response"], 1 << 4))
    bench.refused(
        lambda: bench.check(backend),
        r"ended with an error \(control: done, idle, interrupt; status: read response at "
        r"instruction 0; bad responses: reads of gmem2; isr 3; .*the board is usable again",
    )
    bench.check(backend)


def scenario_malformed_program(bench: Bench) -> None:
    """Commands that are none: the job ends with an error, the next one is exact."""
    bench.power_on()
    backend = bench.backend()
    schedule = bench.network.first.commands()
    broken = replace(schedule, commands=schedule.commands ^ np.uint64(0x5A5A))
    first = replace(bench.network.first, schedule=broken)
    bundle = replace(bench.network, programs=(first,))
    images = bench.expected("network_images")
    bench.refused(lambda: backend.run(bundle, images), "the job ended with an error")
    bench.check(backend)


def scenario_clock_wrong(bench: Bench) -> None:
    """The clock that runs is not the one that the dividers say, nor that of the design."""
    bench.power_on()
    bench.fault(stuck_mhz=100.0)
    backend = bench.backend()
    with backend.open_session(bench.network) as session:
        assert abs(session.clock_mhz - 100) < 15
    assert len(bench.said) == 2
    assert "the clock's dividers say 150.00 MHz, but the cycle counter runs at" in bench.said[0]
    assert "the design was made for 150" in bench.said[1]
    bench.check(backend)


def scenario_killed(bench: Bench) -> None:
    """A process is killed in the middle: the next one ends its job before it allocates."""
    bench.power_on()
    bench.fault(seconds=30.0)
    victim = bench.user(lambda: bench.check(bench.backend()))
    bench.wait_for("start")
    os.kill(victim, signal.SIGKILL)
    os.waitpid(victim, 0)
    bench.fault(seconds=0.0)
    before = len(bench.events())
    bench.check(bench.backend())
    after = bench.events()[before:]
    assert after.index("abort of a job") < after.index("allocate")
    assert "download" not in after and "write into freed memory" not in after


def scenario_terminated(bench: Bench) -> None:
    """SIGTERM in the middle: the process ends its job, frees its memory, and exits with 143."""
    bench.power_on()
    bench.fault(seconds=30.0)
    victim = bench.user(lambda: bench.check(bench.backend()))
    bench.wait_for("start")
    os.kill(victim, signal.SIGTERM)
    assert os.waitstatus_to_exitcode(os.waitpid(victim, 0)[1]) == 143
    assert "abort of a job" in bench.events()
    bench.fault(seconds=0.0)
    handler = signal.getsignal(signal.SIGTERM)
    backend = bench.backend()
    bench.check(backend)
    assert signal.getsignal(signal.SIGTERM) is not handler
    backend.close()
    assert signal.getsignal(signal.SIGTERM) is handler


def scenario_two_users(bench: Bench) -> None:
    """The second one is told who has the board, and disturbs nothing."""
    bench.power_on()

    def second() -> None:
        bench.wait_for("start")
        bench.refused(bench.backend, rf"in use by process {os.getppid()} \(.*end it")

    other = bench.user(second)
    bench.fault(seconds=0.5)
    backend = bench.backend()
    bench.check(backend)
    assert os.waitstatus_to_exitcode(os.waitpid(other, 0)[1]) == 0
    assert bench.events().count("download") == 1 and "abort of a job" not in bench.events()


def scenario_forked(bench: Bench) -> None:
    """A process that its user forks leaves the board alone when it ends."""
    bench.power_on()
    backend = bench.backend()
    bench.check(backend)
    before = bench.events()
    child = bench.user(lambda: None)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert bench.events() == before
    bench.check(backend)


def scenario_foreign_bundle(bench: Bench) -> None:
    """A bundle for another kernel, one without commands, and images of another shape."""
    bench.power_on()
    backend = bench.backend()
    images = bench.expected("network_images")
    other = replace(bench.network, kernel_version=3)
    bench.refused(
        lambda: backend.run(other, images),
        "the bundle is for kernel version 3, the board has 4: compile it again",
    )
    bare = replace(bench.network, programs=(replace(bench.network.first, schedule=None),))
    bench.refused(lambda: backend.run(bare, images), "command")
    bench.refused(lambda: backend.run(bench.network, images[:, :, :-1]), "images have shape")
    assert "start" not in bench.events()
    bench.check(backend)
