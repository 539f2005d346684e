"""``trivit data``."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trivit.tools.cli.interruption import command, when_interrupted

if TYPE_CHECKING:
    from trivit.models.data.sources import LeftOut
    from trivit.models.data.store import StoreIndex

app = typer.Typer(no_args_is_help=True, help="Prepare data sets for fast reading, and check them.")

Workers = Annotated[
    int | None, typer.Option(min=1, help="Threads (default: one for each core, at most 16).")
]


@app.callback()
def _group() -> None:
    """Prepare data sets for fast reading, and check them."""


@app.command("prepare")
def prepare(
    source: Annotated[
        str,
        typer.Argument(
            help="Image folders (folder or .zip), CIFAR archive, tar shards such as "
            "'train-{000..146}.tar', ImageNet, or ImageNet-V2."
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="STORE", help="Folder to write.")],
    test: Annotated[
        str | None, typer.Option(metavar="SOURCE", help="Take the test images from here.")
    ] = None,
    part: Annotated[
        str | None,
        typer.Option(metavar="train|test", help="What images of one part are (default: train)."),
    ] = None,
    kind: Annotated[
        str, typer.Option(help="cifar, image_folder, webdataset, imagenet or imagenet_v2.")
    ] = "auto",
    image_format: Annotated[
        str, typer.Option("--format", help="uint8, jpeg, or auto: uint8 up to 16 GiB.")
    ] = "auto",
    size: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Resize the central square of each image to N x N."),
    ] = None,
    quality: Annotated[
        int, typer.Option(min=1, max=100, help="Of JPEG files that are written anew.")
    ] = 95,
    workers: Workers = None,
    on_corrupt: Annotated[
        str, typer.Option(metavar="refuse|skip", help="What an image does that is no image.")
    ] = "refuse",
    empty_classes: Annotated[
        str,
        typer.Option(
            metavar="refuse|keep",
            help="What a class folder without images does, or a number that no label has.",
        ),
    ] = "refuse",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Write a memory-mapped store of SOURCE; started again, an interrupted one is continued."""
    from trivit.models.data.sources import open_source, split_source
    from trivit.models.data.store import PrepareConfig
    from trivit.models.data.store import prepare as write_store
    from trivit.models.data.store.images import default_workers
    from trivit.models.progress import progress_bar

    config = PrepareConfig(
        image_format=image_format,  # type: ignore[arg-type]
        size=size,
        quality=quality,
        on_corrupt=on_corrupt,  # type: ignore[arg-type]
        empty_classes=empty_classes,  # type: ignore[arg-type]
        workers=workers or default_workers(),
    )
    sources = split_source(
        open_source(source, kind), None if test is None else open_source(test), part
    )
    with when_interrupted(partial(_how_to_go_on, out)):
        index = write_store(*sources, out, config, bar=progress_bar)
    _report(out, index, as_json)


def _how_to_go_on(out: Path, words: Sequence[str]) -> str:
    from trivit.models.data.store import partial_folder

    unfinished = partial_folder(out)
    saved = f"{unfinished} holds what was done" if unfinished.exists() else "nothing is written"
    return f"{saved}; go on with: {command(words)}"


@app.command("verify")
def verify(
    store: Annotated[Path, typer.Argument(help="Folder of trivit data prepare.")],
    source: Annotated[
        bool, typer.Option("--source", help="Also read the source that it was prepared from.")
    ] = False,
    workers: Workers = None,
) -> None:
    """Read every byte of STORE and compare it with the checksums."""
    from trivit.models.data.sources import open_source
    from trivit.models.data.store import check_store, verify_store
    from trivit.models.data.store.images import default_workers
    from trivit.models.progress import progress_bar

    sources = {}
    if source:
        for name, part in check_store(store).parts.items():
            sources[name] = open_source(part.source, part.source_kind)
    index = verify_store(
        store,
        train=sources.get("train"),
        test=sources.get("test"),
        workers=workers or default_workers(),
        bar=progress_bar,
    )
    images = sum(part.images for part in index.parts.values())
    unchanged = "store and source are" if source else "the store is"
    print(f"{store}: {images:,} images, {unchanged} as prepared")


@app.command("info")
def info(
    store: Annotated[Path, typer.Argument(help="Folder of trivit data prepare.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what STORE holds."""
    from trivit.models.data.store import check_store

    _report(store, check_store(store), as_json)


def _report(store: Path, index: "StoreIndex", as_json: bool) -> None:
    from trivit.models.data.store import classes_without_images
    from trivit.tools.report.tables import print_figures

    figures: dict[str, Any] = {
        "name": index.name,
        "format": index.image_format,
        "shape": [index.channels, index.height, index.width],
        "classes": len(index.class_names),
        "mean": list(index.mean),
        "std": list(index.std),
        "fingerprint": index.fingerprint,
    }
    empty = {name: classes_without_images(store, index, name) for name in index.parts}
    if as_json:
        figures["class_names"] = list(index.class_names)
        figures["left_out"] = [asdict(entry) for entry in index.left_out]
        figures["parts"] = {
            name: {
                "images": part.images,
                "bytes": sum(part.bytes.values()),
                "corrupt": [asdict(image) for image in part.corrupt],
                "left_out": [asdict(entry) for entry in part.left_out],
                "classes_without_images": empty[name],
                "source": part.source,
            }
            for name, part in index.parts.items()
        }
        print(json.dumps(figures, indent=2))
        return
    figures["shape"] = " x ".join(map(str, figures["shape"]))
    figures["mean"] = " ".join(f"{value:.4f}" for value in index.mean)
    figures["std"] = " ".join(f"{value:.4f}" for value in index.std)
    for name, part in index.parts.items():
        figures[f"{name} images"] = part.images
        figures[f"{name} MiB"] = round(sum(part.bytes.values()) / 2**20, 1)
        if part.corrupt:
            first = part.corrupt[0]
            figures[f"{name} skipped as corrupt"] = len(part.corrupt)
            figures[f"{name} first of them"] = f"{first.name} ({first.reason})"
        if empty[name]:
            figures[f"{name} classes without images"] = _counted(empty[name])
        figures |= _left_out(f"{name} left out", part.left_out)
    figures |= _left_out("left out", index.left_out)
    print_figures(str(store), figures)


def _counted(names: Sequence[str]) -> str:
    return f"{len(names)}: {', '.join(names[:3])}{', ...' if len(names) > 3 else ''}"


def _left_out(label: str, entries: Sequence["LeftOut"]) -> dict[str, str]:
    return {
        f"{label}, {entry.reason}": f"{entry.count}: {entry.first}{', ...' * (entry.count > 1)}"
        for entry in entries
    }
