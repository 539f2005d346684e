"""Descriptor checks in the order of docs/numerics.md, section Checks."""

from trivit.host.generated import spec
from trivit.host.instructions import Instruction
from trivit.host.tiles import ceil_div, depth_words, row_groups

#: Fields that count rows of a tensor and words of a row, checked alike in every op.
_ROWS = ("rows", "tokens")
_WORDS = ("words", "depth_words", "out_words")


def _sizes_fit(instruction: Instruction) -> bool:
    f = instruction.fields
    if not all(1 <= f[name] <= spec.MAX_TOKENS for name in _ROWS if name in f):
        return False
    if not all(1 <= f[name] <= spec.MAX_DEPTH_WORDS for name in _WORDS if name in f):
        return False
    match instruction.opcode:
        case "load":
            return "statistics" not in instruction.flags or f["rows"] == 1
        case "patchify":
            sides = (f["channels"], f["height"], f["width"], f["patch"])
            if not all(1 <= side <= 4096 for side in sides):
                return False
            patch = f["patch"]
            if f["height"] % patch or f["width"] % patch:
                return False
            patches = (f["height"] // patch) * (f["width"] // patch)
            return (
                1 + patches <= spec.MAX_TOKENS
                and depth_words(f["channels"] * patch**2) <= spec.MAX_DEPTH_WORDS
            )
        case "matmul":
            return "compact" not in instruction.flags or 1 <= f["kept"] <= f["rows"]
        case "attention":
            return (
                1 <= f["heads"] <= spec.MAX_HEADS
                and 1 <= f["head_words"] <= spec.MAX_HEAD_WORDS
                and 3 * f["heads"] * f["head_words"] <= spec.MAX_DEPTH_WORDS
                and (
                    not {"mask", "score_all"} & instruction.flags
                    or f["tokens"] <= spec.MAX_CONNECTION_TOKENS
                )
            )
        case "select_tokens":
            return f["tokens"] >= 2 and 1 <= f["keep"] < f["tokens"]
        case "select_connections":
            return (
                2 <= f["rows"] <= f["tokens"] <= spec.MAX_CONNECTION_TOKENS
                and 1 <= f["keep"] < f["rows"]
            )
    return True


def tensors(instruction: Instruction) -> dict[str, tuple[int, int, int]]:
    """Return (address, rows, words) of every activation tensor that the instruction touches."""
    f = instruction.fields
    match instruction.opcode:
        case "load":
            return {"dst": (f["dst"], f["rows"], f["words"])}
        case "store":
            return {"src": (f["src"], f["rows"], f["words"])}
        case "patchify":
            patches = (f["height"] // f["patch"]) * (f["width"] // f["patch"])
            return {"dst": (f["dst"], 1 + patches, depth_words(f["channels"] * f["patch"] ** 2))}
        case "matmul":
            compact = "compact" in instruction.flags
            found = {
                "dst": (f["dst"], f["kept"] if compact else f["rows"], f["out_words"]),
                "src": (f["src"], f["rows"], f["depth_words"]),
            }
            if "residual" in instruction.flags:
                found["residual"] = (f["residual"], f["rows"], f["out_words"])
            if compact:
                found["index"] = _index_row(instruction)
            return found
        case "attention":
            width = f["heads"] * f["head_words"]
            found = {
                "dst": (f["dst"], f["tokens"], width),
                "src": (f["src"], f["tokens"], 3 * width),
            }
            if "mask" in instruction.flags:
                found["mask"] = (f["mask"], f["tokens"], mask_words(f["tokens"]))
            return found
        case "select_tokens":
            return {"dst": (f["dst"], 1, depth_words(1 + f["keep"]))}
        case "select_connections":
            return {
                "dst": (f["dst"], f["rows"], mask_words(f["rows"])),
                "index": _index_row(instruction),
            }
    raise AssertionError(instruction.opcode)


def index_count(instruction: Instruction) -> int:
    """Return the row numbers in the index tensor of a compacting matmul or select_connections."""
    return instruction.fields["kept" if instruction.opcode == "matmul" else "rows"]


def _index_row(instruction: Instruction) -> tuple[int, int, int]:
    return instruction.fields["index"], 1, depth_words(index_count(instruction))


def column_tiles(out_words: int) -> int:
    """Return the tiles of the array's outputs that rows of ``out_words`` words take."""
    return ceil_div(out_words * spec.TILE_DEPTH, spec.TILE_OUTPUTS)


def matrix_words(tiles: int, depth_words: int) -> int:
    """Return the words of a packed weight matrix with its bias."""
    return tiles * (depth_words * spec.TILE_OUTPUTS + spec.TILE_OUTPUTS // spec.TILE_DEPTH)


def mask_words(keys: int) -> int:
    """Return the words in a row of a connection mask over ``keys`` keys."""
    return depth_words(ceil_div(keys, 16))


def memory_regions(instruction: Instruction) -> list[tuple[str, int, int]]:
    """Return (region, first word, words) of every DDR access besides program and stats."""
    f = instruction.fields
    match instruction.opcode:
        case "load":
            return [("params", f["source"], f["rows"] * f["words"])]
        case "store":
            return [("output", f["target"], f["rows"] * f["words"])]
        case "patchify":
            pixels = f["channels"] * f["height"] * f["width"]
            return [("input", f["source"], depth_words(pixels))]
        case "matmul":
            tiles = column_tiles(f["out_words"])
            read = [("params", f["weight"], matrix_words(tiles, f["depth_words"]))]
            if "normalise" in instruction.flags:
                read += [("params", f[name], f["depth_words"]) for name in ("gamma", "beta")]
            return read
        case "attention" if "bias" in instruction.flags:
            return [("params", f["bias"], f["heads"] * f["tokens"] * depth_words(f["tokens"]))]
    return []


def _numbers_fit(instruction: Instruction) -> bool:
    f = instruction.fields
    aligned = ("bias_shift", "residual_shift", "beta_shift")
    shifts = ("out_shift", "norm_shift", "score_shift")
    upper = {
        "gelu_in_frac": 15,
        "gelu_out_frac": 24,
        "exp_shift": 40,
        "prob_frac": 15,
        "sqrt_width": 1 << 22,
        "epsilon": 1 << 56,
    }
    if not all(f[name] <= spec.MAX_ALIGN_SHIFT for name in aligned if name in f):
        return False
    if not all(spec.MIN_SHIFT <= f[name] <= spec.MAX_SHIFT for name in shifts if name in f):
        return False
    if not all(f[name] <= bound for name, bound in upper.items() if name in f):
        return False
    if "exp_multiplier" in f and not 1 << 23 <= f["exp_multiplier"] < 1 << 24:
        return False
    if "inv_width" in f:
        width = 8 * f["depth_words"]
        return f["inv_width"] * width <= (1 << 32) + width
    return True


def check(instruction: Instruction | None, regions: dict[str, int]) -> str:
    """Return the name of the first violated check, or "ok".

    ``regions`` gives the size in words of params, input and output.
    """
    if instruction is None:
        return "unknown_opcode"
    if not _sizes_fit(instruction):
        return "size_limit"
    for address, rows, words in tensors(instruction).values():
        if address + row_groups(rows) * words > spec.ACTIVATION_DEPTH:
            return "activation_address"
    for region, start, count in memory_regions(instruction):
        if start + count > regions[region]:
            return "memory_address"
    return "ok" if _numbers_fit(instruction) else "shift_range"
