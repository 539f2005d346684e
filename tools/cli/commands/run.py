"""``trivit run``."""

import json
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import numpy as np

    from trivit.host.backends import Backend, Result
    from trivit.host.bundle import Bundle
    from trivit.tools.images import GivenImages
    from trivit.tools.sweep import SweepPoint

SHOWN = 10


class BackendName(str, Enum):
    """Where a program runs."""

    reference = "reference"
    emulator = "emulator"
    simulation = "simulation"
    board = "board"


class EngineName(str, Enum):
    """What a simulation's engine is written in."""

    rtl = "rtl"
    hls = "hls"


def run(
    bundle: Annotated[Path, typer.Argument(help="Program bundle (.trivit).")],
    backend: Annotated[
        BackendName,
        typer.Option(
            help="numpy oracle, the same integers in C++, the accelerator clock by clock (minutes "
            "for an image), or the accelerator on this machine's board, through PYNQ."
        ),
    ] = BackendName.emulator,
    engine: Annotated[
        EngineName,
        typer.Option(
            envvar="ENGINE",
            help="Of a simulation: engine and movers in SystemVerilog, or in HLS C++ as well.",
        ),
    ] = EngineName.rtl,
    keep: Annotated[
        str | None,
        typer.Option(
            metavar="R|NAME",
            help="Program for this token keep ratio, or of this name; otherwise the first one.",
        ),
    ] = None,
    sweep: Annotated[
        bool, typer.Option("--sweep", help="Run every program; accuracy beside latency and MACs.")
    ] = False,
    picture: Annotated[
        Path | None, typer.Option(help="With --sweep: draw accuracy over latency into this PNG.")
    ] = None,
    images: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PHOTO|FOLDER|FILE|NAME|STORE",
            help="A photo or a folder of photos, may be repeated; a .npy file of uint8 "
            "[N, C, H, W]; or the test images of a data set (default: fashion_mnist) or of a "
            "folder that trivit data prepare made.",
        ),
    ] = None,
    count: Annotated[int | None, typer.Option(min=1, help="Use the first COUNT images.")] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Images for each start.")] = 64,
    logits: Annotated[
        Path | None, typer.Option(help="Write the int16 logits [N, classes] to this .npy file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with all classes.")] = False,
) -> None:
    """Run a program bundle on images; print classes, speed, cycles and saturations."""
    from trivit.host.bundle import Bundle
    from trivit.models.progress import progress_bar
    from trivit.tools.backends import open_backend
    from trivit.tools.errors import ToolsError
    from trivit.tools.images import open_images
    from trivit.tools.report.photos import photo_lines, photo_report, refuse_unreadable

    if sweep and (keep is not None or logits is not None):
        raise ToolsError("--sweep runs every program: leave out --keep and --logits")
    if picture is not None and not sweep:
        raise ToolsError(f"--picture {picture} shows all programs: add --sweep")
    program = Bundle.load(bundle)
    if keep is not None:
        program = program.choose(_ratio_or_name(keep))
    layout = program.preprocessing
    shape = (layout.channels, layout.height, layout.width)
    given = open_images(images or ["fashion_mnist"], shape, program.class_names, count)
    pixels, labels = given.pixels, given.labels
    opened = open_backend(backend.value, engine.value)
    if sweep:
        _sweep(program, opened, given, batch_size, picture, as_json, bundle)
        return
    with progress_bar(backend.value, len(pixels)) as advance:
        result = opened.run(program, pixels, batch_size=batch_size, progress=advance)
    if logits is not None:
        _save(logits, result)
    report = _summary(result, labels, opened, program)
    seen = photo_report(given.photos, result, program.class_names) if given.photos else {}
    if as_json:
        names = {"notes": given.notes, "class_names": program.class_names}
        print(json.dumps({**report, **seen, **names}, indent=2))
    else:
        classes = result.logits.argmax(axis=1)
        lines = photo_lines(seen) if seen else _image_lines(classes, program.class_names, labels)
        _print(report, [*lines, *given.notes], f"{bundle} on {backend.value}")
    if given.photos is not None:
        refuse_unreadable(given.photos)


def _ratio_or_name(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text


def _sweep(
    bundle: "Bundle",
    opened: "Backend",
    given: "GivenImages",
    batch_size: int,
    picture: Path | None,
    as_json: bool,
    source: Path,
) -> None:
    from dataclasses import asdict

    from trivit.models.progress import progress_bar
    from trivit.tools.report.photos import photo_lines, refuse_unreadable, rest_report
    from trivit.tools.report.sweep_picture import draw_sweep
    from trivit.tools.sweep import sweep

    images = given.pixels
    with progress_bar(opened.name, len(images) * len(bundle.programs)) as advance:
        points = sweep(
            bundle, opened, images, given.labels, batch_size=batch_size, progress=advance
        )
    form = f" {opened.form}" if opened.form else ""
    title = f"{source} on {opened.name}{form}, {len(images)} images"
    rest = rest_report(given.photos) if given.photos else {}
    if picture is not None:
        draw_sweep(picture, points, title)
    if as_json:
        report = {
            **_backend_figures(opened),
            "images": len(images),
            "programs": list(map(asdict, points)),
        }
        print(json.dumps({**report, **rest, "notes": given.notes}, indent=2))
    else:
        for line in [*photo_lines(rest), *given.notes]:
            print(line)
        _print_sweep(title, points)
    if given.photos is not None:
        refuse_unreadable(given.photos)


def _print_sweep(title: str, points: "list[SweepPoint]") -> None:
    from trivit.tools.report.tables import print_table

    print_table(
        title,
        (
            "program",
            "token keep",
            "attention keep",
            "top-1",
            f"latency ({points[0].evidence})",
            "MACs",
        ),
        [
            (
                p.name,
                f"{p.token_keep_ratio:g}",
                f"{p.attention_keep_ratio:g}",
                "-" if p.top1 is None else f"{p.top1:.2f} %",
                "-" if p.latency_ms is None else f"{p.latency_ms:.3f} ms",
                "-" if p.macs is None else f"{p.macs / 1e6:.2f} M",
            )
            for p in points
        ],
    )
    for point in points:
        if point.reason:
            print(f"no latency of {point.name}: {point.reason}")


def _save(path: Path, result: "Result") -> None:
    import numpy as np

    from trivit.models.files import atomic_write

    with atomic_write(path) as temporary, temporary.open("wb") as file:
        np.save(file, result.logits)


def _summary(
    result: "Result", labels: "np.ndarray | None", backend: "Backend", program: "Bundle"
) -> dict[str, object]:
    from trivit.tools.estimate.image_cycles import image_cycles

    classes = result.logits.argmax(axis=1)
    counted = image_cycles(program, backend, result)
    summary = {**_backend_figures(backend), "program": program.first.name, "images": len(classes)}
    if labels is not None:
        summary["top1"] = 100.0 * float((classes == labels).mean())
    return {
        **summary,
        "images_per_second": round(len(classes) / max(result.seconds, 1e-9), 2),
        f"{counted.evidence}_cycles_per_image": counted.cycles,
        **({"no_cycles_because": counted.reason} if counted.reason else {}),
        "saturations": int(result.saturations.sum()),
        "logits_fraction_length": result.logits_frac,
        "classes": classes.tolist(),
    }


def _backend_figures(backend: "Backend") -> dict[str, object]:
    """Return its name and, where it was compiled for this machine, how."""
    return {"backend": backend.name, **({backend.name: backend.form} if backend.form else {})}


def _image_lines(
    classes: "np.ndarray", names: tuple[str, ...], labels: "np.ndarray | None"
) -> list[str]:
    lines = []
    for i, predicted in enumerate(classes[:SHOWN]):
        truth = "" if labels is None else f"  (label: {names[labels[i]]})"
        lines.append(f"image {i}: {names[predicted]}{truth}")
    if len(classes) > SHOWN:
        lines.append(f"... {len(classes) - SHOWN} more; --json prints all")
    return lines


def _print(report: dict[str, object], lines: list[str], title: str) -> None:
    from trivit.tools.report.tables import print_figures

    for line in lines:
        print(line)
    figures = {name: value for name, value in report.items() if name != "classes"}
    print_figures(title, {k: "unknown" if value is None else value for k, value in figures.items()})
