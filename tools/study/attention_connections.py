"""What skipping closed attention connections could save on the array, on real images.

    python -m trivit.tools.study.attention_connections deit_tiny --attention-keep 0.2
    python -m trivit.tools.study.attention_connections --run RUN --images 64

Masks are those of the selectors in an emulator run; two made-up sets stand beside them: *local*
(each token's nearest patches) and *shared* (all tokens keep the same keys), the best case. The last
tables are about a GPU: tiles without an open connection. A trained run has those alone.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trivit.host.backends import open_backend
from trivit.host.kept_tokens import original_positions
from trivit.host.oracle.selection import unpack_mask
from trivit.host.tracing import with_trace
from trivit.models.errors import ModelsError
from trivit.models.families import model_config
from trivit.models.model_config import ModelConfig
from trivit.tools.compiler.named import untrained_program
from trivit.tools.errors import ToolsError
from trivit.tools.estimate.estimate import estimate_bundle
from trivit.tools.images import real_images
from trivit.tools.study.closed_tiles import ORDERS, saved_table, tile_table
from trivit.tools.study.mappings import (
    MAPPINGS,
    Mask,
    head_cycles,
    in_order,
    one_query_cycles,
    regrouped,
)

#: Of a dense DeiT-S step's GPU time on an H200 (batch 256, bfloat16, compiled): 3.8 of 28.4 ms.
ATTENTION_PERCENT = 13.4


def study(model: str, keep: float, attention_keep: float, images: int, seed: int) -> dict[str, Any]:
    """Return unions and cycles of every mapping; cycles are per image, over all masked blocks."""
    config = model_config(model, token_keep_ratio=keep, attention_keep_ratio=attention_keep)
    bundle = untrained_program(config, model, seed=seed)
    wanted = [t.name for t in bundle.tensors if t.kind in ("mask", "index")]
    pixels = real_images(images, config.in_channels, config.image_size)
    traced = open_backend("emulator").run(with_trace(bundle, wanted), pixels).tensors
    masks = [unpacked(traced[n], n) for n in traced if n.endswith(".mask")]
    kept = [traced[n][:, 0] for n in traced if n.endswith(".kept")]
    positions = original_positions(kept, config.num_patches)
    grid = config.embedding.side
    made_up = {
        "selectors": masks,
        "local": [local_masks(p, grid, keys_of(m)) for p, m in zip(positions, masks, strict=False)],
        "shared": [shared_masks(m) for m in masks],
    }
    return {
        "model": model,
        "keep": keep,
        "attention_keep": attention_keep,
        "images": images,
        "seed": seed,
        "program_cycles": estimate_bundle(bundle).cycles,
        "masks": {name: measure(config, sets) for name, sets in made_up.items()},
        "tiles": {name: tiles(config, sets) for name, sets in made_up.items()},
    }


def study_run(run: Path, images: int) -> dict[str, Any]:
    """Return the closed tiles of a trained run's masks, over its first test images.

    Raises:
        ModelsError: the folder holds no run, or its images cannot be read.
        ToolsError: the run closes no connections.
    """
    from trivit.models.data import load_dataset
    from trivit.models.runs.saved_run import load_run

    config, model, info = load_run(run)
    test = load_dataset(config.data).test.first(images)
    if config.model.attention_keep_ratio == 1 or not config.model.selector_blocks:
        raise ToolsError(f"{run} closes no connections: train it with model.attention_keep_ratio")
    masks = model_masks(model, info.normalise(test.in_memory().pixels))
    return {
        "model": str(run),
        "keep": config.model.token_keep_ratio,
        "attention_keep": config.model.attention_keep_ratio,
        "images": len(test),
        "tiles": {"selectors": tiles(config.model, masks)},
    }


def model_masks(model: Any, images_BCHW: Any) -> list[NDArray[np.bool_]]:
    """Return the masks (B, T, T) behind each selector of a vision transformer in eval mode."""
    import torch

    masks: list[NDArray[np.bool_]] = []
    with torch.inference_mode():
        tokens = model.embed(images_BCHW)
        tokens.token_keep_ratio = model.token_keep_ratio
        tokens.attention_keep_ratio = model.attention_keep_ratio
        for block, layer in zip(model.blocks, model.config.blocks, strict=True):
            tokens = block(tokens)
            if layer.selects:
                masks.append(tokens.mask[:, 0].numpy())
    return masks


def tiles(config: ModelConfig, masks: list[NDArray[np.bool_]]) -> dict[str, Any]:
    """Return the closed tiles of masks, and what skipping them could save of a GPU's step."""
    rows = tile_table(masks)
    return {"closed": rows, "saved": saved_table(config, rows, ATTENTION_PERCENT)}


def unpacked(rows: NDArray[np.int16], name: str) -> NDArray[np.bool_]:
    """Return the masks (B, T, T) of packed rows (B, T, columns)."""
    return np.stack([unpack_mask(image, rows.shape[1]) for image in rows]).astype(bool)


def keys_of(masks: NDArray[np.bool_]) -> int:
    """Return how many patch keys a patch token keeps in the mean, rounded."""
    return round(float(masks[:, 1:, 1:].sum(axis=2).mean()))


def local_masks(positions: NDArray[np.int64], grid: int, keys: int) -> NDArray[np.bool_]:
    """Return masks (B, 1 + K, 1 + K) that open [CLS] and the nearest kept patches on the grid."""
    place = np.stack([positions // grid, positions % grid], axis=-1).astype(float)
    distance = np.linalg.norm(place[:, :, None] - place[:, None], axis=-1)
    rank = distance.argsort(axis=2, kind="stable").argsort(axis=2, kind="stable")
    return np.pad(rank < keys, ((0, 0), (1, 0), (1, 0)), constant_values=True)


def shared_masks(masks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return masks of the same size in which every patch token keeps the first keys."""
    shared = np.zeros_like(masks)
    shared[:, :, : 1 + keys_of(masks)] = True
    shared[:, 0] = True
    return shared


def measure(config: ModelConfig, masks: list[NDArray[np.bool_]]) -> dict[str, Any]:
    """Return mean unions by selector, and cycles per image of all masked blocks by mapping."""
    words = config.blocks[0].head_dim // 8
    unions: list[dict[str, Any]] = []
    cycles: dict[str, float] = {}
    ends = [*config.selector_blocks[1:], len(config.blocks) - 1]
    for selector, (batch, start) in enumerate(zip(masks, config.selector_blocks, strict=False)):
        heads = (ends[selector] - start) * config.blocks[0].heads
        groupings = {"in order": in_order, "regrouped": regrouped}
        row: dict[str, Any] = {"tokens": batch.shape[1], "keys": keys_of(batch) + 1}
        for label, group in groupings.items():
            sets = [group(mask) for mask in batch]
            row[label] = _unions(batch, sets)
            for mapping in MAPPINGS:
                pairs = [
                    head_cycles(m, s, mapping, words) for m, s in zip(batch, sets, strict=True)
                ]
                free, copied = np.mean(pairs, axis=0) * heads
                _add(cycles, f"{mapping}, {label}", free)
                if mapping == "compacted":
                    _add(cycles, f"compacted with its copy, {label}", copied)
        _add(
            cycles,
            "one query at a time",
            np.mean([one_query_cycles(m, words) for m in batch]) * heads,
        )
        unions.append(row)
    return {"unions": unions, "cycles": {name: round(value) for name, value in cycles.items()}}


def _add(cycles: dict[str, float], name: str, value: float) -> None:
    cycles[name] = cycles.get(name, 0.0) + float(value)


def _unions(batch: NDArray[np.bool_], sets: list[list[NDArray[np.int64]]]) -> dict[str, float]:
    """Mean union, and mean 32-key tiles and 8-key words that a group needs, [CLS]'s left out."""
    sizes: list[tuple[int, int, int]] = []
    for mask, groups in zip(batch, sets, strict=True):
        for members in groups:
            if 0 not in members:
                keys = np.flatnonzero(_union(mask, members))
                sizes.append((len(keys), *MAPPINGS["aligned"](keys, len(mask))))
    union, tiles, words = np.mean(sizes, axis=0)
    return {"union": round(union, 1), "tiles": round(tiles, 2), "words": round(words, 2)}


def _union(mask: Mask, members: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.asarray(mask[members].any(axis=0))


def main() -> int:
    """Print the tables as Markdown, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default="deit_tiny")
    parser.add_argument("--keep", type=float, default=0.7)
    parser.add_argument("--attention-keep", type=float, default=0.2)
    parser.add_argument("--images", type=int, default=4)
    parser.add_argument("--run", type=Path, help="masks of this trained run; tiles alone")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    a = parser.parse_args()
    if a.run is not None:
        result = study_run(a.run, a.images)
    else:
        result = study(a.model, a.keep, a.attention_keep, a.images, a.seed)
    if a.json:
        print(json.dumps(result, indent=2))
        return 0
    if a.run is None:
        print_markdown(result)
    print_tiles(result)
    return 0


def print_tiles(result: dict[str, Any]) -> None:
    """Print the closed tiles of a study, and what skipping them could save of a step."""
    names = (*ORDERS, "bound")
    print(f"\n{result['model']}: tiles without an open connection, % ({result['images']} images)\n")
    print(f"| masks | tokens | tile | {' | '.join(names)} |")
    print(f"|---|---|---|{'---|' * len(names)}")
    for masks, part in result["tiles"].items():
        for row in part["closed"]:
            cells = " | ".join(f"{row[name]:.1f}" for name in names)
            print(f"| {masks} | {row['tokens']} | {row['tile']} | {cells} |")
    print("\nModelled: what skipping could save of a step at most, %\n")
    print(f"| masks | tile | {' | '.join(names)} |\n|---|---|{'---|' * len(names)}")
    for masks, part in result["tiles"].items():
        for row in part["saved"]:
            print(f"| {masks} | {row['tile']} | {' | '.join(f'{row[n]:.2f}' for n in names)} |")


def print_markdown(result: dict[str, Any]) -> None:
    """Print the unions and the cycles of a study."""
    title = f"{result['model']}, keep {result['keep']}, attention keep {result['attention_keep']}"
    print(f"{title}: program {result['program_cycles']:,} cycles\n")
    print(
        "| masks | tokens | keys | union, in order | regrouped "
        "| tiles | regrouped | words | regrouped |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for name, part in result["masks"].items():
        for row in part["unions"]:
            first, second = row["in order"], row["regrouped"]
            cells = [f"{first[k]} | {second[k]}" for k in ("union", "tiles", "words")]
            print(f"| {name} | {row['tokens']} | {row['keys']} | {' | '.join(cells)} |")
    names = list(result["masks"])
    print(f"\n| mapping | {' | '.join(names)} |\n|---|{'---|' * len(names)}")
    for mapping in result["masks"][names[0]]["cycles"]:
        values = [result["masks"][n]["cycles"][mapping] for n in names]
        base = [result["masks"][n]["cycles"]["all keys, in order"] for n in names]
        whole = result["program_cycles"]
        cells = [
            f"{v:,} ({100 * (b - v) / whole:+.1f} %)" for v, b in zip(values, base, strict=True)
        ]
        print(f"| {mapping} | {' | '.join(cells)} |")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (ModelsError, ToolsError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
