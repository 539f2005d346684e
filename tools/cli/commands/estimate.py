"""``trivit estimate``."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trivit.tools.cli.commands.compile import OptimizerName

if TYPE_CHECKING:
    from trivit.tools.estimate import Estimate
    from trivit.tools.estimate.resources import ResourceEstimate
    from trivit.tools.report.paper import PaperRow


def estimate(
    target: Annotated[
        str, typer.Argument(metavar="MODEL|BUNDLE", help="Such as deit_tiny, or a .trivit file.")
    ],
    keep: Annotated[
        float | None,
        typer.Option(help="Share of the tokens that a selector keeps; of a bundle: which program."),
    ] = None,
    attention_keep: Annotated[
        float | None, typer.Option(help="Share of the connections that each token of MODEL keeps.")
    ] = None,
    every_op: Annotated[bool, typer.Option("--ops", help="Print every op of every block.")] = False,
    roofline: Annotated[
        Path | None, typer.Option(help="Write the roofline picture to this PNG file.")
    ] = None,
    resources: Annotated[
        bool, typer.Option("--resources", help="Also what the kernel takes of the FPGA.")
    ] = False,
    training: Annotated[
        bool,
        typer.Option(
            "--training",
            help="A training step instead: bounds by phase, modelled cycles where it fits the "
            "banks, an epoch of ImageNet, beside the paper.",
        ),
    ] = False,
    optimizer: Annotated[
        OptimizerName | None,
        typer.Option(help="With --training, of MODEL: whose updates, by default sgd."),
    ] = None,
    masters: Annotated[
        int | None,
        typer.Option(
            help="With --training, of MODEL: bits of a parameter's master, 32 (default) or 16."
        ),
    ] = None,
    example_keep: Annotated[
        float | None,
        typer.Option(help="With --training: share of the examples that take a step in an epoch."),
    ] = None,
    bandwidth: Annotated[
        float | None,
        typer.Option(
            metavar="GB/S", help="With --training: of DDR, for the bounds; by default 12.8 and 11."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, op by op; of a training step by phase.")
    ] = False,
) -> None:
    """Model cycles, array utilisation and DDR traffic of a program, op by op, without training."""
    for_training = {
        "--optimizer": optimizer,
        "--masters": masters,
        "--example-keep": example_keep,
        "--bandwidth": bandwidth,
    }
    if training:
        _refuse({"--ops": every_op, "--roofline": roofline, "--resources": resources}, "without")
        _training(
            target=target,
            keep=keep,
            attention_keep=attention_keep,
            optimizer=None if optimizer is None else optimizer.value,
            masters=masters,
            example_keep=1.0 if example_keep is None else example_keep,
            bandwidth=bandwidth,
            as_json=as_json,
        )
        return
    _refuse({name: value is not None for name, value in for_training.items()}, "with")
    from trivit.tools.estimate import estimate_bundle
    from trivit.tools.programs import names_model, program_of

    cost = estimate_bundle(program_of(target, keep, attention_keep))
    kernel = _kernel() if resources else None
    if roofline is not None:
        from trivit.tools.estimate.roofline import draw_roofline

        draw_roofline(roofline, cost, _title(target, keep, attention_keep))
    paper = _beside_paper(target, attention_keep or 1.0) if names_model(target) else []
    if as_json:
        settings = {"target": target, "keep": keep, "attention_keep": attention_keep}
        figures = {**settings, **_figures(cost), "paper": _paper_json(paper)}
        if kernel is not None:
            from trivit.tools.cli.resources import resource_figures

            figures["resources"] = resource_figures(kernel)
        print(json.dumps(figures, indent=2))
        return
    _print(cost, _title(target, keep, attention_keep), every_op)
    _print_paper(paper, attention_keep or 1.0)
    if kernel is not None:
        from trivit.tools.cli.resources import print_resources

        print_resources(kernel)


def _refuse(given: dict[str, Any], with_or_without: str) -> None:
    """Refuse the first option that was given."""
    from trivit.tools.errors import ToolsError

    for name, value in given.items():
        if value:
            raise ToolsError(f"{name} goes {with_or_without} --training: change one of them")


def _training(as_json: bool, **asked: Any) -> None:
    from trivit.tools.cli.training_estimate import Asked, answer, figures, print_answer

    found = answer(Asked(**asked))
    if as_json:
        print(json.dumps(figures(found), indent=2))
    else:
        print_answer(found)


def _kernel() -> "ResourceEstimate":
    from trivit.tools.cli.resources import kernel_resources

    return kernel_resources()


def _beside_paper(model: str, attention_keep: float) -> "list[PaperRow]":
    from trivit.tools.report.paper import beside_paper

    return beside_paper(model, attention_keep)


def _title(target: str, keep: float | None, attention_keep: float | None) -> str:
    ratios = {"token keep": keep, "attention keep": attention_keep}
    shown = [f"{name} {value:g}" for name, value in ratios.items() if value is not None]
    return ", ".join([target, *shown])


def _figures(cost: "Estimate") -> dict[str, Any]:
    from dataclasses import asdict

    from trivit.host.generated.spec import TIMING

    return {
        "evidence": "modelled",
        "cycles": cost.cycles,
        "latency_ms": cost.latency_ms,
        "clock_mhz": TIMING["clock_mhz"],
        "macs": cost.macs,
        "open_macs": cost.open_macs,
        "utilisation": cost.utilisation,
        "ddr_bytes": cost.ddr_bytes,
        "limit_cycles": cost.limit_cycles,
        "waits": cost.waits,
        "ops": [
            {
                **asdict(op),
                "cycles": op.cycles,
                "bound": op.bound,
                "utilisation": op.utilisation,
            }
            for op in cost.instructions
        ],
    }


def _paper_json(rows: "list[PaperRow]") -> list[dict[str, float]]:
    return [
        {"keep": row.keep, "paper_ms": row.paper_ms, "modelled_ms": row.modelled_ms} for row in rows
    ]


def _print(cost: "Estimate", title: str, every_op: bool) -> None:
    from trivit.host.generated.spec import TIMING
    from trivit.tools.estimate.kinds import by_kind
    from trivit.tools.report.tables import print_table

    causes = list(cost.waits)
    rows = cost.instructions if every_op else by_kind(cost.instructions)
    print_table(
        f"{title}, one image: {cost.cycles:,} cycles, {cost.latency_ms:.3f} ms at "
        f"{TIMING['clock_mhz']} MHz (modelled)",
        (
            *("op", "cycles", "array works"),
            *(f"waits: {cause}" for cause in causes),
            *("useful", "DDR bytes"),
        ),
        [
            (
                f"{row.opcode} {row.tensor}",
                f"{row.cycles:,}",
                f"{row.limit_cycles:,}",
                *(f"{row.waits.get(cause, 0):,}" for cause in causes),
                f"{100 * row.utilisation:.1f} %",
                f"{row.ddr_bytes:,}",
            )
            for row in (*rows, *by_kind(cost.instructions, lambda _: ("", "all")))
        ],
    )
    print(
        "array works: ceil(M/8)·ceil(N/32)·ceil(K/8); useful: products without padding / "
        "(2048 x cycles); `trivit profile` simulates the cycles"
    )


def _print_paper(rows: "list[PaperRow]", attention_keep: float) -> None:
    if not rows:
        return
    from trivit.tools.report.paper import CAVEATS
    from trivit.tools.report.tables import print_table

    print_table(
        f"\nbeside the Tri-Level paper, attention keep {attention_keep:g} where tokens are pruned",
        ("token keep", "paper, ms", "modelled, ms", "ratio"),
        [
            (f"{r.keep:g}", f"{r.paper_ms:.2f}", f"{r.modelled_ms:.2f}", f"{r.ratio:.2f}")
            for r in rows
        ],
    )
    for line in CAVEATS:
        print(line)
