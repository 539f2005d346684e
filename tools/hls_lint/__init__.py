"""Rules for the HLS blocks that g++ ignores and a synthesis would tell after minutes.

They work on the text of the blocks, which keeps to the forms of hls/include/trivit/blocks.
"""

from trivit.tools.hls_lint.pragmas import check_pragmas
from trivit.tools.hls_lint.source import Finding, Source
from trivit.tools.hls_lint.structure import check_structure

__all__ = ["Finding", "Source", "check", "check_pragmas", "check_structure"]


def check(source: Source) -> list[Finding]:
    """Return what breaks a rule, in the order of the lines."""
    return sorted(check_pragmas(source) + check_structure(source), key=lambda found: found.line)
