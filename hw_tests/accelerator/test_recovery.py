"""Whatever goes wrong in a program, it ends, and the accelerator computes the next exactly."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from networks import Compared, compared, random_network, region
from numpy.typing import NDArray

from trivit.host.bundle import Bundle
from trivit.host.commands import decode, encode, from_words, to_words

_APART = 4096  # words between what is loaded


@dataclass(frozen=True)
class Job:
    """Commands to run, and what a network's own give."""

    commands: NDArray[np.uint64]
    bundle: Bundle
    expected: Compared


class Folder:
    """A simulator's folder, filled job by job."""

    def __init__(self, path: Path) -> None:
        self.path, self.lines, self.words, self.jobs = path, [], 0, 0

    def _place(self, words: int) -> int:
        address = self.words
        self.words += -(-words // _APART) * _APART
        return address

    def _load(self, name: str, content: NDArray) -> int:
        data = content.tobytes()
        address = self._place(len(data) // 16)
        (self.path / name).write_bytes(data)
        self.lines.append(f"load {address} {len(data) // 16} {name}")
        return address

    def add(self, job: Job) -> None:
        made, number = job.expected.schedule, self.jobs
        params = np.concatenate([job.bundle.params, made.extra_params])
        image = made.image.arrange(region(job.bundle)[None])[0]
        at = [
            self._load(f"program{number}", job.commands),
            len(job.commands),
            made.reports,
            self._load(f"params{number}", params),
            self._load(f"image{number}", image),
            self._place(made.output_words),
            self._place(made.reports),
        ]
        self.lines.append(f"save {at[5]} {made.output_words} output{number}")
        self.lines.append("job " + " ".join(map(str, at)))
        self.jobs += 1

    def run(self, simulator: Path, *options: str) -> tuple[list[str], list[str]]:
        """Return the lines on standard output and those on standard error."""
        self.lines.append(f"memory {self.words}")
        (self.path / "job.txt").write_text("\n".join(self.lines) + "\n")
        command = [simulator, self.path, "--go-on", "1", "--patience", "1500", *options]
        run = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr
        return run.stdout.splitlines(), run.stderr.splitlines()


def broken(job: Job, unit: str, *, drop: bool = False, **fields: int) -> Job:
    """Return the job with its middle command of a unit changed or left out."""
    commands = from_words(job.commands)
    units = [decode(command) for command in commands]
    places = [i for i, known in enumerate(units) if known.unit == unit]
    if unit == "engine":
        places = [i for i in places if not units[i].fields["place"]]
    place = places[len(places) // 2]
    known = units[place]
    changed = encode(unit, tag=known.tag, end=known.end, **{**known.fields, **fields})
    commands[place : place + 1] = [] if drop else [changed]
    return Job(to_words(commands), job.bundle, job.expected)


def good(seed: int) -> Job:
    bundle = random_network(seed)
    expected = compared(bundle)
    return Job(expected.schedule.commands, bundle, expected)


def test_the_next_job_is_exact(simulator: Path, tmp_path: Path) -> None:
    """Errors of every kind, in the middle of a network, between networks that must be right."""
    jobs = [good(seed) for seed in (1, 2, 4)]
    far = 1 << 30
    errors = [
        (broken(jobs[0], "engine", source=15359), "engine error 3 "),
        (broken(jobs[1], "move_weights", address=far), " read outside of the memory "),
        (broken(jobs[2], "move_weights", drop=True), "given up "),
        (broken(jobs[0], "move_store", address=far), "gmem1 write outside of the memory "),
        (broken(jobs[1], "sequencer", reports=3), "other reports than the job says "),
        (broken(jobs[2], "softmax", drop=True), "given up "),
        (broken(jobs[0], "norm_writer", drop=True), "given up "),
    ]
    folder = Folder(tmp_path)
    rights = []
    for number, (job, _) in enumerate(errors):
        folder.add(job)
        rights.append((folder.jobs, jobs[(number + 1) % 3]))
        folder.add(rights[-1][1])
    lines, said = folder.run(simulator)
    assert [line.split(":")[0] for line in lines] == [f"job {n}" for n in range(folder.jobs)]
    told = [line for line in said if " in cycle " in line]
    assert len(told) == len(errors), told
    for number, (line, (_, message)) in enumerate(zip(told, errors, strict=True)):
        assert message in line and f"of job {2 * number}," in line, line
    (refused,) = (
        decode(command).tag
        for command in from_words(errors[0][0].commands)
        if decode(command).fields.get("source") == 15359
    )
    assert told[0].endswith(f", instruction {refused}")
    for number, job in rights:
        output = np.fromfile(tmp_path / f"output{number}", dtype="<i2")
        assert np.array_equal(output, job.expected.output), number
