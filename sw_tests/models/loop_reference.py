"""The vision transformer once more, image by image in plain loops, for tests to compare with."""

import math
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from trivit.models.families.vision_transformer import VisionTransformer, ViTConfig

TINY = ViTConfig(
    image_size=12,
    patch_size=3,
    in_channels=2,
    num_classes=5,
    embed_dim=12,
    depth=4,
    num_heads=3,
    selector_blocks=(0, 2),
)


def make_model(token: float, attention: float, seed: int = 0, **changes: Any) -> VisionTransformer:
    torch.manual_seed(seed)
    model = VisionTransformer(replace(TINY, **changes))
    with torch.no_grad():  # the usual initialisation leaves attention too flat to test
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.4)
    model.set_keep_ratios(token=token, attention=attention)
    return model.double().eval()


def linear(x: list[Tensor], weight: Tensor, bias: Tensor) -> list[Tensor]:
    return [weight @ row + bias for row in x]


def layer_norm(x: list[Tensor], weight: Tensor, bias: Tensor) -> list[Tensor]:
    normed = []
    for row in x:
        centred = row - row.mean()
        normed.append(centred / (centred.square().mean() + 1e-6).sqrt() * weight + bias)
    return normed


def top(values: list[float], count: int, live: list[bool] | None = None) -> list[int]:
    """Indices of the largest live values, the lower index first among equals."""
    candidates = [i for i in range(len(values)) if live is None or live[i]]
    return sorted(candidates, key=lambda i: (-values[i], i))[:count]


def at_least_the_last(values: list[float], count: int) -> list[int]:
    """Indices of all values that equal the last of the largest, or exceed it."""
    last = sorted(values, reverse=True)[count - 1]
    return [i for i, value in enumerate(values) if value >= last]


def bias(table: Tensor, side: int, query: int, key: int) -> Tensor:
    """Relative position bias (heads,) between two patches; -1 stands for [CLS]."""
    if query < 0 or key < 0:
        return table[len(table) - (1 if query == key else 3 if query < 0 else 2)]
    down, right = query // side - key // side, query % side - key % side
    return table[(down + side - 1) * (2 * side - 1) + right + side - 1]


def distance(a: int, b: int, side: int) -> float:
    """Squared distance of two patches; a fused token (-1) is near to all."""
    if a < 0 or b < 0:
        return 0.0
    return float((a // side - b // side) ** 2 + (a % side - b % side) ** 2)


def softmax(scores: list[Tensor], opened: list[bool], compat: str) -> Tensor:
    """Probabilities of one row; the released code adds 1e-6, a share of it to closed ones too."""
    if compat == "paper":
        closed = torch.tensor(-math.inf).double()
        row = [s if is_open else closed for s, is_open in zip(scores, opened, strict=True)]
        return torch.stack(row).softmax(0)
    largest = max(map(float, scores))
    e = [torch.exp(s - largest) * is_open for s, is_open in zip(scores, opened, strict=True)]
    total = sum(map(float, e)) + 1e-6
    return torch.stack([(value + 1e-6 / len(e)) / total for value in e])


def reference(
    model: VisionTransformer,
    image: Tensor,
    token: float,
    attention: float,
    branches: list[float] | None = None,
) -> tuple[Tensor, list[float], list[list[int]], list[int]]:
    """Logits, variance of each block's scores, kept positions and connections of one image.

    ``branches`` multiply what the residual branches add.
    """
    sampling = model.patch_sampling
    p, c = dict(model.named_parameters()), model.config
    side, patch, head = c.image_size // c.patch_size, c.patch_size, c.head_dim
    prefix = 1 if c.class_token else 0
    x = [p["cls_token"][0, 0] + p["pos_embed"][0, 0]] if prefix else []
    patches: list[Tensor] = []
    for row in range(side):
        for column in range(side):
            r, q = row * patch, column * patch
            pixels = image[:, r : r + patch, q : q + patch].flatten()
            flat = p["patch_embed.proj.weight"].flatten(1)
            position = p["pos_embed"][0, prefix + row * side + column]
            patches.append(flat @ pixels + p["patch_embed.proj.bias"])
            x.append(patches[-1] + position)
    positions = list(range(side * side))
    if sampling.keep_ratio < 1:
        ranked = patches if sampling.compat == "paper" else x[prefix:]
        norms = [float(patch.abs().sum()) for patch in ranked]
        keep = round(sampling.keep_ratio * len(x)) - prefix
        positions = sorted(top(norms, keep))
        x = x[:prefix] + [x[prefix + k] for k in positions]
    open_keys: dict[int, set[int]] | None = None

    def is_open(i: int, j: int) -> bool:
        if open_keys is None or i < prefix or j in open_keys[i]:
            return True
        return j < prefix and c.class_connections == "open"

    kept_positions: list[list[int]] = []
    pairs: list[int] = []
    variances: list[float] = []
    for b in range(c.depth):
        name = f"blocks.{b}."
        normed = layer_norm(x, p[name + "norm1.weight"], p[name + "norm1.bias"])
        qkv = linear(normed, p[name + "attn.qkv.weight"], p[name + "attn.qkv.bias"])
        places = [-1] * prefix + positions
        outputs = [torch.zeros(c.embed_dim, dtype=torch.float64) for _ in x]
        mean = [[0.0] * len(x) for _ in x]
        for h in range(c.num_heads):
            part = [
                slice(k * c.embed_dim + h * head, k * c.embed_dim + (h + 1) * head)
                for k in range(3)
            ]
            for i in range(len(x)):
                row_scores, opened = [], []
                for j in range(len(x)):
                    score = qkv[i][part[0]] @ qkv[j][part[1]] / math.sqrt(head)
                    if c.relative_position_bias:
                        table = p[name + "attn.relative_position_bias_table"]
                        score = score + bias(table, side, places[i], places[j])[h]
                    row_scores.append(score)
                    opened.append(is_open(i, j))
                weights = softmax(row_scores, opened, c.attention_compat)
                for j in range(len(x)):
                    mean[i][j] += float(weights[j]) / c.num_heads
                    outputs[i][h * head : (h + 1) * head] += weights[j] * qkv[j][part[2]]
        projected = linear(outputs, p[name + "attn.proj.weight"], p[name + "attn.proj.bias"])
        scale = 1.0 if branches is None else branches[2 * b]
        x = [a + scale * o for a, o in zip(x, projected, strict=True)]
        scores = mean[0][1:]
        if c.token_score == "column_sum" or not c.class_token:
            scores = [sum(row[j] for row in mean[prefix:]) for j in range(prefix, len(x))]
        average = sum(scores) / len(scores)
        variances.append(sum((a - average) ** 2 for a in scores) / len(scores))
        if b in c.selector_blocks:
            count = len(scores)
            keep = math.ceil(count * token - 1e-9)
            kept = sorted(top(scores, keep))
            if c.token_score == "static":
                kept = [math.floor((i + 0.5) * count / keep) for i in range(keep)]
            dropped = [k for k in range(count) if k not in kept]
            fused = [scores[k] * x[prefix + k] for k in dropped]
            x = x[:prefix] + [x[prefix + k] for k in kept]
            positions = [positions[k] for k in kept]
            live = [[True] * keep for _ in kept]
            if open_keys is not None and c.attention_compat == "paper":
                live = [[prefix + j in open_keys[prefix + i] for j in kept] for i in kept]
            open_keys = None
            if attention < 1:
                keys = math.ceil(keep * attention - 1e-9)
                values = [[mean[prefix + k][prefix + j] for j in kept] for k in kept]
                if c.attention_pattern == "window":
                    values = [[-distance(i, j, side) for j in positions] for i in positions]
                equal = c.attention_compat == "code" and c.attention_pattern != "window"
                chosen = [
                    at_least_the_last(v, keys) if equal else top(v, keys, alive)
                    for v, alive in zip(values, live, strict=True)
                ]
                if c.attention_pattern == "magnitude":
                    flat_values = [v for row in values for v in row]
                    flat_live = [alive for row in live for alive in row]
                    largest = top(flat_values, keys * keep, flat_live)
                    if equal:
                        largest = at_least_the_last(flat_values, keys * keep)
                    chosen = [[f % keep for f in largest if f // keep == i] for i in range(keep)]
                open_keys = {prefix + i: {prefix + j for j in row} for i, row in enumerate(chosen)}
                for i in range(keep):
                    if not open_keys[prefix + i] and not (prefix and c.class_connections == "open"):
                        open_keys[prefix + i] = {prefix + i}
            if fused and c.fuse_tokens:
                x.append(torch.stack(fused).sum(0))
                positions = [*positions, -1]
                if open_keys is not None:
                    last = len(x) - 1
                    open_keys = {i: keys_of | {last} for i, keys_of in open_keys.items()}
                    open_keys[last] = set(range(len(x)))
            kept_positions.append(positions)
            pairs.append(sum(is_open(i, j) for i in range(len(x)) for j in range(len(x))))
        normed = layer_norm(x, p[name + "norm2.weight"], p[name + "norm2.bias"])
        hidden = linear(normed, p[name + "mlp.fc1.weight"], p[name + "mlp.fc1.bias"])
        hidden = [0.5 * v * (1 + torch.erf(v / math.sqrt(2))) for v in hidden]
        changes = linear(hidden, p[name + "mlp.fc2.weight"], p[name + "mlp.fc2.bias"])
        scale = 1.0 if branches is None else branches[2 * b + 1]
        x = [a + scale * o for a, o in zip(x, changes, strict=True)]
    last_norm = "norm" if c.pooling == "cls" else "fc_norm"
    pooled = x[0] if c.pooling == "cls" else torch.stack(x[prefix:]).mean(0)
    final = layer_norm([pooled], p[f"{last_norm}.weight"], p[f"{last_norm}.bias"])
    logits = linear(final, p["head.weight"], p["head.bias"])[0]
    return logits, variances, kept_positions, pairs
