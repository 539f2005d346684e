"""Which exported models a run folder holds, by the name of their program."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path

from trivit.tools.compiler.graph import load_metadata
from trivit.tools.errors import ToolsError

_FOLDER = "quantized"
# Written by models/quantization: as trained, without selection, at another keep ratio.
_TRAINED, _DENSE = "model.qonnx", "model_dense.qonnx"
_KEPT = re.compile(r"model_(keep_[0-9.]+)\.qonnx")


def exported_models(run: Path, keep: Sequence[float] = ()) -> dict[str, Path]:
    """Return the exports of a run folder by program name: "sparse" first, then "dense", "keep_R".

    Args:
        run: the run folder.
        keep: token keep ratios wanted, in this order; empty for all.

    Raises:
        ToolsError: no export, an unreadable one, or none of a wanted ratio.
    """
    folder = run / _FOLDER
    found = {"sparse": folder / _TRAINED}
    if (folder / _DENSE).exists():
        found["dense"] = folder / _DENSE
    others = {m[1]: p for p in folder.glob("*.qonnx") if (m := _KEPT.fullmatch(p.name))}
    found |= dict(sorted(others.items(), reverse=True))
    if not keep:
        return found
    ratios = {name: _ratio(path) for name, path in found.items()}
    chosen: dict[str, Path] = {}
    for wanted in keep:
        name = next((n for n, r in ratios.items() if math.isclose(r, wanted, abs_tol=1e-6)), None)
        if name is None:
            known = ", ".join(f"{ratio:g}" for ratio in sorted(set(ratios.values())))
            raise ToolsError(
                f"{folder} has no model with keep ratio {wanted:g} (it has {known}): "
                f"export it with `trivit quantize {run} --keep {wanted:g}`"
            )
        chosen[name] = found[name]
    return chosen


def _ratio(path: Path) -> float:
    value = load_metadata(path).details.get("token_keep_ratio", 1.0)
    return float(value) if isinstance(value, int | float) else math.nan
