"""The demo's closing words: a table of figures and the paths of what was written."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trivit.tools.report.tables import print_table

_WRITTEN = {
    "summary.json": "all figures",
    "tokens.png": "test images with the tokens that were kept",
    "checkpoint": "weights (safetensors) and training state",
    "quantized/model.qonnx": "quantized model, what the compiler reads",
    "quantized/formats.json": "fraction length of every tensor",
    "program.trivit": "program bundle: sparse and dense programs over the same weights",
}


def print_outcome(summary: Mapping[str, Any], out: Path) -> None:
    """Print the figures of ``summary`` and the files in ``out``."""
    accuracy = [
        ("float model", f"{summary['float_top1']:.2f} %", str(summary["test_images"])),
        ("quantized model", f"{summary['quantized_top1']:.2f} %", str(summary["test_images"])),
        ("emulator", f"{summary['emulator_top1']:.2f} %", str(summary["emulator_images"])),
        (
            "emulator and quantized model alike",
            f"{summary['emulator_quantized_agreement']:.2f} %",
            str(summary["emulator_images"]),
        ),
    ]
    print_table("accuracy", ("", "top-1", "images"), accuracy)
    print_table(f"program (modelled at {summary['clock_mhz']} MHz)", *_programs(summary))
    for name, reason in summary["no_cycles_because"].items():
        print(f"no cycles of {name}: {reason}")
    print_table("measured here", ("", ""), _measured(summary))
    width = max(len(str(out / name)) for name in _WRITTEN)
    print("written")
    for name, meaning in _WRITTEN.items():
        if (out / name).exists():
            print(f"  {str(out / name).ljust(width)}  {meaning}")


def _programs(summary: Mapping[str, Any]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    columns: tuple[str, ...] = ("", "MACs", "cycles", "latency")
    rows: list[tuple[str, ...]] = [
        (
            name,
            f"{summary['macs'][name] / 1e6:.2f} M",
            "-" if cycles is None else f"{cycles:,}",
            "-" if cycles is None else f"{summary['modelled_latency_ms'][name]:.3f} ms",
        )
        for name, cycles in summary["modelled_cycles"].items()
    ]
    return columns, rows


def _measured(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    step = summary["training_step_ms"]
    return [
        (
            "integers compared with the oracle",
            f"{summary['reference_values']:,} in {summary['reference_tensors']} tensors "
            f"of {summary['reference_images']} images",
        ),
        ("integers that differ", str(summary["reference_mismatches"])),
        ("emulator", f"{summary['emulator_images_per_second']:.0f} images/s"),
        (
            "training step, sparse against dense",
            f"{step['sparse']:.0f} ms against {step['dense']:.0f} ms: "
            f"{summary['training_speedup']:.2f} x",
        ),
        ("whole run", f"{summary['total_seconds']:.0f} s"),
    ]
