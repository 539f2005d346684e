"""``trivit estimate --resources``: what the kernel takes of the part."""

from typing import Any

from trivit.tools.estimate.part import ZU9EG
from trivit.tools.estimate.resources import (
    UNCERTAINTY,
    ResourceEstimate,
    Unit,
    check_fits,
    table_rows,
    uses,
)


def kernel_resources() -> ResourceEstimate:
    """Return what the accelerator of hls/kernel.yaml takes.

    Raises:
        ToolsError: a report or description that cannot be read, or a design that does not fit.
    """
    from trivit.tools.estimate.resources import estimate_resources
    from trivit.tools.kernel import ROOT, load_description

    estimate = estimate_resources(load_description(ROOT / "hls" / "kernel.yaml"))
    check_fits(estimate.total)
    return estimate


def resource_figures(estimate: ResourceEstimate) -> dict[str, Any]:
    """Return totals, limits and units for JSON."""
    from dataclasses import asdict

    return {
        "part": ZU9EG.name,
        **asdict(estimate.total),
        "limits": {use.name.lower(): use.limit for use in uses(estimate.total)},
        "units": {
            name: {**asdict(unit.resources), "source": unit.source}
            for name, unit in estimate.units.items()
        },
    }


def print_resources(estimate: ResourceEstimate) -> None:
    """Print resources by unit, the total and its share of the limits."""
    from trivit.tools.report.tables import print_table

    total = estimate.total
    dsp, bram, lut, ff = (f"{100 * use.share:.1f} %" for use in uses(total))
    sums = next(iter(table_rows({"all": Unit(resources=total, source="")})))
    print_table(
        f"\naccelerator on the {ZU9EG.name}",
        ("unit", "DSP", "BRAM36", "LUT", "FF", "source"),
        [*table_rows(estimate.units), sums, ("of what may be used", dsp, bram, lut, ff, "")],
    )
    print(
        f"Yosys: counted with 7-series primitives; modelled LUT and FF may be off by "
        f"{100 * UNCERTAINTY:.0f} % (docs/resources.md)"
    )
