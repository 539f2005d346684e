"""Map the folders models, tools, host and hls to the namespace ``trivit``; see pyproject.toml."""

from setuptools import find_packages, setup

FOLDERS = ("models", "tools", "host")

setup(
    packages=[
        "trivit.hls",
        *(
            f"trivit.{name}"
            for folder in FOLDERS
            for name in (folder, *(f"{folder}.{sub}" for sub in find_packages(folder)))
        ),
    ],
    package_dir={f"trivit.{folder}": folder for folder in (*FOLDERS, "hls")},
    package_data={
        **{f"trivit.{folder}": ["py.typed"] for folder in FOLDERS},
        # For the board: a program that checks it, and notebooks.
        "trivit.host.check": ["*.trivit"],
        "trivit.host.notebooks": ["*.ipynb"],
        # Emulator and simulator are compiled on the user's machine from the kernel's sources.
        "trivit.hls": [
            "kernel.yaml",
            *(f"**/*.{end}" for end in ("hpp", "cpp", "h", "sv", "f", "vlt")),
        ],
    },
)
