"""Cycles of a schedule, predicted from its commands (docs/cycles.md).

Works through the commands row group by row group and tile by tile, as the engine does, with the
latencies that hls/rtl/README.md and hls/include/trivit/blocks/README.md state. What comes out is
*modelled*; the simulation of the accelerator measures, and tests hold the model against it.
"""

from trivit.tools.estimate.timeline.predict import ProductTime, Timeline, predict
from trivit.tools.estimate.timeline.step import predict_step

__all__ = ["ProductTime", "Timeline", "predict", "predict_step"]
