"""Steps a second of the small model on the emulator, SGD and AdamW by turns in one process.

Arguments are compiled emulators to run beside this one, such as that of another commit in
~/.cache/trivit. Processor time of one core; the median of the turns.

    PYTHONPATH=hw_tests python -m training.speed [training-....so ...]
"""

import statistics
import sys
import time
from pathlib import Path
from unittest.mock import patch

from training_models import DENSE, training_model

from trivit.host.training import emulator
from trivit.host.training.emulator import EmulatorTraining
from trivit.host.training.session import TrainingSession, target_row

#: Sizes of configs/fashion_mnist_micro_dense.yaml.
MICRO = {"image_size": 28, "patch_size": 4, "embed_dim": 64, "depth": 6, "num_classes": 10}
TURNS, STEPS = 9, 20


def backend(library: str) -> EmulatorTraining:
    """Return this commit's emulator, or one that is compiled already."""
    if not library:
        return EmulatorTraining()
    with patch.object(emulator, "build_library", lambda *_: Path(library).resolve()):
        return EmulatorTraining()


def main(libraries: list[str]) -> None:
    """Print a line for each optimizer and emulator."""
    sessions: dict[tuple[str, str], TrainingSession] = {}
    for optimizer in ("sgd", "adamw"):
        m = training_model(optimizer=optimizer, mlp_ratio=4.0, **MICRO, **DENSE)
        for library in ["", *libraries]:
            session = m.session(backend(library), weight_decay=0.05)
            session.find_exponents(m.image(0), target_row(1, 10))
            sessions[optimizer, library] = session
    speeds: dict[tuple[str, str], list[float]] = {key: [] for key in sessions}
    for turn in range(TURNS):
        for key, session in sessions.items():
            begun = time.process_time()
            for step in range(STEPS):
                session.step(m.image(step % 4), target_row((turn + step) % 10, 10), 0.001)
            speeds[key].append(STEPS / (time.process_time() - begun))
    for (optimizer, library), found in speeds.items():
        print(f"{optimizer} {library or 'this commit'}: {statistics.median(found):.1f} steps/s")


if __name__ == "__main__":
    main(sys.argv[1:])
