"""Train a small model with probes of the L1 order, and say where each loses.

    python -m trivit.tools.study.patch_orders --dataset cifar10 --out runs/patch-orders

The experiment is that of `trivit study accuracy` on a CPU. Run folders resume; finished runs are
read and not trained again.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import torch

from trivit.models.data import DatasetInfo, ImageSource, load_dataset
from trivit.models.errors import ModelsError
from trivit.models.experiment.config import ExperimentConfig
from trivit.models.experiment.config_files import parse_config
from trivit.models.families import build_model
from trivit.models.families.vision_transformer import ViTConfig
from trivit.models.files import atomic_write
from trivit.models.layers.sparse_transformer import SparseTransformer
from trivit.models.methods.patches.orders import PATCH_ORDERS, PatchSampling
from trivit.models.methods.patches.ramps import PSS_MODEL
from trivit.models.nested_settings import overlay
from trivit.models.runs.saved_run import load_run
from trivit.models.settings import Compat
from trivit.tools.study.accuracy.profiles import Profile, chosen_profile
from trivit.tools.study.patch_orders.chosen_sets import chosen, describe_sets, in_both
from trivit.tools.study.patch_orders.probes import probe_orders
from trivit.tools.study.patch_orders.separate import separate

RESULT = "patch_orders.json"
_KEEP = 0.6
# What a model is evaluated on at rho 0.6, beside all patches and its own order.
_EVALUATED = {"l1": "largest", "probe_lowest_l1": "smallest", "random": "random"}


class Variant(NamedTuple):
    """What a training differs in: its order, and settings laid over the experiment."""

    text: str
    order: str
    settings: Mapping[str, Any] = MappingProxyType({})


VARIANTS: dict[str, Variant] = {
    "random": Variant("random", "random"),
    "l1": Variant("L1", "l1"),
    "l1_code": Variant("L1 behind the position embedding", "l1", {"compat": "code"}),
    "lowest": Variant("smallest L1", "probe_lowest_l1"),
    "one_subset": Variant("one random subset for all images", "probe_one_subset"),
    "noisy": Variant("L1 with Gumbel noise", "probe_noisy_l1"),
    "from_mean": Variant("L1 distance from the image's mean patch", "probe_from_mean"),
    "edges": Variant("L1 distance from the neighbours", "probe_edges"),
    "random_cls": Variant("random, [CLS] pooling", "random", {"pooling": "cls"}),
    "l1_cls": Variant("L1, [CLS] pooling", "l1", {"pooling": "cls"}),
    "l1_all_at_end": Variant("L1, all patches in the last 2 epochs", "l1", {"cooldown_epochs": 2}),
}


def experiment(
    profile: Profile,
    dataset: str,
    schedule: str,
    variant: Variant,
    seed: int,
    overrides: Sequence[str] = (),
) -> ExperimentConfig:
    """Return the experiment of one training."""
    settings = dict(variant.settings)
    model = dict(PSS_MODEL)
    if "pooling" in settings:
        model["pooling"] = settings.pop("pooling")
    patches = {"schedule": schedule, "order": variant.order, "keep_ratio": _KEEP, **settings}
    tree = overlay(
        profile.settings,
        profile.datasets[dataset],
        {"model": model, "patch_schedule": patches},
        {"seed": seed, "data": {"dataset": dataset}},
    )
    return parse_config(tree, list(overrides))


def carry_out(config: ExperimentConfig, folder: Path) -> dict[str, Any]:
    """Train into ``folder`` and measure, or return what was measured there.

    Raises:
        ModelsError: as ``train``.
    """
    from rich.console import Console

    from trivit.models.training import train

    path = folder / RESULT
    if path.is_file():
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found
    with probe_orders():
        summary = train(config, folder, resume=True, console=Console(quiet=True))
        result = {"training_macs": summary["training_macs"], **measured(folder)}
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return result


def measured(folder: Path) -> dict[str, Any]:
    """Return the accuracies of a run on several sets of patches, and what its order chose."""
    from trivit.models.training.accuracy import top1

    config, model, info = load_run(folder)
    data = load_dataset(config.data)
    schedule = config.patch_schedule

    def accuracy(ratio: float, order: str) -> float:
        model.set_patch_sampling(PatchSampling(ratio, order, schedule.compat))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return top1(model, data.test, info)

    figures: dict[str, Any] = {"all": accuracy(1.0, schedule.order)}
    figures["own"] = accuracy(_KEEP, schedule.order)
    figures |= {text: accuracy(_KEEP, order) for order, text in _EVALUATED.items()}
    figures["sweep"] = [accuracy(r, schedule.order) for r in (0.8, 0.6, 0.4, 0.2)]
    if isinstance(config.model, ViTConfig) and config.model.pooling == "mean":
        figures |= _separate(config, model, info, data.test)
    figures["sets"] = _sets(config, model, info.normalise(data.test.first(1000).in_memory().pixels))
    return figures


def _separate(
    config: ExperimentConfig, model: Any, info: DatasetInfo, images: ImageSource
) -> dict[str, float]:
    """Return accuracies that tell attention from pooling; see ``separate``."""
    model.set_patch_sampling(PatchSampling())
    order = PATCH_ORDERS[config.patch_schedule.order]
    correct: dict[str, int] = {}
    loaded = images.in_memory()
    for pixels, labels in zip(loaded.pixels.split(500), loaded.labels.split(500), strict=True):
        view = info.normalise(pixels)
        with torch.inference_mode():
            own = chosen(order.scores(_ranked(config, model, view)), _KEEP)
        for name, classes in separate(model, view, own).items():
            correct[name] = correct.get(name, 0) + int((classes == labels).sum())
    return {name: 100.0 * count / len(images) for name, count in correct.items()}


def _sets(config: ExperimentConfig, trained: SparseTransformer, images: Any) -> dict[str, object]:
    order, patch = config.patch_schedule.order, config.model.embedding.patch_size
    other: Compat = "paper" if config.patch_schedule.compat == "code" else "code"
    with torch.random.fork_rng(devices=[]), torch.inference_mode():
        torch.manual_seed(config.seed)
        models = (build_model(config.model), trained)
        first, last = (_ranked(config, model, images) for model in models)
        sets = describe_sets(images, first, last, order, patch)
        # Ranked before or behind the position embedding, how many patches stay the same?
        changed = replace(config, patch_schedule=replace(config.patch_schedule, compat=other))
        sets["also_in_the_other_sense_percent"] = [
            in_both(*(chosen(PATCH_ORDERS[order].scores(x), _KEEP) for x in pair))
            for pair in zip(
                (first, last), (_ranked(changed, model, images) for model in models), strict=True
            )
        ]
    return sets


def _ranked(config: ExperimentConfig, model: Any, images: Any) -> torch.Tensor:
    """Return what the order ranks: patch embeddings, with their positions in the code's sense."""
    patches = model.patch_embed(images)
    if config.patch_schedule.compat == "code":
        patches = patches + model.pos_embed[:, config.model.prefix_tokens :]
    return torch.as_tensor(patches)


def main() -> int:
    """Train what is missing and print a line a run, as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="cifar10")
    parser.add_argument("--schedule", default="fixed")
    parser.add_argument("--variant", action="append", choices=VARIANTS)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--set", action="append", dest="overrides", metavar="KEY=VALUE", default=[])
    parser.add_argument("--out", type=Path, default=Path("runs/patch-orders"))
    a = parser.parse_args()
    torch.set_num_threads(1)
    for line in runs(
        a.dataset, a.schedule, a.variant or list(VARIANTS), a.seeds, a.overrides, a.out
    ):
        print(json.dumps(line), flush=True)
    return 0


def runs(
    dataset: str,
    schedule: str,
    variants: Sequence[str],
    seeds: int,
    overrides: Sequence[str],
    out: Path,
) -> Iterator[dict[str, Any]]:
    """Yield the result of each training, seed by seed."""
    for seed in range(seeds):
        for name in variants:
            with probe_orders():
                config = experiment(
                    chosen_profile("cpu"), dataset, schedule, VARIANTS[name], seed, overrides
                )
            folder = out / dataset / schedule / name / f"seed-{seed}"
            result = carry_out(config, folder)
            yield {"dataset": dataset, "schedule": schedule, "variant": name, "seed": seed} | result


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ModelsError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
