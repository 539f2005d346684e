"""``trivit import``."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

Weights = Literal["auto", "ema", "model"]


def import_weights(
    checkpoint: Annotated[
        Path, typer.Argument(help="State dict of timm or DeiT (torch.save, safetensors), or a run.")
    ],
    out: Annotated[Path, typer.Option(help="Run folder to make.")],
    model: Annotated[
        str | None, typer.Option(help="Name of the model, such as deit_small.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="Experiment (YAML) that names model and data instead.")
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a setting; may be repeated."),
    ] = None,
    drop_distillation: Annotated[
        bool,
        typer.Option(
            "--drop-distillation", help="Take a distilled DeiT without its second token and head."
        ),
    ] = False,
    weights: Annotated[
        Weights,
        typer.Option(
            help="Weights of the last step, their moving average, or the first that is there."
        ),
    ] = "auto",
    grid: Annotated[
        str | None,
        typer.Option(
            metavar="ROWSxCOLUMNS", help="Patches that the checkpoint's positions are for."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make a run folder from weights that others trained: evaluate, quantize or fine-tune it.

    The classes are those of the checkpoint's head, unless the config or --set says otherwise.
    """
    from trivit.models.experiment.config_files import load_config, parse_config
    from trivit.models.training.initial_weights import checkpoint_classes, import_checkpoint
    from trivit.tools.cli.settings import patch_grid
    from trivit.tools.errors import ToolsError

    settings = list(overrides or [])
    if (model is None) == (config is None):
        raise ToolsError("name either --model, such as deit_small, or a --config with the model")
    if config is not None:
        experiment = load_config(config, settings)
    else:
        classes = checkpoint_classes(checkpoint, weights)
        head = {} if classes is None else {"num_classes": classes}
        experiment = parse_config({"model": {"name": model, **head}}, settings)
    report = import_checkpoint(
        checkpoint,
        experiment,
        out,
        drop_distillation=drop_distillation,
        weights=weights,
        grid=None if grid is None else patch_grid(grid),
    )
    if as_json:
        print(json.dumps({**vars(report), "path": str(report.path), "run": str(out)}, indent=2))
        return
    print(f"imported {out}")
    for line in report.lines():
        print(f"  {line}")
