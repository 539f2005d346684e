"""``trivit run``."""

import json
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import numpy as np

    from trivit.tools.inference import Inference


class BackendName(str, Enum):
    """Where a program runs."""

    reference = "reference"
    emulator = "emulator"


def run(
    bundle: Annotated[Path, typer.Argument(help="Program bundle (.trivit).")],
    backend: Annotated[
        BackendName, typer.Option(help="numpy oracle, or the HLS kernel compiled by g++.")
    ] = BackendName.emulator,
    images: Annotated[
        str, typer.Option(help="A .npy file of uint8 [N, C, H, W], or the name of a data set.")
    ] = "fashion_mnist",
    count: Annotated[int | None, typer.Option(min=1, help="Use the first COUNT images.")] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Images for each start.")] = 256,
    logits: Annotated[
        Path | None, typer.Option(help="Write the int16 logits to this .npy file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with all classes.")] = False,
) -> None:
    """Run a program bundle on images; print classes, speed, modelled cycles and saturations."""
    from trivit.host.backends import open_backend
    from trivit.host.bundle import Bundle
    from trivit.tools.inference import load_images, run_images
    from trivit.tools.report.progress import progress_bar

    program = Bundle.load(bundle)
    labels = None
    if images.endswith(".npy"):
        pixels = load_images(Path(images), program.image_shape)
    else:
        pixels, labels = _data_set(images, program.image_shape)
    pixels = pixels[:count]
    with progress_bar(f"{backend.value}", len(pixels)) as advance:
        inference = run_images(
            open_backend(backend.value), program, pixels, batch_size=batch_size, advance=advance
        )
    if logits is not None:
        import numpy as np

        from trivit.models.files import atomic_write

        with atomic_write(logits) as temporary, temporary.open("wb") as file:
            np.save(file, inference.logits)
    names = list(program.class_names)
    if as_json:
        print(json.dumps(_summary(inference, labels, names, backend.value), indent=2))
    else:
        _print(inference, labels, names, f"{bundle} on {backend.value}")


def _data_set(name: str, shape: tuple[int, int, int]) -> "tuple[np.ndarray, np.ndarray]":
    """Test images uint8 [N, C, H, W] and labels of a named data set that fits the bundle."""
    from trivit.tools.datasets import test_images
    from trivit.tools.errors import ToolsError

    pixels, labels = test_images(name)
    if pixels.shape[1:] != tuple(shape):
        found, wanted = (" x ".join(map(str, s)) for s in (pixels.shape[1:], shape))
        raise ToolsError(f"{name}: images of shape {found}; this bundle needs {wanted}")
    return pixels, labels


def _summary(
    inference: "Inference", labels: "np.ndarray | None", names: list[str], backend: str
) -> dict[str, object]:
    summary: dict[str, object] = {
        "backend": backend,
        "images": inference.images,
        "images_per_second": round(inference.images_per_second, 2),
        "modelled_cycles_per_image": inference.cycles // inference.images,
        "saturations": inference.saturations,
        "class_names": names,
        "classes": inference.classes.tolist(),
    }
    if labels is not None:
        summary["top1"] = inference.top1(labels)
    return summary


def _print(
    inference: "Inference", labels: "np.ndarray | None", names: list[str], title: str
) -> None:
    from trivit.tools.report.tables import print_table

    shown = 10
    for i, c in enumerate(inference.classes[:shown]):
        truth = f"  (labelled {names[labels[i]]})" if labels is not None else ""
        print(f"image {i}: {names[c]}{truth}")
    if inference.images > shown:
        print(f"... {inference.images - shown} more (--json prints all)")
    rows = [
        ("images", str(inference.images)),
        ("images per second", f"{inference.images_per_second:.1f}"),
        ("modelled cycles per image", str(inference.cycles // inference.images)),
        ("saturated values", str(inference.saturations)),
    ]
    if labels is not None:
        rows.insert(0, ("top-1", f"{inference.top1(labels):.2%}"))
    print_table(title, ("", ""), rows)
