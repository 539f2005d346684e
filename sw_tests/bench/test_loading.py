"""`trivit bench train --data`: what is measured of a store, and how that is shown."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trivit.models.data.sources import open_source
from trivit.models.data.store import PrepareConfig, prepare
from trivit.tools.bench.train import loading
from trivit.tools.bench.train.loading_report import loading_lines


def test_a_stores_loading_is_measured_by_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(40):
        part = "test" if number < 4 else "train"
        folder = tmp_path / "images" / part / f"class {number % 2}"
        folder.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.jpg")
    source = open_source(str(tmp_path / "images"))
    prepare(source, source, tmp_path / "store", PrepareConfig(image_format="jpeg"))
    experiment = tmp_path / "experiment.yaml"
    experiment.write_text(
        "model: {name: micro_28, image_size: 32, in_channels: 3, num_classes: 2}\n"
        f"data: {{dataset: store, path: {tmp_path / 'store'}}}\n"
        "augmentation: {random_resized_crop: true, flip: 0.5}\n"
    )
    monkeypatch.setattr(loading, "default_workers", lambda: 2)
    found = loading.measure_loading(experiment, "cpu", batch_size=8)
    store = found["store"]
    assert [entry["processes"] for entry in store["by_processes"]] == [0, 1, 2]
    assert all(entry["images_per_second"] > 0 for entry in store["by_processes"])
    assert 0 < store["reading_us"] < store["decoding_us"]
    table = "\n".join(loading_lines(found))
    assert "A jpeg store, 2 cores" in table and table.count("\n| ") == 5
