"""The numpy oracle as a backend."""

import numpy as np

from trivit.host.backends.base import Backend, BatchOutput
from trivit.host.bundle import Bundle
from trivit.host.fixed_point import Int16
from trivit.host.oracle.machine import Machine


class ReferenceBackend(Backend):
    """Execute the program on integer arrays, one image after the other."""

    name = "reference"

    def __init__(self) -> None:
        self._machine = Machine()

    def run_batch(self, bundle: Bundle, inputs: Int16) -> BatchOutput:
        """Run the input regions; cycles are zero."""
        count = len(bundle.program)
        saturations = np.zeros(count, dtype=np.uint64)
        regions = []
        for image in inputs:
            region, saturated = self._machine.run(
                bundle.program, bundle.params, image, bundle.output_words
            )
            regions.append(region)
            saturations += saturated
        return BatchOutput(
            regions=np.stack(regions),
            saturations=saturations,
            cycles=np.zeros(count, dtype=np.uint64),
        )
