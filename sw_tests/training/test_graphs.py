"""Steps that are replayed: the same bits, whatever is combined, and a line where they cannot be.

Here a CPU records and replays (``tracing``).
"""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from trivit.models.augmentation.batches import Batch
from trivit.models.experiment.config_files import save_config
from trivit.models.experiment.schedules import visited_ratios
from trivit.models.training import (
    ExperimentConfig,
    compilation,
    loop,
    optimisation,
    step,
    train,
)
from trivit.models.training.distributed import World
from trivit.models.training.graphs import (
    StaticInputs,
    StepInputs,
    recorded,
    unchanged,
)
from trivit.models.training.optimisation import WeightUpdate
from trivit.models.training.trainer import Trainer

from ..models.composition import FACTORS, experiment
from .conftest import assert_same_bits, computed, records
from .test_distributed import torchrun
from .tracing import TracingRecorder, init_as_on_cuda

Everything = Callable[..., ExperimentConfig]
EVERY = "training.checkpoint_every_steps=4"
ONE_SHAPE = (
    "sparsity.warmup={start_epoch: 0, end_epoch: 0}",
    "patch_schedule={schedule: fixed, order: random}",
)


@pytest.fixture
def numbers_on_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what changes from step to step be tensors."""
    monkeypatch.setattr(WeightUpdate, "__init__", init_as_on_cuda())


def replaying(
    patch: pytest.MonkeyPatch, recorder: TracingRecorder | None = None
) -> TracingRecorder:
    """Let trainings on the CPU record their steps, as those on CUDA do."""
    recorder = recorder or TracingRecorder()
    patch.setattr(loop, "recorder_for", lambda wanted, device: recorder if wanted else None)
    return recorder


def meeting_all_levels() -> list[dict[str, str]]:
    """The fewest choices in which every level of every factor occurs, with all others on."""
    levels = {factor: list(FACTORS[factor]) for factor in FACTORS}
    levels["precision"] = ["float32", "bfloat16"]
    count = max(map(len, levels.values()))
    # From the last: what is off comes first.
    return [{f: own[-1 - turn % len(own)] for f, own in levels.items()} for turn in range(count)]


def settings(choice: dict[str, str]) -> tuple[str, ...]:
    return "training.gradient_clip=1.0", f"training.precision={choice['precision']}"


@pytest.mark.usefixtures("numbers_on_device")
@pytest.mark.parametrize("choice", meeting_all_levels(), ids=lambda c: "-".join(c.values()))
def test_every_combination_replays(
    choice: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = experiment(choice, *settings(choice), "data.train_images=48", "model.depth=2")
    plain = train(config, tmp_path / "plain")
    recorder = replaying(monkeypatch)
    summary = train(config, tmp_path / "replayed")
    assert plain["cuda_graphs"] == 0
    assert summary["cuda_graphs"] == recorder.recordings == recorder.warm_ups > 0
    assert recorder.replays == summary["images_seen"] // config.training.batch_size
    assert_same_bits(tmp_path / "plain", tmp_path / "replayed")
    assert computed(tmp_path / "plain") == computed(tmp_path / "replayed")


@pytest.mark.usefixtures("numbers_on_device")
def test_an_interrupted_run_goes_on_with_graphs(
    everything: Everything, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, resumed = tmp_path / "whole", tmp_path / "resumed"
    shorter = (EVERY, "training.epochs=2", *ONE_SHAPE)
    launched = everything(*shorter, "training.cuda_graphs=false")
    train(launched, whole)
    original = loop.TrainingLoop.run

    def stopping(self: loop.TrainingLoop, batches: object, end: int, advance: object) -> None:
        if (self.state.epochs_done, end) == (1, 8):
            raise InterruptedError
        original(self, batches, end, advance)  # type: ignore[arg-type]

    recorder = replaying(monkeypatch)
    with monkeypatch.context() as patch, pytest.raises(InterruptedError):
        patch.setattr(loop.TrainingLoop, "run", stopping)
        train(launched, resumed)
    assert recorder.recordings == 0, "graphs are off"
    torch.rand(5)
    train(everything(*shorter), resumed, resume=True)
    assert recorder.replays == 9 - 4, "four of the second epoch's steps were saved"
    assert_same_bits(whole, resumed)
    assert computed(whole) == computed(resumed)


def test_ratios_of_the_same_numbers_share_a_recording(
    everything: Everything, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = everything(
        "training.epochs=1",
        "training.ema_decay=null",
        "sparsity.warmup={start_epoch: 0, end_epoch: 0}",
        # 0.5 and 0.505 of 50 tokens are 25.
        "patch_schedule={schedule: list, order: random, ratios: [0.5, 0.505, 1.0, 0.5]}",
    )
    assert len(visited_ratios(config, 200)) == 3
    recorder = replaying(monkeypatch, Repeating())
    assert train(config, tmp_path)["cuda_graphs"] == 2
    assert (recorder.warm_ups, recorder.recordings) == (2, 2)


class Repeating(TracingRecorder):
    """Does not compare: for work whose numbers change, or that a compiler has taken apart."""

    def record(self, work: Callable[[], object]) -> Callable[[], object]:
        self.recordings += 1
        return work


def test_compiled_steps_are_recorded(
    everything: Everything, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = ("training.epochs=1", "model.depth=1", *ONE_SHAPE)
    monkeypatch.setattr(compilation, "BACKEND", "eager")
    torch._dynamo.reset()
    train(everything(*few), tmp_path / "plain")
    replaying(monkeypatch, Repeating())
    summary = train(everything(*few, "training.compile=true"), tmp_path / "both")
    assert (summary["compiled_shapes"], summary["cuda_graphs"]) == (1, 1)
    assert_same_bits(tmp_path / "plain", tmp_path / "both")


def test_parts_that_a_graph_hides_are_not_reported(
    everything: Everything, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replaying(monkeypatch, Repeating())
    settings = ("training.timing_rounds=1", "training.epochs=1", *ONE_SHAPE)
    summary = train(everything(*settings), tmp_path)
    assert list(summary["step_seconds_by_part"]) == ["data", "step", "bookkeeping"]
    assert summary["bookkeeping_percent"] is None
    assert summary["sparse_step_speedup"] > 0
    for record in records(tmp_path):
        assert list(record["step_seconds_by_part"]) == ["data", "step", "bookkeeping"]


class Failing(TracingRecorder):
    """Cannot record the second shape."""

    def __init__(self, error: RuntimeError) -> None:
        super().__init__()
        self.error = error

    def record(self, work: Callable[[], object]) -> Callable[[], object]:
        if self.recordings == 1:
            work()  # as far as it got
            raise self.error
        return super().record(work)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            RuntimeError("operation not permitted when stream is capturing\nCompile with ..."),
            "recording failed, operation not permitted when stream is capturing",
        ),
        (
            torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB."),
            "the GPU's memory does not hold the graphs, lower training.batch_size",
        ),
    ],
    ids=["capture", "memory"],
)
def test_a_failed_recording_is_one_line_and_changes_nothing(
    error: RuntimeError,
    reason: str,
    everything: Everything,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = everything("training.epochs=1")
    train(config, tmp_path / "plain")
    assert not capsys.readouterr().err, "without CUDA nothing is said"
    replaying(monkeypatch, Failing(error))
    summary = train(config, tmp_path / "without")
    said = capsys.readouterr().err.splitlines()
    assert said == [f"training.cuda_graphs is true and steps run without: {reason}"]
    assert summary["cuda_graphs"] == 0
    assert summary["step_seconds_by_part"]["forward"] > 0
    assert_same_bits(tmp_path / "plain", tmp_path / "without")


def test_what_is_not_recorded_at_all(
    everything: Everything, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replaying(monkeypatch)
    monkeypatch.setattr(compilation, "MAX_SHAPES", 8)
    many = Trainer(everything("patch_schedule={schedule: linear, steps: null}"), tmp_path).loop
    (note,) = many.notes
    assert note.startswith("training.cuda_graphs is true and steps run without: the schedules")
    assert note.endswith(
        "more than 8: set sparsity.warmup.steps and patch_schedule.steps, such as 5"
    )
    off = Trainer(everything("training.cuda_graphs=false"), tmp_path).loop
    assert not off.notes
    assert many.recorder is off.recorder is None


# Trains argv[1] into argv[2] with DDP, and into argv[3] with replayed steps.
PROCESSES = """
import sys
from trivit.models.training import load_config, loop, train
from trivit.models.training.distributed import process_group
from trivit.models.training.optimisation import WeightUpdate

sys.path.insert(0, sys.argv[4])
from sw_tests.training.tracing import TracingRecorder, init_as_on_cuda

config = load_config(sys.argv[1])
with process_group("cpu"):
    train(config, sys.argv[2])
    recorder = TracingRecorder()
    WeightUpdate.__init__ = init_as_on_cuda()
    loop.recorder_for = lambda wanted, device: recorder if wanted else None
    train(config, sys.argv[3])
    assert recorder.replays == 3, recorder.replays
"""


@pytest.mark.full
def test_processes_exchange_within_a_replayed_step(everything: Everything, tmp_path: Path) -> None:
    # In bfloat16, for whose one buffer of gradients there is one exchange.
    few = ("training.epochs=1", "data.train_images=70", "data.test_images=20")
    config = everything("training.precision=bfloat16", *few, *ONE_SHAPE)
    save_config(config, tmp_path / "config.yaml")
    (tmp_path / "child.py").write_text(PROCESSES)
    runs = [tmp_path / "launched", tmp_path / "replayed"]
    root = Path(__file__).parents[2]
    ended = torchrun(tmp_path / "child.py", tmp_path / "config.yaml", *runs, root)
    assert ended.returncode == 0, ended.stderr
    assert_same_bits(*runs)
    said = ended.stderr.splitlines()
    tried = [line for line in said if line.startswith("graphs that hold the exchange")]
    assert len(tried) == 1, "the first process says it"


def test_gradients_are_exchanged_once_a_step_before_they_are_clipped(
    everything: Everything, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchanged: list[Tensor] = []

    def all_mean(gradients: Tensor) -> Tensor:
        exchanged.append(gradients.clone())
        return gradients.zero_()  # as if those of the other process were the opposite

    monkeypatch.setattr(optimisation, "all_mean", all_mean)
    monkeypatch.setattr(loop, "world", lambda: World(0, 2))
    monkeypatch.setattr(step, "in_rank_order", lambda tensor: tensor)
    replaying(monkeypatch, Repeating())
    still = ("training.weight_decay=0", "training.gradient_clip=1.0", *ONE_SHAPE)
    trainer = Trainer(everything("training.precision=bfloat16", *still), tmp_path)
    training, state = trainer.loop, trainer.state
    before = [parameter.clone() for parameter in state.model.parameters()]
    training.connect()
    training.run(training.batches(0), 2, lambda: None)
    assert len(exchanged) == 1 + 2, "warmed up, and two steps"
    assert all(gradients.any() for gradients in exchanged)
    assert all(map(torch.equal, state.model.parameters(), before))
    (note,) = training.notes
    assert note.endswith("set training.cuda_graphs to false if steps hang")


def test_what_one_process_cannot_record_none_replays(
    everything: Everything, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = replaying(monkeypatch)
    monkeypatch.setattr(loop, "any_process", lambda value: not value)  # the other one says yes
    training = Trainer(everything(*ONE_SHAPE), tmp_path).loop
    training.connect()
    assert training.notes == [
        "training.cuda_graphs is true and steps run without: recording failed in another process"
    ]
    assert (recorder.recordings, training.cuda_graphs, training.recorder) == (1, 0, None)


class Counter:
    """Work on a sum and an input that stay where they are."""

    def __init__(self) -> None:
        self.sum = torch.zeros(3)
        self.input = torch.ones(3)
        self.number = 1.0

    def right(self) -> None:
        self.sum += self.input.clone() * 2.0

    def a_number_that_changes(self) -> None:
        self.number += 1
        self.sum += self.input * self.number

    def a_new_sum(self) -> None:
        self.sum = self.sum + self.input

    def numbers_from_the_host(self) -> None:
        self.sum += torch.tensor([1.0, 2.0, 3.0])

    def a_branch(self) -> None:
        if self.sum.max() < 100:
            self.sum += self.input

    def a_choice_of_sizes(self) -> None:
        self.sum += self.sum[self.sum < 100].sum()

    def another_operation(self) -> None:
        self.number = -self.number
        self.sum.add_(self.input) if self.number > 0 else self.sum.sub_(self.input)


@pytest.mark.parametrize(
    "wrong", [name for name in vars(Counter) if not name.startswith("_") and name != "right"]
)
def test_the_recorder_tells_what_a_graph_would_not_do(wrong: str) -> None:
    counter = Counter()
    replay = recorded(counter.right, TracingRecorder())
    for _ in range(3):
        replay()
    assert counter.sum.tolist() == [10.0] * 3  # warmed up, recorded, three times replayed
    with pytest.raises(AssertionError):
        replay = TracingRecorder().record(getattr(counter, wrong))
        kept = [counter.sum]
        for _ in range(3):
            replay()
            kept.append(counter.sum)


def inputs(seed: int, patches: int = 4) -> StepInputs:
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(2, 1, 3, 3, generator=generator)
    batch = Batch(images, torch.tensor([seed, 1]), torch.tensor([2, seed]))
    scores = torch.rand(2, patches, generator=generator)
    return StepInputs(batch, {"patch_scores_BN": scores, "depth_draws_RB": None})


def test_inputs_are_held_where_they_were() -> None:
    static = StaticInputs()
    first = static.hold(inputs(1))
    given = inputs(5)
    held = static.hold(given)
    for name in ("images", "labels", "indices"):
        before, value, now = (getattr(i.batch, name) for i in (first, given, held))
        assert torch.equal(now, value)
        assert now.data_ptr() == before.data_ptr() != value.data_ptr()
    assert held.batch.targets is held.drawn["depth_draws_RB"] is None
    without = StepInputs(given.batch, {"patch_scores_BN": None})
    assert static.hold(without).drawn["patch_scores_BN"] is None
    with pytest.raises(
        ValueError, match=r"patch_scores_BN is torch.float32 \(2, 5\), and the steps"
    ):
        static.hold(inputs(1, patches=5))


def test_tensors_and_draws_are_given_back() -> None:
    values = [torch.rand(3), torch.tensor(4), torch.tensor([True, False])]
    before = [value.clone() for value in values]
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    with pytest.raises(InterruptedError), unchanged(values):
        for value in values:
            value.zero_()
        torch.rand(7)
        raise InterruptedError
    assert all(map(torch.equal, values, before))
    assert torch.equal(torch.rand(2), expected)
