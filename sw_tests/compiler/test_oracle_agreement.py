"""The Brevitas model in float64 against the oracle, op by op on the same input integers.

Each instruction of the compiled program runs on the integers that Brevitas computed before it, so
an error cannot hide behind, or be blamed on, an earlier one. What an instruction does inside (the
rows it normalises, the sum that GELU reads, softmax) is compared step by step as well.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

from trivit.host import oracle
from trivit.host.bundle import Bundle, TensorInfo
from trivit.host.fixed_point import requantize
from trivit.host.images import preprocess
from trivit.host.instructions import Instruction, decode
from trivit.host.oracle.checks import column_tiles, matrix_words, memory_regions
from trivit.host.oracle.machine import HEAD_SUMS, Machine
from trivit.host.oracle.matmul import exact_product, unpack_weight
from trivit.host.oracle.selection import pack_mask
from trivit.models.quantization.trace import TracedTensor, trace
from trivit.tools.compiler import compile_model

DENSE = {"selector_blocks": (), "token_keep_ratio": 1.0, "attention_keep_ratio": 1.0}
VARIANTS: list[dict[str, Any]] = [
    {},
    {"depth": 3, "selector_blocks": (0, 1), "num_heads": 4},
    {"sparse": False},
    {"token_keep_ratio": 1.0},
    {"attention_keep_ratio": 1.0, "qkv_bias": False},
    {"in_channels": 3, "patch_size": 2, "embed_dim": 48, "num_heads": 3, "num_classes": 11},
    {"token_keep_ratio": 0.9, "mlp_ratio": 4.0, "seed": 1},
    {**DENSE, "relative_position_bias": True, "pooling": "mean"},
    # Patches see their own window, by a bias that closes the others, and [CLS].
    {**DENSE, "relative_position_bias": True, "window": 2},
    # Widths and tokens of DeiT-T.
    {
        "image_size": 224,
        "patch_size": 16,
        "in_channels": 3,
        "embed_dim": 192,
        "num_heads": 3,
        "mlp_ratio": 4.0,
        "token_keep_ratio": 0.7,
        "count": 1,
    },
]
LEAST_EQUAL = 0.999
MOST_STEPS = 2
# Rounding of the oracle and of the Brevitas model, half a step each, beside a table's error.
ROUNDINGS = 1.0


@pytest.fixture(params=VARIANTS, ids=lambda v: ",".join(f"{k}={x}" for k, x in v.items()) or "base")
def case(request: pytest.FixtureRequest, exported: Callable[..., Any], tmp_path: Any) -> Any:
    """Return an exported model and its program."""
    model = exported(**request.param)
    return model, compile_model(model.save(tmp_path))


def traces(model: Any) -> Iterator[tuple[int, dict[str, TracedTensor]]]:
    for index in range(len(model.pixels)):
        yield index, trace(model.model, model.images[index : index + 1])


def integers_of(tensor: TensorInfo, traced: dict[str, TracedTensor]) -> np.ndarray | None:
    """Return the Brevitas integers of a tensor as the kernel lays them out, (rows, words * 8)."""
    if tensor.name not in traced:
        return None
    values = traced[tensor.name].integers[0]
    if tensor.kind == "mask":
        return pack_mask(values.astype(bool))
    rows = values.reshape(tensor.rows, tensor.columns)
    padded = np.zeros((tensor.rows, tensor.words * 8), np.int16)
    padded[:, : tensor.columns] = rows
    return padded


def steps(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.abs(a.astype(np.int64) - b.astype(np.int64))


def assert_close(name: str, found: np.ndarray, expected: np.ndarray) -> None:
    difference = steps(found, expected)
    equal = float(np.mean(difference == 0))
    assert difference.max() <= MOST_STEPS, f"{name} is off by {difference.max()} steps"
    allowed = max(1, int(difference.size * (1 - LEAST_EQUAL)))
    assert np.count_nonzero(difference) <= allowed, f"{name}: only {equal:.5f} equal"


def layernorm_bound(gamma: np.ndarray, x: TracedTensor, y: TracedTensor) -> np.ndarray:
    """Return the bound of docs/numerics.md for the rows of ``y``, in output steps, (rows, C)."""
    real = x.values[0].reshape(-1, len(gamma))[: y.integers[0].size // len(gamma)]
    centred = real - real.mean(axis=1, keepdims=True)
    sigma = np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-6)
    step = 2.0 ** -(x.fraction_length or 0)
    bound = np.abs(gamma) * (np.abs(centred / sigma) * 2.0**-19 + 2.0**-9 * step / sigma + 2.0**-20)
    return bound * 2.0 ** (y.fraction_length or 0) + ROUNDINGS


def attention_bound(traced: dict[str, TracedTensor], name: str) -> np.ndarray:
    """Return how far the context may be off, in steps, when the softmax uses its tables."""
    prefix = name.removesuffix(".context")
    probs, qkv, context = (traced[f"{prefix}.{n}"] for n in ("probs", "qkv", "context"))
    heads = probs.integers.shape[1]
    values = np.split(np.abs(qkv.values[0]), 3, axis=1)[2]
    values = values.reshape(len(values), heads, -1).transpose(1, 0, 2)
    p = probs.values[0]
    # Probabilities may be off by the table and by a step, 1 - 2^-15 standing for 1 included.
    error = (p * 2.0**-16 + 2 * 2.0 ** -(probs.fraction_length or 0)) @ values
    merged = error.transpose(1, 0, 2).reshape(context.integers.shape[1:])
    return merged * 2.0 ** (context.fraction_length or 0) + ROUNDINGS


def source_of(
    instruction: Instruction, bundle: Bundle, index: int, field: str = "src"
) -> TensorInfo:
    """Return the tensor that last wrote an instruction's operand before ``index``."""
    address = instruction.fields[field]
    earlier = [t for t in bundle.tensors if t.address == address and t.instruction < index]
    return max(earlier, key=lambda t: t.instruction)


def test_every_instruction_agrees_with_brevitas(case: Any) -> None:
    model, bundle = case
    regions = preprocess(bundle, model.pixels)
    by_instruction = {t.instruction: t for t in bundle.tensors}
    compared = set()
    for image, traced in traces(model):
        lut = regions[image][: model.pixels[0].size]
        assert np.array_equal(lut, traced["input"].integers[0].ravel())
        machine = Machine()
        for index in range(len(bundle.program)):
            machine.run(
                bundle.program[index : index + 1],
                bundle.params,
                regions[image],
                bundle.output_words,
            )
            tensor = by_instruction.get(index)
            expected = None if tensor is None else integers_of(tensor, traced)
            if tensor is None or expected is None:
                continue
            found = machine.memory.read(tensor.address, tensor.rows, tensor.words)
            instruction = decode(bundle.program[index])
            assert instruction is not None
            compared.add(tensor.name)
            check_tensor(tensor, instruction, index, found, expected, bundle, traced)
            machine.memory.write(tensor.address, expected)
            if "statistics" in instruction.flags:
                sums = oracle.row_statistics(expected)
                machine.sums[: tensor.rows], machine.squares[: tensor.rows] = sums
            if instruction.opcode == "attention":
                probs = traced[tensor.name.replace(".context", ".probs")].integers[0]
                tokens = probs.shape[-1]
                machine.head_sum = np.zeros(HEAD_SUMS, np.int64)
                open_keys = mask_of(instruction, index, bundle, traced, tokens)
                machine.head_sum[:tokens, :tokens] = np.where(open_keys, probs.sum(axis=0), -1)
    internal = (".scores", ".probs", ".fc1", "norm1", "norm2", "norm", "pool.weights")
    observable = {n for n in traced if n != "input" and not n.endswith(internal)}
    kept = [n for n in traced if n.endswith(".selector.tokens")]
    assert compared == observable - {n.replace(".selector.tokens", ".attn.proj") for n in kept}


def check_tensor(
    tensor: TensorInfo,
    instruction: Instruction,
    index: int,
    found: np.ndarray,
    expected: np.ndarray,
    bundle: Bundle,
    traced: dict[str, TracedTensor],
) -> None:
    columns = slice(0, tensor.columns)
    difference = steps(found, expected)[:, columns]
    assert not found[:, tensor.columns :].any()
    if tensor.kind != "value":
        assert np.array_equal(found, expected), tensor.name
    elif instruction.opcode == "attention":
        bound = attention_bound(traced, tensor.name)
        assert (difference <= bound).all(), tensor.name
    elif "normalise" in instruction.flags:
        bound = product_bound(tensor, instruction, index, bundle, traced)
        assert (difference <= bound).all(), tensor.name
    else:
        assert_close(tensor.name, found[:, columns], expected[:, columns])


def normalised(
    instruction: Instruction, index: int, bundle: Bundle, traced: dict[str, TracedTensor]
) -> tuple[np.ndarray, TracedTensor]:
    """Return the rows that the oracle normalises and those of Brevitas."""
    f, rows = instruction.fields, instruction.fields["rows"]
    x = traced[source_of(instruction, bundle, index).name]
    norm_name = NORMS[name_of(bundle, index).rpartition(".")[2]](name_of(bundle, index))
    norm = traced.get(norm_name) or traced["fc_norm"]
    width = f["depth_words"] * 8
    source = x.integers[0].reshape(-1, width)[:rows].astype(np.int16)
    gamma, beta = (bundle.params[f[n] * 8 :][:width] for n in ("gamma", "beta"))
    found, _ = oracle.normalise(
        source,
        oracle.row_statistics(source),
        gamma,
        beta,
        **{n: f[n] for n in ("inv_width", "sqrt_width", "epsilon", "beta_shift", "norm_shift")},
    )
    expected = norm.integers[0].reshape(rows, width)
    gamma_frac = f["norm_shift"] - 20 + (norm.fraction_length or 0)
    bound = layernorm_bound(gamma * 2.0**-gamma_frac, x, norm)
    assert (steps(found, expected) <= bound).all(), name_of(bundle, index)
    return found, norm


# The LayerNorm inside a linear layer, by the last part of the layer's name.
NORMS: dict[str, Callable[[str], str]] = {
    "qkv": lambda name: name.replace(".attn.qkv", ".norm1"),
    "gelu": lambda name: name.replace(".mlp.gelu", ".norm2"),
    "head": lambda name: "norm",
}


def name_of(bundle: Bundle, index: int) -> str:
    return next((t.name for t in bundle.tensors if t.instruction == index), "")


def weights_of(instruction: Instruction, bundle: Bundle) -> tuple[np.ndarray, np.ndarray]:
    f = instruction.fields
    tiles = column_tiles(f["out_words"])
    words = matrix_words(tiles, f["depth_words"])
    return unpack_weight(bundle.params[f["weight"] * 8 :][: words * 8], tiles, f["depth_words"])


def product_bound(
    tensor: TensorInfo,
    instruction: Instruction,
    index: int,
    bundle: Bundle,
    traced: dict[str, TracedTensor],
) -> np.ndarray:
    """Return by how many steps a product may be off for its normalised rows are."""
    f = instruction.fields
    found, norm = normalised(instruction, index, bundle, traced)
    off = steps(found, norm.integers[0].reshape(found.shape))
    weight, _ = weights_of(instruction, bundle)
    bound = off @ np.abs(weight[: tensor.columns].astype(np.int64)).T * 2.0 ** -f["out_shift"]
    if "gelu" not in instruction.flags:
        return bound + ROUNDINGS
    # |gelu'| < 1.13; the sum itself is rounded once more, and so is the table.
    scale = 2.0 ** (f["gelu_out_frac"] - f["gelu_in_frac"])
    return 1.13 * scale * (bound + ROUNDINGS) + 2.0 ** (f["gelu_out_frac"] - 17) + ROUNDINGS


def test_inner_steps_of_fused_instructions_agree(case: Any) -> None:
    model, bundle = case
    checked = set()
    for _, traced in traces(model):
        for index, words in enumerate(bundle.program):
            instruction = decode(words)
            assert instruction is not None
            name = name_of(bundle, index)
            if instruction.opcode == "attention" and name in traced:
                check_attention(name.removesuffix(".context"), instruction, index, bundle, traced)
            elif "normalise" in instruction.flags:
                check_normalised_product(name, instruction, index, bundle, traced)
                checked.add(name.rpartition(".")[2])
    assert checked == NORMS.keys()


def mask_of(
    instruction: Instruction,
    index: int,
    bundle: Bundle,
    traced: dict[str, TracedTensor],
    tokens: int,
) -> np.ndarray:
    """Return the open keys (tokens, tokens) of an attention."""
    if "mask" not in instruction.flags:
        return np.ones((tokens, tokens), bool)
    return traced[source_of(instruction, bundle, index, "mask").name].integers[0].astype(bool)


def bias_of(instruction: Instruction, bundle: Bundle) -> np.ndarray:
    """Return what is added to the products of an attention, (heads, tokens, tokens)."""
    heads, tokens = instruction.fields["heads"], instruction.fields["tokens"]
    if "bias" not in instruction.flags:
        return np.zeros((heads, tokens, tokens), np.int64)
    [(_, first, words)] = memory_regions(instruction).values()
    block = bundle.params[first * 8 : (first + words) * 8].astype(np.int64)
    return block.reshape(heads, tokens, -1)[:, :, :tokens]


def check_attention(
    prefix: str,
    instruction: Instruction,
    index: int,
    bundle: Bundle,
    traced: dict[str, TracedTensor],
) -> None:
    f = instruction.fields
    heads = f["heads"]
    qkv = traced[f"{prefix}.qkv"].integers[0].astype(np.int16)
    q, k, v = np.split(qkv.reshape(len(qkv), 3 * heads, -1).transpose(1, 0, 2), 3)
    scores, probs = (traced[f"{prefix}.{n}"].integers[0] for n in ("scores", "probs"))
    context = traced[f"{prefix}.context"].integers[0]
    mask = mask_of(instruction, index, bundle, traced, scores.shape[-1])
    bias = bias_of(instruction, bundle)
    mask = mask & (bias[0] != -32768)
    results = []
    for head in range(heads):
        product = exact_product(q[head], k[head].T) + (bias[head] << f["bias_shift"])
        s, _ = requantize(product, f["score_shift"])
        assert_close(f"{prefix}.scores", s, scores[head])
        p, _ = oracle.softmax(
            scores[head].astype(np.int16),
            mask,
            exp_multiplier=f["exp_multiplier"],
            exp_shift=f["exp_shift"],
            prob_frac=f["prob_frac"],
        )
        assert (p[~mask] == 0).all() and (probs[head][~mask] == 0).all()
        bound = probs[head] * 2.0**-16 + ROUNDINGS
        assert (steps(p, probs[head]) <= bound).all(), prefix
        o, _ = requantize(exact_product(probs[head].astype(np.int16), v[head]), f["out_shift"])
        results.append(o)
    assert_close(f"{prefix}.context", np.concatenate(results, axis=1), context)


def check_normalised_product(
    name: str,
    instruction: Instruction,
    index: int,
    bundle: Bundle,
    traced: dict[str, TracedTensor],
) -> None:
    """Compare LayerNorm, then the product of Brevitas' own normalised rows, then GELU."""
    f = instruction.fields
    _, norm = normalised(instruction, index, bundle, traced)
    activated = "gelu" in instruction.flags
    product = traced[name.replace(".gelu", ".fc1")].integers[0]
    outputs = product.shape[-1]
    weight, bias = weights_of(instruction, bundle)
    h, _ = oracle.matmul(
        norm.integers[0].reshape(-1, f["depth_words"] * 8).astype(np.int16),
        weight[:outputs],
        bias[:outputs],
        bias_shift=f["bias_shift"],
        out_shift=f["out_shift"],
    )
    assert_close(name, h, product.reshape(h.shape))
    if activated:
        g, _ = oracle.gelu(product.astype(np.int16), f["gelu_in_frac"], f["gelu_out_frac"])
        # Within one step of the table's 2^-17 for every value the table sees.
        bound = 2.0 ** (f["gelu_out_frac"] - 17) + ROUNDINGS
        assert (steps(g, traced[name].integers[0]) <= bound).all(), name


def test_whole_programs_take_the_same_decisions(
    exported: Callable[..., Any], tmp_path: Any
) -> None:
    model = exported(count=24, seed=3)
    bundle = compile_model(model.save(tmp_path))
    regions = preprocess(bundle, model.pixels)
    logits = np.stack(
        [
            Machine().run(bundle.program, bundle.params, region, bundle.output_words)[0]
            for region in regions
        ]
    )[:, : model.config.num_classes]
    with torch.inference_mode():
        expected = model.model(model.images).numpy()
    assert np.array_equal(logits.argmax(axis=1), expected.argmax(axis=1))
