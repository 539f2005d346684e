"""What the clocked simulation assumes of each loop that Vitis HLS pipelines (hls/src)."""

import re
from pathlib import Path

from trivit.tools.errors import ToolsError
from trivit.tools.kernel import ROOT
from trivit.tools.vivado.csynth import Loop

_FUNCTION = re.compile(r"^(?:static )?void (\w+)\([^)]*\) \{(.*?)^\}", re.MULTILINE | re.DOTALL)
_PROCESS = re.compile(r"^ +(\w+) \w+;$", re.MULTILINE)
_DEPTH = re.compile(r"^struct (\w+) \{(?:(?!^\};).)*?kDepth = (\d+);", re.MULTILINE | re.DOTALL)


def assumed_depths(block: str, hls: Path = ROOT / "hls") -> dict[str, int]:
    """Return ``kDepth`` of the process in each function of ``hls/src/<block>.cpp``."""
    headers = sorted((hls / "include/trivit/blocks").glob("*.hpp"))
    text = "\n".join(path.read_text(encoding="utf-8") for path in headers)
    depths = {process: int(depth) for process, depth in _DEPTH.findall(text)}
    source = (hls / "src" / f"{block}.cpp").read_text(encoding="utf-8")
    found = {}
    for function, body in _FUNCTION.findall(source):
        known = [name for name in _PROCESS.findall(body) if name in depths]
        if known:
            found[function] = depths[known[0]]
    return found


def process_of(loop: Loop, depths: dict[str, int]) -> str:
    """Return the function that a loop stands in; Vitis HLS moves loops to modules of their own.

    Raises:
        ToolsError: none of them.
    """
    module = re.sub(r"_Pipeline_\w+$", "", loop.module)
    for function in depths:
        if module in (function, f"{function}_1"):
            return function
    raise ToolsError(f"{loop.module}: no process of the block; there are {', '.join(depths)}")
