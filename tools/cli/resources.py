"""``trivit estimate --resources``: what the kernel takes of the part."""

from typing import Any

from trivit.tools.estimate.part import ZU9EG
from trivit.tools.estimate.resources import (
    UNCERTAINTY,
    ResourceEstimate,
    check_fits,
    table_rows,
    uses,
)


def kernel_resources() -> ResourceEstimate:
    """Return the figures of a Vitis HLS report where there is one, else the model's.

    Raises:
        ToolsError: a report or description that cannot be read, or a kernel that does not fit.
    """
    from trivit.tools.estimate.resources import estimate_resources
    from trivit.tools.estimate.vitis_report import REPORT, report_estimate
    from trivit.tools.kernel import ROOT, load_description

    report = ROOT / "hls" / REPORT
    if report.is_file():
        estimate = report_estimate(report)
    else:
        estimate = estimate_resources(load_description(ROOT / "hls" / "kernel.yaml"))
    check_fits(estimate.total)
    return estimate


def resource_figures(estimate: ResourceEstimate) -> dict[str, Any]:
    """Return totals, limits and units for JSON."""
    from dataclasses import asdict

    return {
        "source": estimate.source,
        "part": ZU9EG.name,
        **asdict(estimate.total),
        "limits": {use.name.lower(): use.limit for use in uses(estimate.total)},
        "units": {name: asdict(resources) for name, resources in estimate.units.items()},
    }


def print_resources(estimate: ResourceEstimate) -> None:
    """Print resources by unit, the total and its share of the limits."""
    from trivit.tools.report.tables import print_table

    total = estimate.total
    dsp, bram, lut, ff = (f"{100 * use.share:.1f} %" for use in uses(total))
    sums = next(iter(table_rows({"all": total})))
    print_table(
        f"\nkernel on the {ZU9EG.name} ({estimate.source})",
        ("unit", "DSP", "BRAM36", "LUT", "FF"),
        [*table_rows(estimate.units), sums, ("of what may be used", dsp, bram, lut, ff)],
    )
    if estimate.source != "model":
        return
    print(f"LUT and FF may be off by {100 * UNCERTAINTY:.0f} % (docs/resources.md)")
    for use in uses(total):
        if use.needed > use.limit:
            print(f"{use.name}: over the limit unless the synthesis does better than the model")
