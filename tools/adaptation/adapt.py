"""From a quantized run to how well it adapts to shifted domains, with which parameters updated."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from trivit.host.training.update_sets import UPDATE_SETS, UpdateSet, update_set
from trivit.models.data import DataConfig, load_dataset
from trivit.models.data.registry import data_at
from trivit.models.files import atomic_write
from trivit.models.runs.saved_run import run_config
from trivit.tools.adaptation.images import open_domain
from trivit.tools.adaptation.report import describe
from trivit.tools.adaptation.runs import Adaptation, Device, Training, plan
from trivit.tools.adaptation.settings import AdaptationSettings, Shift, name_of
from trivit.tools.compiler.exports import exported_models
from trivit.tools.errors import ToolsError
from trivit.tools.training.compile import training_bundle
from trivit.tools.training.cost import step_cost

SETTINGS = "settings.json"


class Study:
    """An adaptation in a folder; one that was started there before is continued."""

    def __init__(
        self,
        run: Path,
        shifts: Sequence[Shift],
        out: Path,
        settings: AdaptationSettings,
        *,
        updates: Sequence[UpdateSet] = UPDATE_SETS,
        seeds: int = 1,
        keep: Sequence[float] = (),
        data: str | None = None,
        backend: str = "emulator",
    ) -> None:
        """Read and check everything; nothing is written.

        Args:
            run: folder of a trained and quantized model.
            shifts: what it is adapted to, one after the other.
            out: folder of the study.
            settings: of each training.
            updates: the sets of parameters that are compared.
            seeds: trainings of each set.
            keep: the token keep ratio wanted; as trained by default.
            data: where the run's images are, if not where its configuration says.
            backend: who trains and classifies.

        Raises:
            HostError, ModelsError, ToolsError: what cannot be read, does not fit, or contradicts
                what ``out`` holds; one line.
        """
        if len(keep) > 1:
            raise ToolsError("an adaptation has one keep ratio: name one with --keep")
        _, self._qonnx = next(iter(exported_models(run, keep).items()))
        self._bundle = training_bundle(self._qonnx)
        self._data = run_config(run).data if data is None else data_at(DataConfig(), data)
        dataset = load_dataset(self._data)
        if dataset.info.class_names != self._bundle.class_names:
            raise ToolsError(
                f"{dataset.info.name} has other classes than {run}: name the run's images with "
                "--data, or adapt to other classes with --shift classes=DATA"
            )
        names = [name_of(shift) for shift in shifts]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ToolsError(f"--shift {twice} comes twice: give each once, stores by other names")
        self._domains = [open_domain(s, self._bundle, dataset, settings) for s in shifts]
        self._device = Device(self._qonnx, backend)
        self._run, self._out, self._settings = run, out, settings
        self._updates, self._backend = tuple(updates), backend
        self.trainings: list[Training] = plan(self._domains, updates, seeds, out)
        self._check_folder()

    def carry_out(self, tell: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        """Do what is not done yet and return what is known, as JSON values.

        Args:
            tell: is called with each result.

        Raises:
            HostError, ToolsError, OSError: as for :meth:`Adaptation.carry_out`.
        """
        with atomic_write(self._out / SETTINGS) as temporary:
            temporary.write_text(json.dumps(self._identity(), indent=1) + "\n", "utf-8")
        results = []
        for result in Adaptation(self._device, self._settings).carry_out(self.trainings):
            results.append(result)
            tell(result)
        costs = {
            domain.name: {
                update: step_cost(update_set(domain.bundle, update).program).figures()
                for update in self._updates
            }
            for domain in self._domains
        }
        return describe(self._identity(), str(self._run), self._bundle.model, costs, results)

    def _identity(self) -> dict[str, Any]:
        return {
            "bundle": self._bundle.digest(),
            "data": self._data.path or self._data.dataset,
            "backend": self._backend,
            **self._settings.figures(),
        }

    def _check_folder(self) -> None:
        path = self._out / SETTINGS
        if self._out.exists() and not self._out.is_dir():
            raise ToolsError(f"{self._out} is no folder: name another --out")
        if not path.is_file():
            if self._out.is_dir() and any(self._out.iterdir()):
                raise ToolsError(
                    f"{self._out} holds files that no adaptation wrote: name another --out"
                )
            return
        before, now = json.loads(path.read_text("utf-8")), self._identity()
        for name, value in now.items():
            if before.get(name) != value:
                raise ToolsError(
                    f"{self._out} holds an adaptation with {name} {before.get(name)!r}, not "
                    f"{value!r}: give the same, or another --out"
                )
