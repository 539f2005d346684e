"""Whole programs: structure, equality of backends, cycles, files."""

import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from trivit.host.backends import open_backend
from trivit.host.bundle import Bundle
from trivit.host.instructions import Instruction, decode
from trivit.host.oracle.checks import tensors
from trivit.host.tracing import with_trace
from trivit.models.topology import passages
from trivit.tools.compiler import compile_model, compile_run
from trivit.tools.compiler.fusion import fused
from trivit.tools.compiler.graph import load_graph
from trivit.tools.compiler.ir import Attention, Linear, SelectConnections, SelectTokens
from trivit.tools.compiler.lowering import lower
from trivit.tools.compiler.params import ParameterImage
from trivit.tools.compiler.placement import placed
from trivit.tools.compiler.program import live_intervals
from trivit.tools.compiler.recogniser import recognise
from trivit.tools.errors import ToolsError
from trivit.tools.estimate import estimate_bundle
from trivit.tools.estimate.image_cycles import model_cycles
from trivit.tools.estimate.work import ARRAY_MACS
from trivit.tools.schedule import schedule

from .memory_needs import deit_of_width

VARIANTS: dict[str, dict[str, Any]] = {
    "sparse": {"seed": 5},
    "two selectors": {"depth": 3, "selector_blocks": (0, 1), "seed": 6},
    "selector in the last block": {"selector_blocks": (1,)},
    "dense": {"sparse": False},
    "one head, colour, odd patch": {"num_heads": 1, "in_channels": 3, "image_size": 15},
    "connections only": {"token_keep_ratio": 1.0},
    "40 classes": {
        "num_classes": 40,
        "selector_blocks": (),
        "token_keep_ratio": 1.0,
        "attention_keep_ratio": 1.0,
    },
}


@pytest.fixture(params=VARIANTS.values(), ids=VARIANTS.keys())
def case(request: pytest.FixtureRequest, exported: Callable[..., Any], tmp_path: Path) -> Any:
    model = exported(**request.param)
    return model, compile_model(model.save(tmp_path))


def test_reference_and_emulator_agree_in_every_tensor(case: Any) -> None:
    model, bundle = case
    traced = with_trace(bundle)
    reference = open_backend("reference").run(traced, model.pixels)
    emulator = open_backend("emulator").run(traced, model.pixels)
    assert np.array_equal(reference.logits, emulator.logits)
    assert np.array_equal(reference.saturations, emulator.saturations)
    assert reference.tensors.keys() == emulator.tensors.keys()
    for name, expected in reference.tensors.items():
        assert np.array_equal(expected, emulator.tensors[name]), name
    # Different images must give different logits, or the comparison shows little.
    assert len({tuple(row) for row in reference.logits.tolist()}) == len(model.pixels)


def test_estimate_of_a_program(case: Any) -> None:
    """What the scheduler refuses has no estimate, for the same reason."""
    _, bundle = case
    try:
        schedule(bundle)
    except ToolsError as refused:
        with pytest.raises(ToolsError, match=re.escape(str(refused))):
            estimate_bundle(bundle)
        assert model_cycles(bundle).reason == str(refused)
        return
    estimate = estimate_bundle(bundle)
    assert estimate.cycles == model_cycles(bundle).cycles
    assert estimate.cycles > estimate.limit_cycles > estimate.macs / ARRAY_MACS
    assert estimate.latency_ms == pytest.approx(estimate.cycles / 150e6 * 1e3)


def instructions(bundle: Bundle) -> list[Instruction]:
    return [instruction for words in bundle.program if (instruction := decode(words))]


def span(tensor: tuple[int, int, int]) -> range:
    """Return the bank words of an (address, rows, words) tensor."""
    address, rows, words = tensor
    return range(address, address + -(-rows // 8) * words)


def overlap(a: range, b: range) -> bool:
    return a.start < b.stop and b.start < a.stop


def test_tensors_in_use_do_not_overlap(case: Any) -> None:
    _, bundle = case
    words: dict[int, int] = {}  # bank word -> instruction that wrote it last
    for index, instruction in enumerate(instructions(bundle)):
        operands = {name: span(tensor) for name, tensor in tensors(instruction).items()}
        target = operands.pop("dst", None)
        for read in operands.values():
            writers = {words.get(word) for word in read}
            assert None not in writers
            # One tensor comes from one instruction; the first row of x0 from a second one.
            assert len(writers) <= 2
            assert target is None or not overlap(read, target)
        if target is not None:
            words.update(dict.fromkeys(target, index))


def test_selections_stand_beside_their_neighbours(case: Any) -> None:
    _, bundle = case
    found = instructions(bundle)
    for index, instruction in enumerate(found):
        if instruction.opcode == "select_tokens":
            assert found[index - 1].flags & {"score_cls", "score_all"}
        elif instruction.opcode == "select_connections":
            assert found[index + 1].opcode == "matmul"


def test_rows_are_normalised_by_the_sums_of_their_own_tensor(case: Any) -> None:
    _, bundle = case
    noted: tuple[int, ...] = ()
    normalised = 0
    for instruction in instructions(bundle):
        f = instruction.fields
        if "normalise" in instruction.flags:
            assert (f["src"], f["depth_words"]) == noted[:2]
            assert f["rows"] <= noted[2]
            normalised += 1
        if "statistics" in instruction.flags:
            address, rows, words = tensors(instruction)["dst"]
            first_row_only = instruction.opcode == "load"
            assert not first_row_only or noted[:2] == (address, words)
            noted = (address, words, noted[2] if first_row_only else rows)
    model, _ = case
    assert normalised == 2 * model.config.depth + 1


def test_macs_are_those_of_the_model(case: Any) -> None:
    model, bundle = case
    config = model.config
    steps = passages(config, config.final_ratios())
    kept = [step.left for step in steps if step.selection is not None] if model.model.sparse else []
    selectors = dict(zip(config.selector_blocks, kept, strict=False))
    tokens, width = 1 + config.num_patches, config.embed_dim
    total = config.num_patches * config.in_channels * config.patch_size**2 * width
    for block in range(config.depth):
        total += tokens * width * 4 * width + 2 * tokens * tokens * width
        tokens = 1 + selectors.get(block, tokens - 1)
        total += 2 * tokens * width * config.mlp_dim
    total += width * config.num_classes
    info = bundle.first.info
    assert info["macs"] == total == sum(entry["macs"] for entry in info["instructions"])
    assert info["open_macs"] == sum(entry["open_macs"] for entry in info["instructions"])
    masked = any("mask" in decode(words).flags for words in bundle.program)  # type: ignore[union-attr]
    assert (info["open_macs"] < info["macs"]) == masked


def test_connections_count_as_if_gathered(exported: Callable[..., Any], tmp_path: Path) -> None:
    bundle = compile_model(exported(seed=5).save(tmp_path))
    entries = bundle.first.info["instructions"]
    attention = [
        entry
        for entry, instruction in zip(entries, instructions(bundle), strict=True)
        if instruction.opcode == "attention"
    ]
    # The projection multiplies all 17 rows, whichever of them it keeps.
    work = {entry["tensor"]: entry["macs"] for entry in entries}
    assert work["blocks.0.selector.tokens"] == 17 * 32 * 32
    assert work["blocks.0.mlp.gelu"] == 11 * 32 * 64
    # 16 patches, 10 kept, 5 keys each and [CLS]; [CLS] itself sees all 11.
    assert attention[0]["open_macs"] == attention[0]["macs"] == 2 * 17 * 17 * 32
    assert attention[1]["macs"] == 2 * 11 * 11 * 32
    assert attention[1]["open_macs"] == 2 * (11 + 10 * 6) * 32


def test_operations_of_a_sparse_model(exported: Callable[..., Any], tmp_path: Path) -> None:
    model = exported(depth=3, selector_blocks=(0, 1), seed=6)
    operations = placed(fused(recognise(load_graph(model.save(tmp_path))))).operations
    attentions = [o for o in operations if isinstance(o, Attention)]
    assert [a.tokens for a in attentions] == [17, 11, 7]
    assert [a.selectors for a in attentions] == ["all", "all", ""]
    assert [a.mask.name if a.mask else None for a in attentions] == [
        None,
        "blocks.0.selector.mask",
        "blocks.1.selector.mask",
    ]
    assert [o.keep for o in operations if isinstance(o, SelectTokens)] == [10, 6]
    assert [o.keep for o in operations if isinstance(o, SelectConnections)] == [5, 3]
    layers = [o for o in operations if isinstance(o, Linear)]
    assert all((o.hidden is not None) == o.output.name.endswith("gelu") for o in layers)
    assert [o.norm.output.name if o.norm else "" for o in layers] == [
        name
        for block in range(3)
        for name in (f"blocks.{block}.norm1", "", f"blocks.{block}.norm2", "")
    ] + ["norm"]
    assert [(o.rows, o.output.rows) for o in layers if o.gather] == [(17, 11), (11, 7)]
    assert layers[-1].rows == 1


def test_only_needed_scores_are_kept(exported: Callable[..., Any], tmp_path: Path) -> None:
    model = exported(attention_keep_ratio=1.0, qkv_bias=False)
    bundle = compile_model(model.save(tmp_path))
    flags = [i.flags for i in map(decode, bundle.program) if i and i.opcode == "attention"]
    assert flags == [frozenset({"score_cls"}), frozenset()]


def test_names_of_nodes_do_not_matter(exported: Callable[..., Any], tmp_path: Path) -> None:
    model = exported(seed=5)
    path = model.save(tmp_path)
    renamed = onnx.ModelProto()
    renamed.CopyFrom(model.onnx)
    for index, node in enumerate(renamed.graph.node):
        node.name = f"n{index}"
    anonymous = tmp_path / "anonymous.qonnx"
    onnx.save_model(renamed, str(anonymous))
    first, second = compile_model(path), compile_model(anonymous)
    assert np.array_equal(first.program, second.program)
    assert np.array_equal(first.params, second.params)


def test_compiling_again_gives_the_same_bytes(exported: Callable[..., Any], tmp_path: Path) -> None:
    path = exported(seed=5).save(tmp_path)
    data = compile_model(path).to_bytes()
    assert data == compile_model(path).to_bytes()
    assert Bundle.from_bytes(data).to_bytes() == data


def test_compile_run_writes_one_bundle(exported: Callable[..., Any], tmp_path: Path) -> None:
    exported(seed=5).save(tmp_path / "quantized")
    exported(seed=5, sparse=False).save(tmp_path / "quantized", "model_dense.qonnx")
    summary = compile_run(tmp_path)
    assert summary["bytes"] == (tmp_path / "program.trivit").stat().st_size
    bundle = Bundle.load(tmp_path / "program.trivit")
    assert list(summary["programs"]) == [p.name for p in bundle.programs] == ["sparse", "dense"]
    for name, figures in summary["programs"].items():
        assert figures["macs"] == bundle.choose(name).first.info["macs"]
    assert summary["programs"]["sparse"]["macs"] < summary["programs"]["dense"]["macs"]


def test_preprocessing_table(exported: Callable[..., Any], tmp_path: Path) -> None:
    bundle = compile_model(exported(seed=5).save(tmp_path))
    p = bundle.preprocessing
    for pixel in (0, 17, 255):
        expected = round((pixel / 255 - 0.3) / 0.35 * 2**p.frac)
        assert p.lut[0, pixel] == expected


def test_estimate_refuses_a_traced_bundle(exported: Callable[..., Any], tmp_path: Path) -> None:
    bundle = with_trace(compile_model(exported(seed=5).save(tmp_path)))
    with pytest.raises(ToolsError, match="counts the work of"):
        estimate_bundle(bundle)


def test_live_intervals_reach_the_last_reader(exported: Callable[..., Any], tmp_path: Path) -> None:
    model = recognise(load_graph(exported(seed=5).save(tmp_path)))
    drafts = lower(placed(fused(model)), ParameterImage())
    intervals = {i.name: i for i in live_intervals(drafts)}
    for step, draft in enumerate(drafts):
        for tensor in draft.tensors.values():
            assert intervals[tensor.name].first <= step <= intervals[tensor.name].last
    # x0 is the residual of the first projection, three instructions after its first reader.
    names = [d.writes.name if d.writes else "" for d in drafts]
    assert intervals["x0"].last == names.index("blocks.0.selector.tokens")
    assert not any(a == b for a, b in itertools.pairwise(names) if a != "x0")


DEIT_TINY = {
    "image_size": 224,
    "patch_size": 16,
    "in_channels": 3,
    "num_classes": 1000,
    "embed_dim": 192,
    "num_heads": 3,
    "mlp_ratio": 4.0,
    "token_keep_ratio": 0.7,
}


def test_deit_sized_block(exported: Callable[..., Any], tmp_path: Path) -> None:
    """One block of DeiT-T: 197 tokens, 138 of them kept, then 69 keys each."""
    model = exported(depth=1, count=1, **DEIT_TINY)
    bundle = compile_model(model.save(tmp_path))
    reference = open_backend("reference").run(bundle, model.pixels)
    emulator = open_backend("emulator").run(bundle, model.pixels)
    assert np.array_equal(reference.logits, emulator.logits)


@pytest.mark.full
@pytest.mark.parametrize(
    ("width", "heads"),
    [
        (192, 3),
        pytest.param(384, 6, marks=deit_of_width(384)),
        pytest.param(768, 12, marks=deit_of_width(768)),
    ],
)
def test_whole_deit(exported: Callable[..., Any], tmp_path: Path, width: int, heads: int) -> None:
    sizes = DEIT_TINY | {"embed_dim": width, "num_heads": heads}
    model = exported(depth=12, count=1, selector_blocks=(3, 6, 9), **sizes)
    bundle = compile_model(model.save(tmp_path))
    assert open_backend("emulator").run(bundle, model.pixels).logits.any()
