"""Says at the end of a test run which group of tests took longer than its share of the time.

A group is a folder below ``sw_tests`` or ``hw_tests``; its share stands in pyproject.toml, section
``tool.trivit.test-seconds``. Nothing fails for its time, which depends on the machine and on what
else runs there. ``conftest.py`` of both folders uses this module.
"""

import sys
from collections import defaultdict
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found]  # pytest brings it


def read_shares(pyproject: Path) -> dict[str, float]:
    """Return the seconds of each group."""
    tree = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    return dict(tree.get("tool", {}).get("trivit", {}).get("test-seconds", {}))


class TimeShares:
    """Adds up the seconds of each group, setting up and tearing down included.

    Tests marked ``full`` are not counted: the shares are those of ``make test``.
    """

    def __init__(self, shares: dict[str, float]) -> None:
        self.shares = shares
        self.seconds: dict[str, float] = defaultdict(float)
        self.tests: dict[str, set[str]] = defaultdict(set)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a phase of a test; the reports of pytest-xdist's workers arrive here too."""
        if "full" in report.keywords:
            return
        group = "/".join(report.nodeid.partition("::")[0].split("/")[:2])
        self.seconds[group] += report.duration
        self.tests[group].add(report.nodeid)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print a table of the groups and, last, those that took too long."""
        if not self.seconds:
            return
        write = terminalreporter.write_line
        terminalreporter.section("seconds of each group of tests, and its share")
        write(f"{'group':28}{'tests':>7}{'seconds':>9}{'share':>7}")
        over = []
        for group, seconds in sorted(self.seconds.items(), key=lambda pair: -pair[1]):
            share = self.shares.get(group)
            mark = ""
            if share is None or seconds > share:
                mark = "  OVER" if share else "  NO SHARE"
                over.append(group)
            shown = "-" if share is None else f"{share:.0f}"
            write(f"{group:28}{len(self.tests[group]):7}{seconds:9.1f}{shown:>7}{mark}")
        if over:
            write(
                f"OVER ITS SHARE OF THE TIME: {', '.join(over)}. The shares are for an idle "
                "machine (tool.trivit.test-seconds in pyproject.toml): make these tests cheaper",
                red=True,
                bold=True,
            )


def pytest_configure(config: pytest.Config) -> None:
    """Count once, in the process that reports and not in pytest-xdist's workers."""
    plugins = config.pluginmanager
    if not hasattr(config, "workerinput") and not plugins.has_plugin("time-shares"):
        shares = read_shares(config.rootpath / "pyproject.toml")
        plugins.register(TimeShares(shares), "time-shares")
