"""``trivit profile``."""

import json
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from trivit.tools.profile import Profile
    from trivit.tools.simulation.simulator_run import SimulationSettings


def profile(
    target: Annotated[
        str, typer.Argument(metavar="MODEL|BUNDLE", help="Such as deit_tiny, or a .trivit file.")
    ],
    keep: Annotated[
        float | None,
        typer.Option(help="Share of the tokens that a selector keeps; of a bundle: which program."),
    ] = None,
    every_op: Annotated[bool, typer.Option("--ops", help="Print every op of every block.")] = False,
    picture: Annotated[
        Path | None, typer.Option(help="Draw what each unit did when into this PNG file.")
    ] = None,
    begin: Annotated[int, typer.Option("--from", min=0, help="First cycle of the picture.")] = 0,
    end: Annotated[int | None, typer.Option("--to", help="Last cycle of the picture.")] = None,
    wave: Annotated[
        Path | None, typer.Option(help="Write a waveform (VCD) of these cycles: large and slow.")
    ] = None,
    trace: Annotated[
        Path | None, typer.Option(help="Keep the simulator's trace in this file.")
    ] = None,
    latency: Annotated[int, typer.Option(min=1, help="Of the DDR memory, cycles.")] = 60,
    bandwidth: Annotated[float, typer.Option(min=0.1, help="Of the DDR memory, GB/s.")] = 12.8,
    clock: Annotated[float, typer.Option(min=1, help="MHz; relates the two.")] = 150.0,
    depth_factor: Annotated[
        int, typer.Option(min=1, help="Multiply the depths of all HLS pipelines.")
    ] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, op by op.")] = False,
) -> None:
    """Simulate one image on the accelerator; show where its cycles go, op by op."""
    from trivit.tools.errors import ToolsError
    from trivit.tools.profile.simulate import simulate
    from trivit.tools.programs import program_of
    from trivit.tools.simulation.simulator_run import SimulationSettings

    if end is not None and end <= begin:
        raise ToolsError(f"--to {end} is not behind --from {begin}")
    settings = SimulationSettings(
        latency=latency,
        bandwidth=bandwidth,
        clock=clock,
        depth_factor=depth_factor,
        trace=trace,
        wave=wave,
        wave_from=begin,
        wave_to=end,
    )
    measured, seen = simulate(program_of(target, keep), settings, partial(print, file=sys.stderr))
    title = target if keep is None else f"{target}, token keep {keep:g}"
    if picture is not None:
        from trivit.tools.profile.picture import draw_gantt

        draw_gantt(picture, seen, measured, title, begin, measured.cycles if end is None else end)
    if as_json:
        print(
            json.dumps({"target": target, "keep": keep, **_figures(measured, settings)}, indent=2)
        )
    else:
        _print(measured, settings, title, every_op)


def _figures(measured: "Profile", settings: "SimulationSettings") -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "evidence": "simulated",
        "cycles": measured.cycles,
        "latency_ms": measured.cycles / settings.clock / 1e3,
        "clock_mhz": settings.clock,
        "ddr_latency_cycles": settings.latency,
        "ddr_gb_per_s": settings.bandwidth,
        "depth_factor": settings.depth_factor,
        "array_cycles": measured.work,
        "waits": measured.waits,
        "ops": [{**asdict(op), "cycles": op.cycles} for op in measured.instructions],
    }


def _print(measured: "Profile", settings: "SimulationSettings", title: str, every_op: bool) -> None:
    from trivit.tools.report.tables import print_table

    causes = [cause for cause, cycles in measured.waits.items() if cycles and cause != "end"]
    rows = [op for op in measured.instructions if op.cycles]
    lines = [(op.opcode, op.tensor, op.cycles, op.work, op.waits) for op in rows]
    if not every_op:
        lines = _by_kind(lines)
    total = {**measured.waits}
    end = total.pop("end")
    lines.append(("behind the array's last product", "", end, 0, {}))
    lines.append(("all", "", measured.cycles, measured.work, total))
    print_table(
        f"{title}, one image: {measured.cycles:,} cycles, "
        f"{measured.cycles / settings.clock / 1e3:.3f} ms at {settings.clock:g} MHz (simulated)",
        ("op", "cycles", "array works", *(f"waits: {cause}" for cause in causes)),
        [
            (
                f"{opcode} {tensor}".strip(),
                f"{cycles:,}",
                f"{work:,}",
                *(f"{waits.get(cause, 0):,}" for cause in causes),
            )
            for opcode, tensor, cycles, work, waits in lines
        ],
    )
    print(
        f"memory assumed: {settings.bandwidth:g} GB/s, latency {settings.latency} cycles; "
        "no vendor tool has seen the clock"
    )


def _by_kind(
    lines: "list[tuple[str, str, int, int, dict[str, int]]]",
) -> "list[tuple[str, str, int, int, dict[str, int]]]":
    """Add the lines of the same op of all blocks."""
    from collections import Counter

    from trivit.tools.estimate.kinds import tensor_kind

    kinds: dict[tuple[str, str], tuple[int, int, Counter[str]]] = {}
    for opcode, tensor, cycles, work, waits in lines:
        kind = opcode, tensor_kind(tensor)
        before = kinds.get(kind, (0, 0, Counter()))
        kinds[kind] = before[0] + cycles, before[1] + work, before[2] + Counter(waits)
    return [(*kind, cycles, work, dict(waits)) for kind, (cycles, work, waits) in kinds.items()]
