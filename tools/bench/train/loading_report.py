"""What `loading` measured, in Markdown."""

from collections.abc import Mapping
from typing import Any


def loading_lines(loading: Mapping[str, Any]) -> list[str]:
    """Return what was measured, in Markdown."""
    lines = [
        f"Loading for {loading['experiment']}, images/s: "
        f"{loading['reading_images_per_second']:,.0f} read, "
        f"{loading['augmentation_images_per_second']:,.0f} augmented, "
        f"{loading['batches_images_per_second']:,.0f} in augmented batches."
    ]
    if store := loading["store"]:
        who = f"{store['processes']} processes" if store["processes"] else "threads"
        lines += [
            f"A {store['format']} store, {store['cores']} cores; an image takes a thread "
            f"{store['reading_us']:.0f} us to read and {store['decoding_us']:.0f} us to decode "
            f"(processor time); training would use {who}.",
            "",
            "| processes | images/s read |",
            "| --- | ---: |",
        ]
        for entry in store["by_processes"]:
            name = entry["processes"] or f"none, {store['threads']} threads"
            lines.append(f"| {name} | {entry['images_per_second']:,.0f} |")
    return lines
