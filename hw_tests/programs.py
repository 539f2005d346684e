"""Random programs that use every opcode, for comparing backends with each other.

A program is one transformer block with random shapes, weights and formats, so tensors have the
ranges that real ones have, and saturate now and then.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trivit.host.bundle import Bundle, OutputInfo, Preprocessing, Program, TensorInfo
from trivit.host.fixed_point import Int16
from trivit.host.instructions import encode
from trivit.host.oracle.checks import column_tiles, mask_words, matrix_words


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Sizes of a random block."""

    channels: int = 1
    grid: int = 3
    patch: int = 4
    heads: int = 2
    head_words: int = 1
    hidden_words: int = 4
    keep: int = 5
    connections: int = 2
    classes: int = 10

    @property
    def tokens(self) -> int:
        """Rows of the token matrix, [CLS] included."""
        return 1 + self.grid**2

    @property
    def words(self) -> int:
        """Memory words in a token's row."""
        return self.heads * self.head_words


class Builder:
    """Appends instructions, parameters and tensors; allocates activation memory in order."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.program: list[NDArray[np.uint32]] = []
        self.params: list[Int16] = []
        self.params_words = 0
        self.address = 0
        self.tensors: list[TensorInfo] = []

    def values(self, words: int, bits: int) -> int:
        """Append random parameters below 2^bits and return their address in words."""
        return self.constants(self.rng.integers(-(1 << bits) + 1, 1 << bits, words * 8))

    def constants(self, block: NDArray[np.integer]) -> int:
        """Append whole words of parameters and return their address in words."""
        address = self.params_words
        self.params.append(block.astype(np.int16))
        self.params_words += len(block) // 8
        return address

    def tensor(
        self, name: str, rows: int, words: int, kind: str = "value", address: int | None = None
    ) -> int:
        """Name the tensor that the next instruction writes and return its address.

        Without an ``address`` it gets memory of its own.
        """
        if address is None:
            address = self.address
            self.address += -(-rows // 8) * words
        self.tensors.append(
            TensorInfo(
                name=name,
                instruction=len(self.program),
                address=address,
                rows=rows,
                words=words,
                columns=words * 8,
                frac=0,
                kind=kind,
            )
        )
        return address

    def add(self, opcode: str, flags: tuple[str, ...] = (), **fields: int) -> None:
        """Append an instruction."""
        self.program.append(encode(opcode, flags, **fields))

    def linear(
        self,
        name: str,
        src: int,
        rows: int,
        depth_words: int,
        out_words: int,
        *,
        gelu: bool = False,
        residual: int | None = None,
        in_place: bool = False,
        normalise: bool = False,
        statistics: bool = False,
        kept: tuple[int, int] | None = None,
    ) -> int:
        """Append a matmul whose outputs fill most of the int16 range.

        ``in_place`` writes over the residual; ``kept`` is the address of an index tensor and how
        many rows it keeps.
        """
        width = depth_words * 8
        weight = self.values(matrix_words(column_tiles(out_words), depth_words), 12)
        gamma, beta = (
            (self.values(depth_words, 14), self.values(depth_words, 13)) if normalise else (0, 0)
        )
        index, count = kept or (0, rows)
        dst = self.tensor(name, count, out_words, address=residual if in_place else None)
        chosen = {
            "gelu": gelu,
            "residual": residual is not None,
            "normalise": normalise,
            "statistics": statistics,
            "compact": kept is not None,
        }
        self.add(
            "matmul",
            tuple(flag for flag, wanted in chosen.items() if wanted),
            dst=dst,
            src=src,
            residual=residual or 0,
            index=index,
            weight=weight,
            gamma=gamma,
            beta=beta,
            rows=rows,
            depth_words=depth_words,
            out_words=out_words,
            kept=count,
            bias_shift=int(self.rng.integers(10, 13)),
            residual_shift=int(self.rng.integers(9, 12)),
            out_shift=11 + int(math.log2(width) / 2),
            gelu_in_frac=12,
            gelu_out_frac=12,
            inv_width=round(2**32 / width),
            sqrt_width=round(math.sqrt(width) * 2**16),
            epsilon=round(1e-6 * width * 2 ** (2 * (11 + 8))),
            beta_shift=int(self.rng.integers(18, 22)),
            norm_shift=20 + 14 - 13,
        )
        return dst

    def attention(
        self,
        name: str,
        src: int,
        shape: Shape,
        tokens: int,
        mask: int | None,
        *scores: str,
        bias: Int16 | None = None,
    ) -> int:
        """Append an attention; ``scores`` are the flags of what it keeps for the selectors.

        ``bias`` is (heads, tokens, tokens).
        """
        dst = self.tensor(name, tokens, shape.words)
        place = 0
        if bias is not None:
            padded = np.pad(bias, ((0, 0), (0, 0), (0, -tokens % 8)))
            place = self.constants(padded.reshape(-1))
        self.add(
            "attention",
            (
                *(("mask",) if mask is not None else ()),
                *(("bias",) if bias is not None else ()),
                *scores,
            ),
            dst=dst,
            src=src,
            mask=mask or 0,
            tokens=tokens,
            heads=shape.heads,
            head_words=shape.head_words,
            score_shift=13 + int(math.log2(shape.head_words)),
            exp_multiplier=int(self.rng.integers(1 << 23, 1 << 24)),
            exp_shift=int(self.rng.integers(12, 16)),
            prob_frac=15,
            out_shift=14,
            bias=place,
            bias_shift=0 if bias is None else 12,
        )
        return dst

    def kept(self, name: str, tokens: int, keep: int) -> tuple[int, int]:
        """Append a select_tokens; return its index tensor and the rows that it keeps."""
        dst = self.tensor(name, 1, -(-(1 + keep) // 8), "index")
        self.add("select_tokens", dst=dst, tokens=tokens, keep=keep)
        return dst, 1 + keep

    def mask(self, name: str, kept: tuple[int, int], tokens: int, keep: int) -> int:
        """Append a select_connections among the kept rows."""
        index, rows = kept
        dst = self.tensor(name, rows, mask_words(rows), "mask")
        self.add("select_connections", dst=dst, index=index, tokens=tokens, rows=rows, keep=keep)
        return dst


def random_bias(rng: np.random.Generator, heads: int, tokens: int) -> Int16:
    """Return what an attention adds to its products, (heads, tokens, tokens)."""
    return rng.integers(-(1 << 13), 1 << 13, (heads, tokens, tokens)).astype(np.int16)


def random_bundle(seed: int, shape: Shape | None = None) -> tuple[Bundle, NDArray[np.uint8]]:
    """Return a program over every opcode and flag, and two uint8 images for it.

    The program embeds patches while they come and runs two blocks, each with both selectors: in the
    first, both selections stand where the kernel runs them beside other work, in the second, where
    it does not.
    Matmuls stand alone and in chains. All tensors are named, so with_trace compares each.
    """
    shape = shape or Shape()
    rng = np.random.default_rng(seed)
    b = Builder(rng)
    side = shape.grid * shape.patch
    rows, words = shape.tokens, shape.words
    patch_words = -(-shape.channels * shape.patch**2 // 8)

    source = b.values(rows * words, 13)
    positions = b.tensor("positions", rows, words)
    b.add("load", dst=positions, source=source, rows=rows, words=words)
    patches = b.tensor("patches", rows, patch_words)
    b.add(
        "patchify",
        dst=patches,
        source=0,
        channels=shape.channels,
        height=side,
        width=side,
        patch=shape.patch,
    )
    x = b.linear("embedded", patches, rows, patch_words, words, residual=positions, statistics=True)
    source = b.values(words, 13)
    b.tensor("x", rows, words, address=x)
    b.add("load", ("statistics",), dst=x, source=source, rows=1, words=words)

    qkv = b.linear("qkv", x, rows, words, 3 * words, normalise=True)
    context = b.attention("context", qkv, shape, rows, None, "score_cls", "score_all")
    kept = b.kept("kept", rows, shape.keep)
    mask = b.mask("mask", kept, rows, shape.connections)
    x = b.linear("tokens", context, rows, words, words, residual=x, statistics=True, kept=kept)
    rows = kept[1]
    hidden = b.linear("fc1", x, rows, words, shape.hidden_words, gelu=True, normalise=True)
    x = b.linear("fc2", hidden, rows, shape.hidden_words, words, residual=x, statistics=True)

    qkv = b.linear("qkv2", x, rows, words, 3 * words, normalise=True)
    bias = random_bias(rng, shape.heads, rows)
    context = b.attention("context2", qkv, shape, rows, mask, "score_all", bias=bias)
    x = b.linear("proj2", context, rows, words, words, residual=x, in_place=True, statistics=True)
    keep = -(-shape.keep // 2)
    kept = b.kept("kept2", rows, keep)
    mask = b.mask("mask2", kept, rows, min(shape.connections, keep))
    context = b.attention("context3", qkv, shape, kept[1], mask)
    hidden = b.linear(
        "dropped", x, rows, words, shape.hidden_words, gelu=True, normalise=True, kept=kept
    )
    x = b.linear("fc4", hidden, kept[1], shape.hidden_words, words, statistics=True)
    out_words = -(-shape.classes // 8)
    logits = b.linear("head", x, 1, words, out_words, normalise=True)
    b.add("store", src=logits, target=0, rows=1, words=out_words)

    lut = np.clip(np.arange(256) * 128 - 16384, -32768, 32767).astype(np.int16)
    program = Program(
        name="random",
        instructions=np.stack(b.program),
        output_words=out_words,
        outputs=(
            OutputInfo(
                name="logits", offset=0, rows=1, words=out_words, columns=shape.classes, frac=11
            ),
        ),
        tensors=tuple(b.tensors),
        token_keep_ratio=shape.keep / shape.grid**2,
        attention_keep_ratio=shape.connections / shape.keep,
    )
    bundle = Bundle(
        params=np.concatenate(b.params),
        preprocessing=Preprocessing(
            channels=shape.channels,
            height=side,
            width=side,
            lut=np.repeat(lut[None], shape.channels, axis=0),
            frac=14,
            mean=(0.5,) * shape.channels,
            std=(0.5,) * shape.channels,
        ),
        class_names=tuple(str(i) for i in range(shape.classes)),
        input_words=-(-shape.channels * side * side // 8),
        programs=(program,),
    )
    images = rng.integers(0, 256, (2, shape.channels, side, side)).astype(np.uint8)
    return bundle, images
