"""Which of a checkpoint's state dicts is meant, where it holds several.

Training scripts keep weights under a section's name (DeiT: ``model``, and the moving average as
``model_ema``; timm: ``state_dict``, ``state_dict_ema``), and in wrappers that put a prefix before
every name (``module.``, ``backbone.``). Both are places here: ``teacher`` with ``module.backbone``
is where DINO keeps the network that its authors evaluate.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from torch import Tensor

from trivit.models.errors import ModelsError
from trivit.models.pretrained.files import read_content
from trivit.models.runs.checkpoint import load_checkpoint

#: ``model``: the weights of the last step; ``ema``: their moving average; ``auto``: what the
#: published numbers of DeiT, PSS, Tri-Level and DINO evaluate.
Weights = Literal["auto", "ema", "model"]

# In the order of preference.
_MODEL = (
    "model",
    "state_dict",
    "model_state_dict",
    "net",
    "network",
    "base_encoder",
)
_AVERAGE = (
    "model_ema",
    "state_dict_ema",
    "model_ema_state_dict",
    "ema_state_dict",
    "ema_model",
    "ema",
    "momentum_encoder",
)
# Of self-supervision: the teacher is the average of the student.
_TEACHER, _STUDENT = "teacher", "student"

_SIGN = "patch_embed.proj.weight"  # every vision transformer here has it
_HEAD = ("head.weight", "head.bias")
_DEEPEST = 2  # sections within sections


@dataclass(frozen=True)
class GivenWeights:
    """A state dict out of a checkpoint.

    Attributes:
        tensors: by name, without what wrappers put before it.
        section: where they lay, such as ``teacher``; empty at the top of the file.
        prefix: what was taken off the names, such as ``module.backbone.``.
        others: places of other state dicts that would have served.
        left_out: names beside them, in the same section, that are of something else.
    """

    tensors: dict[str, Tensor]
    section: str = ""
    prefix: str = ""
    others: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    def source(self) -> str:
        """Return where the weights lay, for a message; empty for a plain state dict."""
        section = f"section '{self.section}'" if self.section else ""
        prefix = f"names under '{self.prefix}'" if self.prefix else ""
        return ", ".join(filter(None, (section, prefix)))


class _Place(NamedTuple):
    section: tuple[str, ...]
    prefix: str
    content: Mapping[str, Any]

    @property
    def words(self) -> tuple[str, ...]:
        return (*self.section, *self.prefix.split(".")[:-1])

    @property
    def name(self) -> str:
        return ".".join(filter(None, (*self.section, self.prefix.rstrip("."))))


def read_weights(path: Path | str, weights: Weights = "auto") -> GivenWeights:
    """Return the state dict of a checkpoint, on the CPU.

    Reads safetensors, files of ``torch.save`` (a state dict, or sections of which some are state
    dicts), and the run folders of ``trivit train``. Of several sections ``model`` takes the first
    of ``model``, ``state_dict``, ``net``, ``student``; ``ema`` of ``model_ema``,
    ``state_dict_ema``, ``teacher``; ``auto`` prefers the first three, then ``teacher`` and
    ``student``, then averages. Of a run folder ``auto`` takes what the run exports.

    Args:
        path: file or folder.
        weights: which are meant, where there are several.

    Raises:
        ModelsError: the file cannot be read, holds no state dict of the kind asked for, or several
            that no rule tells apart.
    """
    path = Path(path)
    if path.is_dir():
        return _of_run(path, weights)
    places = list(_places(read_content(path)))
    if not places:
        raise ModelsError(
            f"checkpoint {path} holds no state dict, neither at its top nor under "
            f"{', '.join(_MODEL[:4])}, {_TEACHER}, {_STUDENT} or {', '.join(_AVERAGE[:2])}: "
            "give a file with a model's tensors"
        )
    ranked = sorted(
        (rank, index) for index, p in enumerate(places) if (rank := _rank(p.words, weights))
    )
    if not ranked:
        raise ModelsError(
            f"checkpoint {path} has no weights of the kind '{weights}', only "
            f"{', '.join(p.name or 'plain ones' for p in places)}: ask for 'auto'"
        )
    if len(ranked) > 1 and ranked[0][0] == ranked[1][0]:
        equal = [places[index].name for rank, index in ranked if rank == ranked[0][0]]
        raise ModelsError(
            f"checkpoint {path} holds several state dicts ({', '.join(equal)}): save the one that "
            "is meant into a file of its own"
        )
    chosen = places[ranked[0][1]]
    others = tuple(place.name for place in places if place is not chosen)
    return _taken(chosen, others)


def _of_run(path: Path, weights: Weights) -> GivenWeights:
    run = load_checkpoint(path / "checkpoint", training=False)
    if weights == "ema" and not run.average:
        raise ModelsError(f"{path} keeps no average of its weights: ask for 'model' or 'auto'")
    if run.average and weights != "model":
        return GivenWeights(run.average, section="average", others=("model",))
    return GivenWeights(run.model, section="model", others=("average",) if run.average else ())


def _places(content: Any, section: tuple[str, ...] = ()) -> Iterator[_Place]:
    """Yield where state dicts lie: sections of known names, and any with a vision transformer."""
    if not isinstance(content, Mapping):
        return
    prefixes = [
        name.removesuffix(_SIGN)
        for name, value in content.items()
        if isinstance(name, str) and isinstance(value, Tensor) and f".{name}".endswith(f".{_SIGN}")
    ]
    for prefix in prefixes:
        yield _Place(section, prefix, content)
    if len(section) < _DEEPEST:
        inner = [
            place
            for name, value in content.items()
            if isinstance(name, str)
            for place in _places(value, (*section, name))
        ]
        yield from inner
        prefixes += [place.prefix for place in inner]
    tensors = any(isinstance(value, Tensor) for value in content.values())
    named = not section or _known(section[-1])
    if not prefixes and tensors and named:
        yield _Place(section, "", content)


def _known(name: str) -> bool:
    return name in (*_MODEL, *_AVERAGE, _TEACHER, _STUDENT)


def _rank(words: tuple[str, ...], weights: Weights) -> tuple[int, int] | None:
    """Return the place's rank among those that ``weights`` allows, lowest first, or ``None``."""
    of_model = {"auto": 1, "model": 1, "ema": None}
    teacher = {"auto": 2, "model": None, "ema": 2}
    student = {"auto": 3, "model": 3, "ema": None}
    average = {"auto": 5, "model": None, "ema": 1}
    unknown = {"auto": 4, "model": 4, "ema": None}
    index = 0
    if averages := [_AVERAGE.index(word) for word in words if word in _AVERAGE]:
        group, index = average, averages[0]
    elif _TEACHER in words:
        group = teacher
    elif _STUDENT in words:
        group = student
    elif models := [_MODEL.index(word) for word in words if word in _MODEL]:
        group, index = of_model, models[0]
    else:
        group = of_model if not words else unknown
    rank = group[weights]
    return None if rank is None else (rank, index)


def _taken(place: _Place, others: tuple[str, ...]) -> GivenWeights:
    """Return the tensors of a place under their own names, and the names of what is left."""
    content, prefix = place.content, place.prefix
    tensors = {
        name.removeprefix(prefix): value
        for name, value in content.items()
        if isinstance(value, Tensor) and isinstance(name, str) and name.startswith(prefix)
    }
    used = {prefix + name for name in tensors}
    if prefix and _HEAD[0] not in tensors:
        # A classifier beside its backbone: the wrapper's own head.
        outer = prefix[: -len(prefix.split(".")[-2]) - 1]
        for name in _HEAD:
            value = content.get(outer + name)
            if isinstance(value, Tensor):
                tensors[name] = value
                used.add(outer + name)
    left_out = tuple(str(name) for name in content if name not in used)
    return GivenWeights(tensors, ".".join(place.section), prefix, others, left_out)
