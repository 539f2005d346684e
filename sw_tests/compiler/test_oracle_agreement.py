"""The Brevitas model in float64 against the oracle, op by op on the same input integers.

Each instruction of the compiled program runs on the integers that Brevitas computed before it, so
an error cannot hide behind, or be blamed on, an earlier one.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

from trivit.host import oracle
from trivit.host.bundle import Bundle, TensorInfo
from trivit.host.fixed_point import requantize
from trivit.host.generated.spec import MAX_TOKENS
from trivit.host.images import preprocess
from trivit.host.instructions import Instruction, decode
from trivit.host.oracle.machine import Machine
from trivit.host.oracle.matmul import exact_product, unpack_weight
from trivit.host.oracle.selection import pack_mask
from trivit.models.quantization.trace import TracedTensor, trace
from trivit.tools.compiler import compile_model

VARIANTS: list[dict[str, Any]] = [
    {},
    {"depth": 3, "selector_blocks": (0, 1), "num_heads": 4},
    {"sparse": False},
    {"token_keep_ratio": 1.0},
    {"attention_keep_ratio": 1.0, "qkv_bias": False},
    {"in_channels": 3, "patch_size": 2, "embed_dim": 48, "num_heads": 3, "num_classes": 11},
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


def layernorm_bound(
    bundle: Bundle, f: dict[str, int], x: TracedTensor, y: TracedTensor, rows: int
) -> np.ndarray:
    """Return the bound of docs/numerics.md in output steps, (rows, C)."""
    width = f["words"] * 8
    gamma = bundle.params[f["gamma"] * 8 :][:width] * 2.0 ** -(
        f["out_shift"] - 20 + (y.fraction_length or 0)
    )
    real = x.values[0].reshape(-1, width)[:rows]
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
            if instruction.opcode == "attention":
                probs = traced[tensor.name.replace(".context", ".probs")].integers[0]
                tokens = probs.shape[-1]
                machine.head_sum = np.zeros((MAX_TOKENS, MAX_TOKENS), np.int64)
                machine.head_sum[:tokens, :tokens] = probs.sum(axis=0)
    internal = (".scores", ".probs", ".fc1")
    observable = {n for n in traced if n != "input" and not n.endswith(internal)}
    assert compared == observable


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
    if tensor.kind != "value" or instruction.opcode == "gather":
        assert np.array_equal(found, expected), tensor.name
    elif instruction.opcode == "layernorm":
        x = traced[source_of(instruction, bundle, index).name]
        bound = layernorm_bound(bundle, instruction.fields, x, traced[tensor.name], tensor.rows)
        assert (difference <= bound).all(), tensor.name
    elif instruction.opcode == "attention":
        bound = attention_bound(traced, tensor.name)
        assert (difference <= bound).all(), tensor.name
    elif "gelu" in instruction.flags:
        # Within one step of the table's 2^-17 for every value the table sees.
        assert difference.max() <= 2.0**-17 * 2.0**tensor.frac + ROUNDINGS, tensor.name
    else:
        assert_close(tensor.name, found[:, columns], expected[:, columns])


def test_inner_steps_of_fused_instructions_agree(case: Any) -> None:
    model, bundle = case
    for _, traced in traces(model):
        for index, words in enumerate(bundle.program):
            instruction = decode(words)
            assert instruction is not None
            name = next((t.name for t in bundle.tensors if t.instruction == index), "")
            if instruction.opcode == "attention":
                check_attention(name.removesuffix(".context"), instruction, index, bundle, traced)
            elif "gelu" in instruction.flags:
                check_hidden(name.removesuffix(".gelu"), instruction, index, bundle, traced)


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
    mask = np.ones(scores.shape[1:], bool)
    if "mask" in instruction.flags:
        mask = traced[source_of(instruction, bundle, index, "mask").name].integers[0].astype(bool)
    results = []
    for head in range(heads):
        s, _ = requantize(exact_product(q[head], k[head].T), f["score_shift"])
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


def check_hidden(
    prefix: str,
    instruction: Instruction,
    index: int,
    bundle: Bundle,
    traced: dict[str, TracedTensor],
) -> None:
    f = instruction.fields
    x = traced[source_of(instruction, bundle, index).name].integers[0].astype(np.int16)
    hidden, activated = traced[f"{prefix}.fc1"], traced[f"{prefix}.gelu"]
    outputs, depth = hidden.integers.shape[-1], f["depth_words"]
    tiles = -(-outputs // 32)
    packed = bundle.params[f["weight"] * 8 :][: tiles * (depth * 32 + 4) * 8]
    weight, bias = unpack_weight(packed, tiles, depth)
    h, _ = oracle.matmul(
        x,
        weight[:outputs],
        bias[:outputs],
        bias_shift=f["bias_shift"],
        out_shift=f["out_shift"],
    )
    assert_close(f"{prefix}.fc1", h, hidden.integers[0])
    g, _ = oracle.gelu(hidden.integers[0].astype(np.int16), f["gelu_in_frac"], f["gelu_out_frac"])
    bound = 2.0 ** (f["gelu_out_frac"] - 17) + ROUNDINGS
    assert (steps(g, activated.integers[0]) <= bound).all(), prefix


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
