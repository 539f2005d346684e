"""The accelerator itself behind PYNQ: one scenario, for its simulation runs already."""

from __future__ import annotations

import numpy as np
from board.scenarios.bench import Bench

from trivit.host.bundle import Bundle
from trivit.host.generated import board
from trivit.host.generated.registers import REGISTERS
from trivit.host.images import preprocess

#: Seconds of the host that a job of some thousand cycles may take on a busy machine.
_PATIENCE = 50.0
#: Cycles in which the simulated DDR turns from writes to reads.
_TURN = 20


def scenario_rtl(bench: Bench) -> None:
    """Both programs of a model, a memory error, a job that hangs; the next job is exact."""
    backend = bench.backend(wait="interrupt", timeout_s=_PATIENCE)
    # Simulated time stands still between two readings of the cycle counter.
    assert "the cycle counter runs at" in bench.said.pop(0)
    assert "the design was made for 150" in bench.said.pop(0)
    images = bench.expected("model_images")
    for name in ("dense", "sparse"):
        result = backend.run(bench.model, images, program=name)
        for field in ("logits", "saturations", "cycles"):
            found, wanted = getattr(result, field), bench.expected(f"model_{field}_{name}")
            if field == "cycles" and name == "sparse":
                # Its first reads wait until two ports have turned from the writes of the last job.
                assert wanted[0] < found[0] <= wanted[0] + 2 * _TURN
                found[0] = wanted[0]
            assert np.array_equal(found, wanted), (name, field, found, wanted)

    inputs = preprocess(bench.network, bench.expected("network_images")[:1])
    image = bench.network.first.commands().image.arrange(inputs)[0]
    with backend.open_session(bench.network) as session:
        session.put(0, image)
        session.start(0)
        good = session.wait(_PATIENCE)
        for name, error in (("input", "read response"), ("log", "write response")):
            offset = board.CONTROL_ADDRESS + REGISTERS[name].offset
            low, high = (bench.hand.call("read", offset + 4 * word) for word in (0, 1))
            bench.hand.call("refuse", low | high << 32, True)
            session.start(0)
            bench.refused(
                lambda: session.wait(_PATIENCE),
                rf"ended with an error \(control: done, idle, interrupt; status: {error} at "
                rf"instruction \d+; bad responses: {error.split()[0]}s of gmem.*usable again",
            )
            bench.hand.call("refuse", low | high << 32, False)
            session.start(0)
            again = session.wait(_PATIENCE)
            assert np.array_equal(again.output, good.output) and again.cycles > 0

    with backend.open_session(Bundle.load(bench.data / "hangs.trivit")) as session:
        session.put(0, image)
        session.start(0)
        bench.refused(
            lambda: session.wait(0.5),
            r"did not end within 0\.5 s \(control: busy; status: ok; isr 0; 0 cycles\): aborted, "
            "and the board is usable again",
        )
    bench.check(backend)
    assert bench.events().count("download") == 1 and bench.said == []
