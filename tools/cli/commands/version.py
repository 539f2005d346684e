"""``trivit version``."""


def version() -> None:
    """Print the versions of trivit, its kernel description and the libraries it uses."""
    from trivit.host.generated.spec import KERNEL_VERSION
    from trivit.tools.report.machine import library_versions

    versions = library_versions()
    print(
        f"trivit {versions.pop('trivit', '(not installed)')} (kernel description {KERNEL_VERSION})"
    )
    print(", ".join(f"{name} {number}" for name, number in versions.items()))
