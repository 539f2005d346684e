"""``trivit estimate``."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer


def estimate(
    bundle: Annotated[Path, typer.Argument(help="Program bundle (.trivit).")],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, instruction by instruction.")
    ] = False,
) -> None:
    """Count MACs and modelled cycles of a program, by opcode."""
    from trivit.host.bundle import Bundle
    from trivit.tools.estimate import estimate_bundle
    from trivit.tools.report.tables import print_table

    cost = estimate_bundle(Bundle.load(bundle))
    if as_json:
        total = {"cycles": cost.cycles, "macs": cost.macs, "latency_ms": cost.latency_ms}
        rows = [asdict(instruction) for instruction in cost.instructions]
        print(json.dumps({**total, "instructions": rows}, indent=2))
        return
    print_table(
        f"{bundle}, one image: {cost.cycles:,} cycles, {cost.latency_ms:.3f} ms (modelled)",
        ("opcode", "instructions", "MACs", "cycles", "share"),
        [
            (
                name,
                str(total.instructions),
                f"{total.macs:,}",
                f"{total.cycles:,}",
                f"{100 * total.cycles / cost.cycles:.1f} %",
            )
            for name, total in cost.by_opcode().items()
        ],
    )
