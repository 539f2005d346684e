"""A measurement as a file: what was measured, on what, with which settings."""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from trivit.host.backends.session import CycleSource
from trivit.host.errors import HostError
from trivit.host.measure.beside import Figure
from trivit.host.measure.latency import (
    BatchLatency,
    Check,
    LatencyReport,
    ProgramLatency,
    StreamThroughput,
)
from trivit.host.measure.power import PowerFigures, RailPower
from trivit.host.measure.settings import Settings
from trivit.host.measure.statistics import Summary

#: Of the JSON file; raised when a field changes its meaning.
SCHEMA = 1
#: A list of numbers, which takes one line.
_NUMBERS = re.compile(r"\[[-+\d.eE,\s]+\]")


@dataclass(frozen=True, kw_only=True)
class Report:
    """Figures and where they come from.

    ``bundle`` has file, sha256 and model; ``images`` source, count and first_sha256; ``bitstream``
    the manifest that came with it, or None. ``notes`` say what is left out and why.
    """

    created: str
    backend: str
    machine: dict[str, Any]
    versions: dict[str, str]
    bitstream: dict[str, Any] | None
    bundle: dict[str, Any]
    images: dict[str, Any]
    latency: LatencyReport
    beside: tuple[Figure, ...]
    notes: tuple[str, ...]

    def to_json(self) -> str:
        """Return the file's text, with all raw samples."""
        entry = {"schema": SCHEMA, **asdict(self)}
        entry["latency"]["source"] = self.latency.source.value
        entry["latency"]["wall_times_count"] = self.latency.wall_counts
        text = json.dumps(entry, indent=1)
        return _NUMBERS.sub(lambda found: " ".join(found[0].split()), text) + "\n"


def read_report(path: Path) -> Report:
    """Read a report's JSON file.

    Raises:
        HostError: it cannot be read, is none, or has another schema.
    """
    try:
        entry = json.loads(path.read_text("utf-8"))
        if entry["schema"] != SCHEMA:
            raise HostError(
                f"{path} has schema {entry['schema']}, this trivit reads {SCHEMA}: measure again"
            )
        return _report(entry)
    except OSError as error:
        raise HostError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise HostError(f"{path} is no latency report ({error}): measure again") from error


def _report(entry: dict[str, Any]) -> Report:
    del entry["schema"]
    latency = entry["latency"]
    return Report(
        **{
            **entry,
            "latency": LatencyReport(
                source=CycleSource(latency["source"]),
                clock_mhz=latency["clock_mhz"],
                settings=Settings(
                    **{**latency["settings"], "batches": tuple(latency["settings"]["batches"])}
                ),
                programs=tuple(_program(program) for program in latency["programs"]),
            ),
            "beside": tuple(Figure(**figure) for figure in entry["beside"]),
            "notes": tuple(entry["notes"]),
        }
    )


def _program(entry: dict[str, Any]) -> ProgramLatency:
    stream, power = entry["stream"], entry["power"]
    return ProgramLatency(
        **{
            **entry,
            "check": Check(**{**entry["check"], "logits": tuple(entry["check"]["logits"])}),
            "cycles": Summary(**entry["cycles"]),
            "wall_ms": Summary(**entry["wall_ms"]),
            "cycle_samples": tuple(entry["cycle_samples"]),
            "wall_samples_ms": tuple(entry["wall_samples_ms"]),
            "batches": tuple(_batch(batch) for batch in entry["batches"]),
            "stream": None if stream is None else StreamThroughput(**stream),
            "power": None if power is None else _power(power),
        }
    )


def _batch(entry: dict[str, Any]) -> BatchLatency:
    return BatchLatency(
        size=entry["size"], cycles=Summary(**entry["cycles"]), wall_ms=Summary(**entry["wall_ms"])
    )


def _power(entry: dict[str, Any]) -> PowerFigures:
    rails = (
        RailPower(
            **{
                **rail,
                "idle_samples": tuple(rail["idle_samples"]),
                "busy_samples": tuple(rail["busy_samples"]),
            }
        )
        for rail in entry["rails"]
    )
    lost = tuple((name, reason) for name, reason in entry["unreadable"])
    return PowerFigures(**{**entry, "rails": tuple(rails), "unreadable": lost})
