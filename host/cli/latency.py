"""``trivit-board latency``: cycles, wall times, throughput and power of a bundle."""

import argparse
import hashlib
import json
import sys
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trivit.host.backends import Backend
from trivit.host.backends.session import CycleSource
from trivit.host.bundle import Bundle
from trivit.host.cli.backends import add_backend, opened
from trivit.host.errors import HostError
from trivit.host.measure import paper
from trivit.host.measure.beside import Figure, beside
from trivit.host.measure.expected import WrongOutputError, given_logits, image_digest
from trivit.host.measure.images import random_images, read_images
from trivit.host.measure.latency import LatencyReport, measure
from trivit.host.measure.machine import describe_machine, package_versions
from trivit.host.measure.outputs import check_folder, write_report
from trivit.host.measure.power import PowerFigures, PowerMeter
from trivit.host.measure.rails import find_rails
from trivit.host.measure.report import Report
from trivit.host.measure.settings import Settings, usual_settings
from trivit.host.measure.tables import tables

NAME = "latency"
HELP = "measure cycles, wall times, throughput and power of a bundle"

WRONG_OUTPUT = 1
_RANDOM = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add arguments and options."""
    device, other = usual_settings(CycleSource.device), usual_settings(None)
    add = parser.add_argument
    add("bundle", type=Path, metavar="BUNDLE", help="program bundle (.trivit)")
    add_backend(parser)
    images = parser.add_mutually_exclusive_group()
    images.add_argument(
        "--images", type=Path, metavar="FOLDER|FILE", help="photos, or a .npy of uint8 N C H W"
    )
    images.add_argument(
        "--random", type=int, metavar="N", help=f"N images of noise (default: {_RANDOM})"
    )
    add("--count", type=int, metavar="N", help="use the first N of --images")
    add("--seed", type=int, default=0, help="of the noise (default: 0)")
    add("--keep", nargs="+", metavar="R", help="only programs of these token keep ratios or names")
    usual = "(default: {} on a device, {} in a simulation)"
    add(
        "--warm-up",
        type=int,
        metavar="N",
        help=f"jobs that are not counted {usual.format(device.warm_up, other.warm_up)}",
    )
    add(
        "--repetitions",
        type=int,
        metavar="N",
        help=f"single jobs {usual.format(device.repetitions, other.repetitions)}",
    )
    sizes = " ".join(map(str, device.batches))
    add(
        "--batch",
        nargs="+",
        type=int,
        metavar="N",
        help=f"sizes of batches {usual.format(sizes, 'none')}",
    )
    add(
        "--stream",
        type=int,
        metavar="N",
        help=f"images of the stream {usual.format(device.stream, 'none')}",
    )
    add(
        "--expected",
        type=Path,
        metavar="FILE",
        help="logits of the first image instead of the oracle's: a latency.json of the same bundle "
        "and images, or a .npy of `trivit run --logits`",
    )
    add("--power", action="store_true", help="power and energy per image as well")
    add("--power-seconds", type=float, default=10.0, metavar="S", help="of streaming (default: 10)")
    add("--idle-seconds", type=float, default=5.0, metavar="S", help="of waiting (default: 5)")
    add("--sysfs", type=Path, default=Path("/sys"), help=argparse.SUPPRESS)
    add("--out", type=Path, metavar="FOLDER", help="write latency.json, .svg and .html there")


def run(arguments: argparse.Namespace) -> int:
    """Measure, print tables, write files; 1 where outputs are wrong.

    Raises:
        HostError: bad input, or a device that fails.
    """
    try:
        report = _measured(arguments)
    except WrongOutputError as error:
        print(f"trivit-board latency: {error}", file=sys.stderr)
        return WRONG_OUTPUT
    print("\n\n".join(table.text() for table in tables(report)))
    print("\n".join(["", *report.notes]))
    if arguments.out is not None:
        written = write_report(report, arguments.out)
        print(f"written: {', '.join(map(str, written))}")
    return 0


def _measured(arguments: argparse.Namespace) -> Report:
    if arguments.out is not None:
        check_folder(arguments.out)
    if arguments.count is not None and (arguments.images is None or arguments.count < 1):
        raise HostError(f"--count {arguments.count}: give --images and at least 1")
    bundle = Bundle.load(arguments.bundle)
    digest = hashlib.sha256(arguments.bundle.read_bytes()).hexdigest()
    if arguments.keep:
        bundle = _chosen(bundle, arguments.keep)
    images, origin = _images(arguments, bundle)
    names = [program.name for program in bundle.programs]
    expected = None
    if arguments.expected is not None:
        expected = given_logits(arguments.expected, names, digest, images[0])
    with closing(opened(arguments)) as backend:
        if backend.source is None:
            raise HostError(f"--backend {backend.name} counts no cycles: use board or simulation")
        on_device = backend.source is CycleSource.device
        meter = _meter(arguments) if arguments.power and on_device else None
        latency = measure(
            backend.open_session,
            bundle,
            images,
            _settings(arguments, backend),
            expected=expected,
            power=meter,
            progress=partial(print, file=sys.stderr),
        )
        manifest = _manifest(backend)
    figures = beside(bundle)
    return Report(
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        backend=backend.name,
        machine=describe_machine(arguments.sysfs),
        versions=package_versions(),
        bitstream=manifest,
        bundle={
            "file": arguments.bundle.name,
            "sha256": digest,
            "model": bundle.info.get("model", "unnamed"),
            "kernel_version": bundle.kernel_version,
        },
        images={"source": origin, "count": len(images), "first_sha256": image_digest(images[0])},
        latency=latency,
        beside=figures,
        notes=_notes(latency, arguments.power, figures),
    )


def _chosen(bundle: Bundle, keep: list[str]) -> Bundle:
    """Return the bundle of the programs that ``--keep`` names, each once, in its order."""
    programs = {}
    for text in keep:
        try:
            wanted: str | float = float(text)
        except ValueError:
            wanted = text
        program = bundle.choose(wanted).first
        programs[program.name] = program
    return replace(bundle, programs=tuple(programs.values()))


def _images(arguments: argparse.Namespace, bundle: Bundle) -> tuple[NDArray[np.uint8], str]:
    if arguments.images is not None:
        images = read_images(arguments.images, bundle, arguments.count)
        return images, arguments.images.name
    count = _RANDOM if arguments.random is None else arguments.random
    return random_images(bundle, count, arguments.seed), f"noise, seed {arguments.seed}"


def _settings(arguments: argparse.Namespace, backend: Backend) -> Settings:
    usual = usual_settings(backend.source)
    given: dict[str, Any] = {
        "warm_up": arguments.warm_up,
        "repetitions": arguments.repetitions,
        "batches": None if arguments.batch is None else tuple(arguments.batch),
        "stream": arguments.stream,
    }
    return replace(usual, **{name: value for name, value in given.items() if value is not None})


def _meter(arguments: argparse.Namespace) -> PowerMeter:
    return PowerMeter(
        rails=find_rails(arguments.sysfs),
        idle_seconds=arguments.idle_seconds,
        busy_seconds=arguments.power_seconds,
    )


def _manifest(backend: Backend) -> dict[str, Any] | None:
    if backend.manifest is None:
        return None
    found: dict[str, Any] = json.loads(backend.manifest.read_text("utf-8"))
    return found


def _notes(
    latency: LatencyReport, power_wanted: bool, figures: tuple[Figure, ...]
) -> tuple[str, ...]:
    """Say what is left out and what figures beside others are worth."""
    notes = []
    if not latency.wall_counts:
        notes.append(
            f"Cycles are {latency.source.value}. Wall times of a simulation mean nothing: jobs, "
            "batches and streams are left out of the tables."
        )
        if power_wanted:
            notes.append("Power is left out: no device drew any.")
    if latency.settings.repetitions < 100:
        notes.append("The p99 of fewer than 100 samples is the largest of them.")
    notes += _power_notes([program.power for program in latency.programs if program.power])
    if any(figure.kind == paper.KIND for figure in figures):
        notes.append(paper.CAVEAT)
        notes.append(
            "The paper's milliseconds were measured on its own design; figures simulated elsewhere "
            "assume a DDR memory. Neither was measured in this run."
        )
    return tuple(notes)


def _power_notes(powers: list[PowerFigures]) -> list[str]:
    """Say how rails were read, and which were not."""
    if not powers:
        return []
    slowest = min(power.sample_hz for power in powers)
    told = {rail.averaging_ms for power in powers for rail in power.rails}
    times = ", ".join(f"{ms:g} ms" for ms in sorted(ms for ms in told if ms is not None))
    parts = [times] if times else []
    if None in told:
        parts.append("a time that nothing tells")
    lost = dict(pair for power in powers for pair in power.unreadable)
    return [
        f"Power by {powers[0].source}: all rails were read {slowest:.1f} times a second; their "
        f"monitors average over {' or '.join(parts)}.",
        *(f"Power without {name}: {reason}." for name, reason in lost.items()),
    ]
