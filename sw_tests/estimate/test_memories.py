"""The model's memories against those that the C++ declares and divides."""

import re

import pytest

from trivit.tools.estimate.memories import kernel_memories
from trivit.tools.kernel import ROOT, load_description
from trivit.tools.kernel.tables import TABLES

from .headers import SPEC, TOP, Declared, constants, declared_memories, sources, top_source

KERNEL = load_description(ROOT / "hls" / "kernel.yaml")
MODEL = {memory.name: memory for memory in kernel_memories(KERNEL)}
DECLARED = declared_memories()
STORAGE = {
    "auto": None,
    "bram": ("ram_2p", "bram"),
    "true_dual_port": ("ram_t2p", "bram"),
    "lutram": ("ram_2p", "lutram"),
}


def test_the_headers_were_understood() -> None:
    assert SPEC.is_file() and TOP.is_file()
    assert DECLARED["activation.bank"].shape == (
        KERNEL.geometry["tokens"],
        KERNEL.limits["activation_depth"],
    )
    assert len(DECLARED) > 25


def test_every_declared_memory_is_in_the_model_and_no_other() -> None:
    outside = ("Table", ".chunk", ".read", ".write")
    assert {name for name in MODEL if not name.endswith(outside)} == set(DECLARED)


@pytest.mark.parametrize("name", sorted(DECLARED))
def test_shape_division_and_storage_are_those_of_the_code(name: str) -> None:
    model, declared = MODEL[name], DECLARED[name]
    assert (model.shape, model.bits) == (declared.shape, declared.bits)
    assert dict(model.divided) == declared.divided
    assert STORAGE[model.kind] == declared.storage
    assert (model.lanes > 1) == declared.lanes_apart
    assert model.total_bits == declared.total_bits * model.copies


def test_tables_have_their_length_and_width() -> None:
    names = {name for name in MODEL if name.endswith("Table")}
    assert names == {f"k{name.capitalize()}Table" for name in TABLES}
    for name, (_, values) in TABLES.items():
        memory = MODEL[f"k{name.capitalize()}Table"]
        assert memory.shape == (len(values),)
        assert memory.bits == max(values).bit_length()
        pragma = f"BIND_STORAGE variable = {memory.name} type = rom_2p impl = lutram"
        assert (memory.kind == "lutram") == (pragma in sources())


def test_transfer_buffers_are_those_of_the_code() -> None:
    burst = constants()["kBurstWords"]
    text = sources()
    ported = len(re.findall(r"word_t chunk\[kParamPorts\]\[kBurstWords\];", text))
    single = len(re.findall(r"(?:return| ) ?stream_out\(", text)) - 1  # calls, not the template
    chunks = [memory for name, memory in MODEL.items() if name.endswith(".chunk")]
    assert len(re.findall(r"word_t chunk\[", text)) == ported + 1
    assert sum(len(m.shape) == 2 for m in chunks) == ported
    assert sum(len(m.shape) == 1 for m in chunks) == single == 2
    assert {m.shape[-1] for m in chunks} == {2 * burst}
    bound = text.count("BIND_STORAGE variable = chunk type = ram_2p impl = lutram")
    assert bound == ported + 1
    assert {m.kind for m in chunks} == {"lutram"}


def test_port_buffers_hold_what_may_be_outstanding() -> None:
    depth: dict[str, int] = {}
    for pragma in re.findall(r"#pragma HLS INTERFACE m_axi (.*)", top_source()):
        bundle = re.search(r"bundle = (\w+)", pragma)
        assert bundle is not None
        for way in ("read", "write"):
            beats = re.search(rf"max_{way}_burst_length = (\d+)", pragma)
            bursts = re.search(rf"num_{way}_outstanding = (\d+)", pragma)
            if beats and bursts:
                name = f"{bundle[1]}.{way}"
                depth[name] = max(depth.get(name, 0), int(beats[1]) * int(bursts[1]))
    assert depth == {n: m.depth for n, m in MODEL.items() if n.endswith((".read", ".write"))}


def test_a_declared_memory_counts_its_bits() -> None:
    assert Declared((2, 3), 16).total_bits == 96
