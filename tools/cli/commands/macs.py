"""``trivit macs``."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from trivit.models.model_config import ModelConfig


def macs(
    config: Annotated[Path, typer.Argument(help="Experiment, a YAML file as in configs/.")],
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a setting; may be repeated."),
    ] = None,
    keep: Annotated[
        float,
        typer.Option("--keep", "--rho", metavar="RHO", help="Share of the patches of the image."),
    ] = 1.0,
    train_images: Annotated[
        int | None, typer.Option(min=1, help="Size of the training set (default: the data set's).")
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(
            help="Run folder of this experiment: count the connections that it opens on its test "
            "images, instead of the expected ones."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Count multiply-accumulates: of an image by stage, and of the whole training."""
    from trivit.models.accounting import image_macs
    from trivit.models.data import train_image_count
    from trivit.models.errors import ModelsError
    from trivit.models.experiment.costs import savings, training_macs
    from trivit.models.model_config import check_keep_ratio
    from trivit.models.topology import DENSE, KeepRatios
    from trivit.models.training import load_config
    from trivit.tools.errors import ToolsError
    from trivit.tools.report.tables import print_figures, print_table

    check_keep_ratio("patch keep ratio", keep)
    experiment = load_config(config, list(overrides or []))
    vit = experiment.model
    ratios = KeepRatios(vit.token_keep_ratio, vit.attention_keep_ratio, keep)
    measured = None if run is None else _measured(run, vit, keep)
    image = image_macs(vit, ratios, measured)
    dense = image_macs(vit, DENSE).total
    try:
        count = train_images or train_image_count(experiment.data)
    except ModelsError as error:
        raise ToolsError(f"{error}, or give the number of images with --train-images") from None
    batch = experiment.training.batch_size
    if count < batch:
        raise ToolsError(f"a batch of {batch} is more than the {count} training images")
    training = training_macs(experiment, count)
    alone = asdict(savings(experiment, count))
    figures = {
        "train_images": count,
        "steps": training.steps,
        "macs": training.macs,
        "dense_macs": training.dense_macs,
        "saved_percent": training.saved_percent,
        "saved_percent_alone": alone,
        "shapes": alone.pop("shapes"),
    }
    if as_json:
        stages = [asdict(stage) for stage in image.stages]
        one = {
            "macs": image.total,
            "dense_macs": dense,
            "connections": "expected" if run is None else "measured",
            "stages": stages,
        }
        print(json.dumps({"image": one, "training": figures}, indent=2))
        return
    print_table(
        f"one image: {image.total:,} MACs, {100 * image.total / dense:.1f} % of dense",
        (
            "stage",
            "tokens",
            f"connections, {'expected' if run is None else 'measured'}",
            "MACs",
            "share",
        ),
        [
            (
                stage.name,
                f"{stage.tokens or ''}",
                f"{stage.connections:,}" if stage.connections else "",
                f"{stage.macs:,}",
                f"{100 * stage.macs / image.total:.1f} %",
            )
            for stage in image.stages
        ],
    )
    print_figures("training, forward and backward", figures)


def _measured(run: Path, vit: "ModelConfig", keep: float) -> tuple[float, ...]:
    """Return the mean connections behind each selector on the test images of a run.

    Raises:
        ModelsError: no run, or no data set.
        ToolsError: a run of another model.
    """
    from trivit.models.data import load_dataset
    from trivit.models.methods.patches.orders import PatchSampling
    from trivit.models.runs.saved_run import load_run
    from trivit.models.training.accuracy import mean_connections
    from trivit.models.training.device import choose_device
    from trivit.tools.errors import ToolsError

    config, model, info = load_run(run)
    if config.model != vit:
        raise ToolsError(f"{run} is a run of another model: count it with {run / 'config.yaml'}")
    schedule = config.patch_schedule
    model.set_patch_sampling(PatchSampling(keep, schedule.order, schedule.compat))
    device = choose_device(config.training.device)
    images = load_dataset(config.data).test.to(device)
    batch_size = config.training.evaluation_batch_size
    return mean_connections(model.to(device), images, info, batch_size)
