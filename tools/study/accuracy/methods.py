"""What is compared: each method as the settings in which it differs from the dense experiment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trivit.tools.errors import ToolsError

PSS_ORDERS = ("random", "l1")
PSS_SCHEDULES = ("fixed", "linear", "cyclic")


@dataclass(frozen=True, kw_only=True)
class Method:
    """One row of the comparison.

    Attributes:
        name: as on the command line.
        level: ``dense``, ``token``, ``attention``, ``example``, ``all`` or ``patches``.
        text: what it is, in a few words.
        settings: nested settings of an experiment, laid over those of the profile.
        important: some claim of the papers rests on it, so that it gets all the seeds.
        sweep: whether it is also evaluated on a share of the patches.
    """

    name: str
    level: str
    text: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    important: bool = False
    sweep: bool = False


def _token(score: str) -> dict[str, Any]:
    return {"model": {"token_keep_ratio": 0.7, "token_score": score}}


def _examples(method: str, keep_ratio: float = 0.8) -> dict[str, Any]:
    return {"sparsity": {"examples": {"method": method, "keep_ratio": keep_ratio}}}


def _three_levels(ratio: float) -> Method:
    return Method(
        name=f"tri_level_{ratio:g}",
        level="all",
        text=f"all three: example {ratio:g}, token {ratio:g}, attention 0.2",
        settings={
            "model": {"token_keep_ratio": ratio, "attention_keep_ratio": 0.2},
            "sparsity": {
                # The block before the first selector, as in Tri-Level.
                "variance_block": 0,
                "examples": {"method": "online", "keep_ratio": ratio},
            },
        },
    )


_PSS_MODEL = {"pooling": "mean", "relative_position_bias": True, "selector_blocks": []}


def _patches(order: str, schedule: str) -> Method:
    return Method(
        name=f"pss_{order}_{schedule}",
        level="patches",
        text=f"PSS, {'L1' if order == 'l1' else order}, {schedule}"
        + (" (0.6)" if schedule == "fixed" else ""),
        settings={
            "model": _PSS_MODEL,
            "patch_schedule": {"schedule": schedule, "order": order, "keep_ratio": 0.6},
        },
        important=True,
        sweep=True,
    )


# In the order in which the seeds of a round are run: what the papers claim most about comes first.
METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method(name="dense", level="dense", text="dense", important=True),
        Method(
            name="token_cls",
            level="token",
            text="token 0.7, [CLS] score",
            settings=_token("cls"),
            important=True,
        ),
        Method(
            name="token_static",
            level="token",
            text="token 0.7, static",
            settings=_token("static"),
            important=True,
        ),
        Method(
            name="example_online",
            level="example",
            text="example 0.8, online",
            settings=_examples("online"),
            important=True,
        ),
        Method(
            name="example_random",
            level="example",
            text="example 0.8, random",
            settings=_examples("random"),
            important=True,
        ),
        Method(
            name="pss_baseline",
            level="patches",
            text="PSS model, no schedule",
            settings={"model": _PSS_MODEL, "patch_schedule": {"schedule": "none"}},
            important=True,
            sweep=True,
        ),
        *(_patches(order, schedule) for schedule in PSS_SCHEDULES for order in PSS_ORDERS),
        Method(
            name="token_column_sum",
            level="token",
            text="token 0.7, column sum",
            settings=_token("column_sum"),
        ),
        Method(
            name="attention",
            level="attention",
            text="attention 0.2",
            settings={"model": {"attention_keep_ratio": 0.2}},
        ),
        _three_levels(0.9),
        _three_levels(0.8),
        _three_levels(0.7),
        Method(
            name="example_two_phase",
            level="example",
            text="example 0.8, two-phase",
            settings=_examples("two_phase"),
        ),
        Method(
            name="example_fixed",
            level="example",
            text="example 0.8, fixed (no update)",
            settings=_examples("fixed"),
        ),
        Method(
            name="example_active_bias",
            level="example",
            text="example 0.8, active bias",
            settings=_examples("active_bias"),
        ),
    )
}


def chosen_methods(names: list[str] | None) -> list[Method]:
    """Return the methods called ``names``, or all of them, in the order of ``METHODS``.

    Raises:
        ToolsError: an unknown name.
    """
    for name in names or []:
        if name not in METHODS:
            raise ToolsError(f"unknown method '{name}': choose from {', '.join(METHODS)}")
    return [method for method in METHODS.values() if not names or method.name in names]
